"""The report: one page, `report.html`, with the figures that a paper's appendix needs.

Each figure is a query, `sql/<name>.sql`, in DuckDB's dialect; what it shows is what the query gives.
`figures` lists them, `charts` draws them as SVG with Vega-Altair, `page` puts them into one file that opens
offline and runs no script. Counts, shares and quartiles alone: no value of Spotify is shown one by one.

Not here: the tables that are read (`music_assets.tables`), and the asset that writes the page
(`defs/assets/report`).
Importing a module of this package loads Altair, which takes a second: import it where it is used.
`directories`, which is no figure of the page, does not.
"""
