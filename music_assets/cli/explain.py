"""`music-assets explain`: why a track is matched as it is."""

from __future__ import annotations

import click


@click.command()
@click.argument("track_id", metavar="TRACK_ID")
@click.option("--data", metavar="DIR", help="The data folder of the run to look at; `data` unless set.")
def explain(track_id: str, data: str | None) -> None:
    """Show an MSD track's candidates on Spotify, their scores, and the evidence for and against.

    It reads what the last run staged, and asks nothing.

    \b
    Example:
      music-assets explain TRAAAAW128F429D538
    """
    from rich.console import Console

    from music_assets.cli.console import SANDBOX_BANNER
    from music_assets.cli.explanation import find, show
    from music_assets.settings import Settings, resources

    console = Console()
    staging = resources(Settings.from_environment(data=data))["staging"]
    found = find(staging.store(), track_id.strip())
    show(console, found)
    if found.is_sandbox:
        console.print(SANDBOX_BANNER)
