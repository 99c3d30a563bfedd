"""`music-assets plan`: what each source is expected to settle, with requests, hours and days, beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.markdown import Markdown
from rich.progress import track

from music_assets.cli import data_option
from music_assets.cli.console import Console
from music_assets.cli.forecasts import read_forecast
from music_assets.cli.status import read_status
from music_assets.defs.wiring import resources
from music_assets.resolution import read_priority_list, release_key
from music_assets.resolution.plan import Plan
from music_assets.settings import Settings
from music_assets.staging.rows import decode

_NAMED_BY = ["track_id", "song_id", "artist_id", "release"]


@click.command()
@click.option("--msd", metavar="DIR", help="MSD root, or one HDF5 file of songs.")
@click.option("--tracks", metavar="FILE", help="What comes first: ids of MSD tracks, songs, artists.")
@data_option
def plan(msd: str | None, tracks: str | None, data: str | None) -> None:
    """Estimate what each source will settle, and the requests, hours and days that it takes.

    It reads the songs, from the staging area where they are there already, and sends no request.

    \b
    Examples:
      music-assets plan --msd ~/MillionSongSubset
      music-assets plan --tracks paper.csv
    """
    console = Console()
    settings = Settings.from_environment(msd=msd, data=data, tracks=tracks)
    listing = settings.resolution.tracks
    wanted = frozenset(read_priority_list(Path(listing)) if listing else ())
    releases: Counter[str] = Counter()
    listed: Counter[str] = Counter()
    found: set[str] = set()
    for song in _songs(settings, console):
        key = release_key(song["artist_id"], song["release"], song["track_id"])
        releases[key] += 1
        if ids := wanted & {song["track_id"], song["song_id"], song["artist_id"]}:
            listed[key] += 1
            found |= ids
    per_day = settings.spotify.requests_per_day
    if wanted:
        console.print(Markdown(f"# The {len(wanted):,} listed ids"))
        console.print(f"{len(wanted - found):,} of them are not in this MSD. Songs count as open here.")
        console.print(Markdown(Plan(listed.total(), len(listed), per_day=per_day).as_markdown()))
        console.print(Markdown("# All songs"))
    resolved, mode = 0, None
    if not settings.is_sandbox:  # what that has resolved is still to do
        status = read_status(settings)
        resolved, mode = status.songs.answered, status.requests.mode
    still_open = releases.total() - resolved
    expected = read_forecast(settings, still_open, len(releases), resolved=resolved, mode=mode)
    if settings.is_sandbox:
        console.print("For the real services; what the sandbox has counted is left out.")
    console.print(Markdown(expected.as_markdown()))
    if expected.spotify is not None:
        console.print(Markdown(f"## Spotify\n\n{expected.spotify.as_markdown()}"))


def _songs(settings: Settings, console: Console) -> Iterator[dict[str, Any]]:
    """The names of every song of the MSD in use, as staged or else as read; with a bar."""
    available = resources(settings)
    store, root = available["staging"].store(), available["msd"].root()
    for key in track(root.partitions(), "Reading songs", console=console, transient=True):
        if staged := store.staged_file("msd_songs", key):
            yield from decode(store.read(staged))
        else:
            names = root.read(key).songs[_NAMED_BY].astype(object)
            yield from names.where(names.notna(), None).to_dict("records")
