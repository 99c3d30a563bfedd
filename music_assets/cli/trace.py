"""`music-assets trace`: where a row comes from."""

from __future__ import annotations

import click


@click.command()
@click.argument("track_id", metavar="TRACK_ID")
@click.option("--msd", metavar="DIR", help="MSD root to look at instead of MUSIC_ASSETS_MSD.")
@click.option("--data", metavar="DIR", help="The data folder of the run to look at; `data` unless set.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def trace(track_id: str, msd: str | None, data: str | None, as_json: bool) -> None:
    """Show where an MSD track's row comes from: file, question, answer, matcher, staged files and runs.

    It reads the published tables, the staged receipts and the ledger, and asks nothing.

    \b
    Examples:
      music-assets trace TRAAAAW128F429D538
      music-assets trace TRAAAAW128F429D538 --json | jq .msd
    """
    import orjson
    from rich.console import Console

    from music_assets.cli.console import SANDBOX_BANNER
    from music_assets.cli.tracing import show
    from music_assets.cli.tracing import trace as trace_row
    from music_assets.settings import Settings, resources

    console = Console()
    settings = Settings.from_environment(msd=msd, data=data)
    ours = resources(settings)
    is_file = settings.warehouse.startswith("duckdb")
    root = ours["msd"].root() if settings.msd or (settings.data / "sample_msd").is_dir() else None
    with ours["spotify"].opened() as spotify:
        tables = settings.published if is_file else settings.warehouse
        found = trace_row(track_id.strip(), tables, ours["staging"].store(), spotify.answers(), root)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    show(console, found)
    if found["match"]["source"] == "sandbox":
        console.print(SANDBOX_BANNER)
