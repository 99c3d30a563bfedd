"""`music-assets cite`: what to cite in a paper. The works are listed in `music_assets.export.references`."""

from __future__ import annotations

import click

from music_assets.cli import data_option


@click.command()
@click.option("--bibtex", is_flag=True, help="As BibTeX entries.")
@data_option
def cite(bibtex: bool, data: str | None) -> None:
    """Show what to cite: the MSD, the open data, the companion sets that the tables have, and this software.

    An export has the same in CITATION.bib and CITATION.cff, with the version of its data. The software has no
    address of its own: add where you have it from.

    \b
    Examples:
      music-assets cite
      music-assets cite --bibtex >> paper.bib
    """
    from music_assets.cli.listing import tables_of
    from music_assets.export.references import as_bibtex, as_text, owners_of, references
    from music_assets.lookup import LookupFailed, reading
    from music_assets.settings import Settings
    from music_assets.tables import CC0, MSD

    try:
        with reading(tables_of(Settings.from_environment(data=data))) as (connection, _):
            owners = owners_of(connection)
    except LookupFailed:
        owners = [MSD, CC0]
        click.echo(
            "There are no tables to read here yet; companion sets that a run uses are cited too.", err=True
        )
    for one in references(owners):
        click.echo(as_bibtex(one) if bibtex else as_text(one))
