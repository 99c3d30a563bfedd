"""`music-assets plan`: what each source is expected to settle, with requests, hours and days, beforehand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import click
from rich.markdown import Markdown
from rich.progress import track

from music_assets.cli import data_option, interruptible_import, staging_store
from music_assets.cli.console import Console, counted, write_json
from music_assets.cli.forecasts import read_forecast
from music_assets.cli.listing import misspelt_words, tables_of, unknown_ids
from music_assets.cli.status import count_songs
from music_assets.lookup import LookupFailed, lookup
from music_assets.priority_list import listed_ids
from music_assets.resolution import release_key
from music_assets.resolution.plan import Plan
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.settings import Settings
from music_assets.staging.rows import decode

_MSD_KINDS = ("track", "song", "artist")
_NAMED_BY = ["track_id", "song_id", "artist_id", "release"]


@click.command()
@click.option("--msd", metavar="DIR", help="MSD root, or one HDF5 file of songs.")
@click.option("--tracks", metavar="FILE", help="What comes first: ids of MSD tracks, songs, artists.")
@data_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def plan(msd: str | None, tracks: str | None, data: str | None, as_json: bool) -> None:
    """Estimate what each source will settle, and the requests, hours and days that it takes.

    It reads the songs, from the staging area where they are there already, writes nothing and sends no
    request. Without --msd it is about what was run here or, before the first run, the generated sample.

    \b
    Examples:
      music-assets plan --msd ~/MillionSongSubset
      music-assets plan --tracks paper.csv --json
    """
    with interruptible_import():
        from music_assets.defs.dumps import DUMPS
        from music_assets.defs.wiring import opened_resources

    console = Console(stderr=as_json)  # the bar is not part of the JSON
    settings = Settings.from_environment(msd=msd, data=data, tracks=tracks)
    listing = settings.resolution.tracks
    wanted = {id_.value: id_.kind for id_ in listed_ids(Path(listing))} if listing else {}
    others = [id_ for id_, kind in wanted.items() if kind not in _MSD_KINDS]
    of_tracks = _ids_by_track(settings, others) if others else {}
    for note in misspelt_words(Path(listing)) if listing else ():
        click.echo(note, err=True)
    releases: Counter[str] = Counter()
    listed: Counter[str] = Counter()
    found: set[str] = set()
    staged: list[str] = []
    for song in _songs(settings, console, staged):
        key = release_key(song["artist_id"], song["release"], song["track_id"])
        releases[key] += 1
        names = {song["track_id"], song["song_id"], song["artist_id"]}
        if of_song := (wanted.keys() & names) | of_tracks.get(song["track_id"], set()):
            listed[key] += 1
            found |= of_song
    resolved = 0
    if not settings.is_sandbox:  # what that has resolved is still to do
        resolved = count_songs(staging_store(settings), settings.ledger_source, staged).answered
    expected = read_forecast(settings, releases.total() - resolved, len(releases), resolved=resolved)
    per_day = settings.spotify.requests_per_day
    of_list = Plan(listed.total(), len(listed), per_day=per_day) if wanted else None
    others = [id_ for id_ in others if id_ not in found]
    unknown = [id_ for id_ in wanted if id_ not in found and id_ not in others]
    if as_json:
        facts = {"forecast": {**asdict(expected), "spotify": expected.spotify and _facts(expected.spotify)}}
        if of_list:
            ids = {"ids": len(wanted), "unknown": unknown, "not_of_the_msd": others}
            facts["listing"] = ids | _facts(of_list)
        write_json(facts)
        return
    if of_list:
        console.print(Markdown("# The listed songs"))
        known = f"{counted(len(found), 'id')} of {counted(of_list.open, 'song')}, which count as open here"
        console.print(*[known, *unknown_ids(unknown, "in this MSD")], sep="; ")
        if others:
            console.print(f"{counted(len(others), 'id')} not of the MSD: known once a run has matched them.")
        console.print(Markdown(of_list.as_markdown()))
        console.print(Markdown("# All songs"))
    if settings.is_sandbox:
        console.print("For the real services; what the sandbox has counted is left out.")
    console.print(Markdown(expected.as_markdown()))
    with opened_resources(settings) as opened:
        for missing in chain.from_iterable(map(opened.dumps.missing, DUMPS)):
            console.print(missing)
    if expected.spotify is not None:
        console.print(Markdown(expected.spotify.as_markdown()))


def _ids_by_track(settings: Settings, ids: list[str]) -> dict[str, set[str]]:
    """By MSD track, which of these ids it has in the tables; empty where there are none yet."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    with suppress(LookupFailed):
        rows = lookup(ids, warehouse=tables_of(settings), columns=["track_id"])
        for id_, track_id in rows.loc[rows["found"], ["id", "track_id"]].itertuples(index=False):
            found[track_id].add(id_)
    return found


def _facts(plan: Plan) -> dict[str, Any]:
    return {**asdict(plan), "requests": plan.requests, "requests_per_song": plan.requests_per_song}


def _songs(settings: Settings, console: Console, staged: list[str]) -> Iterator[dict[str, Any]]:
    """The names of every song of the MSD in use, with a bar; `staged` gets the partitions staged as they are.

    Another MSD may have been run in this folder: only what its files would give now counts as staged.
    """
    from music_assets.defs.assets.msd import read_msd
    from music_assets.defs.stages import Plan as StagesPlan
    from music_assets.defs.wiring import resources

    store = staging_store(settings)

    def rows(key: str) -> list[dict[str, Any]]:
        file = store.staged_file("msd_songs", key)
        return list(decode(store.read(file))) if file else []

    if settings.msd is None:
        keys, sample = store.keys("msd_songs"), sample_songs()
        of_sample = {song["track_id"] for song in sample}
        staged += keys
        if all(song["track_id"] in of_sample for song in chain.from_iterable(map(rows, keys[:1]))):
            yield from sample
            return
        for key in track(keys, "Reading songs", console=console, transient=True):
            yield from rows(key)
        return
    msd = resources(settings)["msd"]
    root, stages = msd.root(), StagesPlan(store, {"msd": msd})
    for key in track(root.partitions(), "Reading songs", console=console, transient=True):
        before = rows(key)
        if stages.is_current(read_msd, key, ["msd_songs"]):
            now = before
        else:
            names = root.read(key).songs[_NAMED_BY].astype(object)
            now = names.where(names.notna(), None).to_dict("records")
        if {song["track_id"] for song in before} == {song["track_id"] for song in now}:
            staged.append(key)
        yield from now
