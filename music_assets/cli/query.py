"""`music-assets query`: SQL on the published copy, for those without a DuckDB shell."""

from __future__ import annotations

import click
import duckdb

from music_assets.cli import CommandError, data_option
from music_assets.settings import Settings


@click.command()
@click.argument("sql")
@data_option
def query(sql: str, data: str | None) -> None:
    """Query the published tables of a local run, read only.

    \b
    Example:
      music-assets query "SELECT match_status, count(*) FROM analytics.songs GROUP BY ALL"
    """
    published = Settings.from_environment(data=data).published
    if not published.exists():
        raise CommandError(
            f"There is no {published}. Run `music-assets run` first, or name its folder with --data."
        )
    try:
        with duckdb.connect(str(published), read_only=True) as database:
            if (result := database.sql(sql)) is not None:
                result.show(max_width=110)
    except duckdb.Error as error:
        raise CommandError(str(error)) from None
