"""`music-assets status`: how far the asking is, and how long it will still take."""

from __future__ import annotations

import click


@click.command()
@click.option("--data", metavar="DIR", help="The data folder of the run to look at; `data` unless set.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def status(data: str | None, as_json: bool) -> None:
    """Show songs done and pending, requests spent and left, pauses, and the days to finish.

    It reads what is staged and what the ledger counts, writes nothing, asks Spotify nothing, and may be
    called while a run works.

    \b
    Examples:
      music-assets status
      music-assets status --json
    """
    from music_assets.cli.state import lines, read_status
    from music_assets.settings import Settings

    found = read_status(Settings.from_environment(data=data))
    if as_json:
        import orjson

        click.echo(orjson.dumps(found.as_dict(), option=orjson.OPT_INDENT_2).decode())
        return
    for name, said in lines(found):
        click.echo(f"{name:<16} {said}")
