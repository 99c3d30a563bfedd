"""`music-assets dictionary`: the data dictionary, from the declared tables."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from music_assets.cli import EXIT_FAILED, CommandError


@click.command()
@click.option("--to", metavar="FILE", help="Where it goes; docs/data_dictionary.md unless set.")
@click.option("--check", is_flag=True, help="Write nothing; fail where the file is not up to date.")
def dictionary(to: str | None, check: bool) -> None:
    """Write the data dictionary: every table and column, from the tables as they are declared.

    \b
    Examples:
      music-assets dictionary
      music-assets dictionary --check
    """
    from music_assets.cli.data_dictionary import PATH, data_dictionary

    path = Path(to or PATH)
    page = data_dictionary()
    try:
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != page:
                click.echo(f"{path} is not what the tables say: run `music-assets dictionary`.", err=True)
                sys.exit(EXIT_FAILED)
            click.echo(f"{path} is up to date.")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be used: {error.strerror}. Name another with --to.") from None
    click.echo(f"Wrote {path}.")
