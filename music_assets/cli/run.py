"""`music-assets run`: the main job on this machine.

Here: options, the list of songs, and the exit code. What is run is in `job`. On AWS Dagster launches the same
jobs.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from music_assets.cli import EXIT_FAILED, EXIT_INTERRUPTED, CommandError, data_option, interruptible_import
from music_assets.cli.console import Console, progress_shown
from music_assets.cli.listing import check_writable, look_up_list, misspelt_words
from music_assets.settings import Settings
from music_assets.tables import SPOTIFY
from music_assets.tables.terms import TERMS


@click.command()
@click.option("--msd", metavar="DIR", help="MSD root (the folder with A/ to Z/), or one HDF5 file of songs.")
@click.option("--partitions", metavar="SPEC", help="AB, AA...AZ, A*, or several separated by commas.")
@data_option
@click.option("--tracks", metavar="FILE", help="Search for these first: a text or CSV with ids of songs.")
@click.option("--only", is_flag=True, help="Search for nothing but the songs of --tracks.")
@click.option("--out", metavar="FILE", help="Write what the tables have for each id of --tracks to a CSV.")
@click.option("--refresh", is_flag=True, help="Fetch the oldest Spotify values again, at most once a day.")
def run(
    msd: str | None,
    partitions: str | None,
    data: str | None,
    tracks: str | None,
    only: bool,
    out: str | None,
    refresh: bool,
) -> None:
    """Run the main job: MSD files in, query-ready tables out.

    What is up to date is left alone: a second run of the sample takes under a minute, and no request.
    Without --msd a generated sample is used, without Spotify's credentials a sandbox. A list may hold ids of
    MSD tracks, songs and artists, Spotify's, ISRCs, and MusicBrainz' ids of recordings, among any text.

    \b
    Examples:
      music-assets run --msd ~/MillionSongSubset --partitions 'A*'
      music-assets run --tracks paper.csv --only --out matched.csv
    """
    with interruptible_import():
        from music_assets.cli.job import run_job

    console = Console(soft_wrap=True)
    settings = Settings.from_environment(msd=msd, data=data, tracks=tracks)
    listing = settings.resolution.tracks
    if (only or out) and not listing:
        raise CommandError("--only and --out are about a list of songs: name it with --tracks.")
    if out:
        check_writable(Path(out))
    with progress_shown(console):
        summary = run_job(settings, partitions, refresh=refresh, only=only)
    if (started := click.get_current_context().find_root().obj) is not None:
        summary.seconds = round(time.monotonic() - started, 1)  # with the start of this program
    if listing and (settings.published.exists() or not settings.warehouse.startswith("duckdb")):
        summary.listing = look_up_list(settings, Path(listing), Path(out) if out else None)
    if listing:
        summary.notes += misspelt_words(Path(listing))
    summary.write(settings.data / "last_run.json")
    summary.show(console, settings)
    if out and summary.listing:
        console.print(f"Written to {out}, with a row per id and song.")
        click.echo(f"Of Spotify's columns: {TERMS[SPOTIFY].summary} See docs/terms.md.", err=True)
    if summary.interrupted:
        sys.exit(EXIT_INTERRUPTED)
    if summary.failed:
        sys.exit(EXIT_FAILED)
