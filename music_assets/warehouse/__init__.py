"""The warehouse: DuckDB on a laptop, Redshift on AWS; staged files go in, published tables come out.

- `connect`: from a URL to an engine; `engine`: what engines share; `duckdb`, `redshift`: what is their own.
- `manifest`: what is loaded; `migrations`: from existing tables to the declared ones.
- `sql/<schema>/<table>.sql`: what fills each published table; `published` and `translate` read it.
- `refresh_queries`: what of Spotify's is stalest.

Tables are declared in `music_assets.tables`, staged files written and validated in `music_assets.staging`.
"""
