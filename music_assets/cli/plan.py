"""`music-assets plan`: what asking will take, before a request is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from music_assets.resolution.plan import Plan
    from music_assets.settings import Settings


@click.command()
@click.option(
    "--msd", metavar="DIR", help="MSD root, or one HDF5 file of songs; MUSIC_ASSETS_MSD unless set."
)
@click.option("--tracks", metavar="FILE", help="What is wanted first: ids of MSD tracks, songs, artists.")
@click.option("--data", metavar="DIR", help="Data folder; `data` unless set.")
def plan(msd: str | None, tracks: str | None, data: str | None) -> None:
    """Say how many requests and days it will take to ask about the songs of an MSD, by each way of asking.

    It reads the songs (those staged already as they are, which takes seconds), and asks nothing.

    \b
    Examples:
      music-assets plan --msd ~/MillionSongSubset
      music-assets plan --tracks paper.csv
    """
    from rich.console import Console
    from rich.markdown import Markdown

    from music_assets.resolution import read_priority_list, release_key
    from music_assets.resolution.plan import kept_chances, make_plan
    from music_assets.settings import Settings

    console = Console()
    settings = Settings.from_environment(msd=msd, data=data, tracks=tracks)
    wanted = frozenset(read_priority_list(settings.tracks)) if settings.tracks else frozenset()
    releases: Counter[str] = Counter()
    listed: Counter[str] = Counter()
    named: set[str] = set()
    for song in _songs(settings, console):
        key = release_key(song["artist_id"], song["release"], song["track_id"])
        releases[key] += 1
        if ids := wanted & {song["track_id"], song["song_id"], song["artist_id"]}:
            listed[key] += 1
            named |= ids
    chances = kept_chances(settings.data / "ledger" / f"{settings.spotify}.songs.sqlite")

    def planned(counted: Iterable[int]) -> Plan:
        return make_plan(
            Counter(counted),
            chances=chances,
            ladder=settings.queries,
            by_release=settings.ask_by_release,
            sources=_sources(settings),
            verify=settings.verify_ids,
            mode="extended" if settings.spotify_mode == "extended" else "development",
            per_day=settings.requests_per_day,
        )

    if wanted:
        console.print(Markdown(f"# The {len(wanted):,} listed ids"))
        if missing := len(wanted - named):
            console.print(f"{missing:,} of them are not in this MSD.")
        console.print(Markdown(planned(listed.values()).as_markdown()))
        console.print(Markdown("# All songs"))
    console.print(Markdown(planned(releases.values()).as_markdown()))
    console.print("All songs are counted, answered or not: `music-assets status` says which are.")


def _sources(settings: Settings) -> list[str]:
    """The places beside Spotify that are set to be asked for ids."""
    on = {"echonest": settings.echonest is not None, "listenbrainz": settings.listenbrainz}
    return [name for name, is_on in on.items() if is_on]


def _songs(settings: Settings, console: Any) -> Iterator[dict[str, Any]]:
    """Every song of the MSD in use, as staged where that is current, else as read; with a bar."""
    from rich.progress import track

    from music_assets.defs.assets.msd import read_from
    from music_assets.defs.assets.msd_partition import PartitionReader
    from music_assets.settings import resources
    from music_assets.sources.msd import cores
    from music_assets.staging.rows import decode

    made = resources(settings)
    store, root = made["staging"].store(), made["msd"].root()
    keys = root.partitions()
    receipts = dict(zip(keys, store.staged_files("msd_songs", keys), strict=True))
    current = {
        key: receipt
        for key, receipt in receipts.items()
        if receipt and receipt.fingerprint == read_from(root, key)
    }
    with PartitionReader(root, settings.readers or cores()) as reader:
        reader.expect([key for key in keys if key not in current])
        for key in track(keys, "Reading songs", console=console, transient=True):
            receipt = current.get(key)
            yield from decode(store.read(receipt) if receipt else reader.read(key).msd_songs.content)
