"""`music-assets query`: SQL on the published copy, for those without a DuckDB shell."""

from __future__ import annotations

import click

from music_assets.cli import CommandError


@click.command()
@click.argument("sql")
@click.option("--data", metavar="DIR", help="The data folder of the run to look at; `data` unless set.")
def query(sql: str, data: str | None) -> None:
    """Ask the published tables of a local run, read only.

    \b
    Example:
      music-assets query "SELECT match_status, count(*) FROM analytics.songs GROUP BY ALL"
    """
    import duckdb

    from music_assets.settings import Settings

    published = Settings.from_environment(data=data).published
    if not published.exists():
        raise CommandError(
            f"There is no {published}: run `music-assets run` first, or name its folder with --data."
        )
    try:
        with duckdb.connect(str(published), read_only=True) as database:
            answer = database.sql(sql)
            if answer is not None:
                answer.show(max_width=110)
    except duckdb.Error as error:
        raise CommandError(str(error)) from None
