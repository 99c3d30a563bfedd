"""`music-assets run`: the main job."""

from __future__ import annotations

import sys

import click

from music_assets.cli import EXIT_FAILED, EXIT_INTERRUPTED


@click.command()
@click.option("--msd", metavar="DIR", help="MSD root (the folder with A/ to Z/), or one HDF5 file of songs.")
@click.option("--partitions", metavar="SPEC", help="AB, AA...AZ, A*, or several with commas.")
@click.option("--data", metavar="DIR", help="Folder for everything this makes; `data` unless set.")
@click.option("--tracks", metavar="FILE", help="What to ask about first: ids of MSD tracks, songs, artists.")
@click.option("--refresh", is_flag=True, help="Ask Spotify again about what is stalest, once a day.")
def run(msd: str | None, partitions: str | None, data: str | None, tracks: str | None, refresh: bool) -> None:
    """Run the main job: MSD files in, query-ready tables out.

    What is there already is kept: running again costs seconds and no request. Without --msd a generated
    sample is used, without Spotify's credentials a sandbox.

    \b
    Example:
      music-assets run --msd ~/MillionSongSubset --partitions 'A*'
    """
    from rich.console import Console

    from music_assets.cli.console import SANDBOX_BANNER, progress_shown, show_summary
    from music_assets.cli.runner import run as run_job
    from music_assets.settings import Settings

    console = Console(stderr=False, soft_wrap=True)
    settings = Settings.from_environment(msd=msd, data=data, tracks=tracks)
    if settings.spotify == "sandbox":
        console.print(SANDBOX_BANNER + "\n")
    with progress_shown(console):
        summary = run_job(settings, partitions, refresh=refresh)
    show_summary(console, summary, settings)
    if summary.interrupted:
        sys.exit(EXIT_INTERRUPTED)
    if summary.failed:
        sys.exit(EXIT_FAILED)
