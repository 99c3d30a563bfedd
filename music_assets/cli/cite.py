"""`music-assets cite`: what to cite in a paper. The works are listed in `music_assets.export.references`."""

from __future__ import annotations

import click

from music_assets.export.references import as_bibtex, as_text, references
from music_assets.tables.terms import TERMS


@click.command()
@click.option("--bibtex", is_flag=True, help="As BibTeX entries.")
def cite(bibtex: bool) -> None:
    """Show what to cite: the MSD, the open data, the companion sets, and this software with its version.

    An export has the same in CITATION.bib and CITATION.cff, with the version of its data.

    \b
    Examples:
      music-assets cite
      music-assets cite --bibtex >> paper.bib
    """
    for one in references(TERMS):
        click.echo(as_bibtex(one) if bibtex else as_text(one))
