"""`music-assets trace`: where a row of `analytics.songs` comes from.

Here: gathering it from the tables, the staged files, the ledger and the MSD, and drawing it. It sends no
request and changes nothing. Why the match is what it is, is shown by `explain`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, select

from music_assets.cli import data_option, staging_store, track_of
from music_assets.cli.console import SANDBOX_BANNER, Console, counted, facts_table, moment, shown, write_json
from music_assets.cli.ledger import existing_ledger
from music_assets.cli.listing import tables_of
from music_assets.ids import partition_of
from music_assets.lookup import LookupFailed, reading
from music_assets.settings import Settings
from music_assets.sources.ledger import Key, Ledger
from music_assets.sources.msd import MsdRoot, read_msd
from music_assets.staging import manifests
from music_assets.staging.manifests import ManifestEntry
from music_assets.staging.store import StagedFile, StagingStore
from music_assets.tables import LOADS, PUBLISHED, STAGED

Facts = dict[str, Any]
ARCHIVE = "the Echo Nest's archive of 2016 (millionsongdataset_echonest.tar.bz2)"


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--msd", metavar="DIR", help="MSD root to compare with; MUSIC_ASSETS_MSD unless set.")
@data_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def trace(id_: str, msd: str | None, data: str | None, as_json: bool) -> None:
    """Show where an MSD track's row comes from: file, query, response, matcher, staged files and runs.

    ID is that of the track, of its song or artist, of its match on Spotify or that one's artist, its ISRC or
    its MusicBrainz recording; where it is of several tracks they are named.

    It reads the published tables, the staging area and the ledger, and sends no request.

    \b
    Examples:
      music-assets trace TRAAAAW128F429D538
      music-assets trace TRAAAAW128F429D538 --json | jq .msd
    """
    settings = Settings.from_environment(msd=msd, data=data)
    msd_root = Path(settings.msd or settings.data / "sample_msd")
    root = MsdRoot.open(msd_root) if settings.msd or msd_root.is_dir() else None
    track_id, tables = track_of(id_, settings), tables_of(settings)
    if not settings.msd and root and root.find(track_id) is None:
        root = None  # the generated sample, and the song is of another MSD
    with existing_ledger(settings) as ledger:
        found = trace_row(track_id, tables, staging_store(settings), ledger, root)
    if as_json:
        write_json(found)
        return
    console = Console()
    _show(console, found)
    if found["match"]["source"] == "sandbox":
        console.print(SANDBOX_BANNER)


def trace_row(
    track_id: str, tables: str | Path, store: StagingStore, ledger: Ledger | None, msd: MsdRoot | None
) -> Facts:
    """The chain behind an MSD track's row: what `--json` shows.

    `tables` is the published copy or a warehouse's URL. Where `ledger` or `msd` is None, or has nothing on
    the track, its part says so.

    Returns:
        `song` and `match` as the tables have them, `msd` (file, checksums), `answers` of the ledger by
        purpose, and `files` by staged kind: the file, which run wrote it when, the result of its
        validation, its load. Times are UTC.

    Raises:
        LookupFailed: there is no such track, or there are no tables to read.
        MusicAssetsError: the warehouse, staged files, ledger or MSD cannot be reached.
    """
    partition = partition_of(track_id)
    with reading(tables) as (connection, place):
        rows, loads = _rows(connection, track_id), _loads(connection, partition)
    song, match, wide = rows["msd.songs"], rows["mapped.songs"], rows["analytics.songs"]
    if not song:
        raise LookupFailed(
            f"The tables at {place} have no track {track_id}: has partition {partition} been run?"
        )
    entries, files = manifests.read(store, "staged_json", partition), {}
    for kind in map(str, STAGED):
        staged = store.staged_file(kind, partition)
        files[kind] = _file(store.url(kind, partition), staged, entries.get(kind), loads.get(kind))
    return {
        "track_id": track_id,
        "tables": place,
        "song": {name: song[name] for name in ("title", "artist_name", "release", "year", "duration")},
        "msd": _msd(song, msd),
        "match": _match(match, wide),
        "answers": _responses(ledger, track_id, match, wide),
        "files": files,
    }


def _rows(connection: Connection, track_id: str) -> dict[str, Facts]:
    """The track's rows by table, empty where missing; of `mapped.songs` that of the best candidate."""
    found = {}
    for name in ("msd.songs", "mapped.songs", "analytics.songs"):
        table = PUBLISHED[name]
        rows = select(table).where(table.c.track_id == track_id)
        if "rank" in table.c:
            rows = rows.order_by(table.c.rank)
        found[name] = dict(connection.execute(rows.limit(1)).mappings().first() or {})
    return found


def _loads(connection: Connection, partition: str) -> dict[str, Facts]:
    """The partition's rows of `meta.loads`, by staged kind."""
    rows = connection.execute(select(LOADS).where(LOADS.c.slice == partition)).mappings()
    return {row["table"]: dict(row) for row in rows}


def _msd(song: Facts, root: MsdRoot | None) -> Facts:
    """The file, the checksum of the song when it was read, and what the file has today."""
    facts = {"file": song["msd_file"], "checksum_when_read": song["msd_checksum"]}
    if root is None:
        return {**facts, "today": "the MSD is not available: name its folder with --msd"}
    path = (root.path if root.path.is_dir() else root.path.parent) / song["msd_file"]
    if not path.is_file():
        return {**facts, "path": str(path), "today": "the file does not exist any more"}
    # Of one file with a million songs, the partition's are enough.
    songs = (read_msd(path) if root.path.is_dir() else root.read(partition_of(song["track_id"]))).songs
    checksum = next(iter(songs.loc[songs["track_id"] == song["track_id"], "msd_checksum"]), None)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    today = "the song is unchanged" if checksum == song["msd_checksum"] else "the song has changed since"
    return {**facts, "path": str(path), "sha256_today": sha256, "checksum_today": checksum, "today": today}


def _match(match: Facts, wide: Facts) -> Facts:
    names = ("score", "margin", "matcher_version", "by_hand", "question", "source", "fetched_at")
    return {
        "status": wide.get("match_status"),
        "spotify_track_id": wide.get("spotify_track_id"),
        "spotify_artist_id": wide.get("spotify_artist_id"),
        "best_candidate": match.get("spotify_track_id"),
        **{name: match.get(name) for name in names},
    }


def _responses(ledger: Ledger | None, track_id: str, match: Facts, wide: Facts) -> dict[str, Facts]:
    """What the ledger has for the song, and for the match by its id, of every source."""
    if ledger is None:
        return {}
    candidate, artist = match.get("spotify_track_id") or "", wide.get("spotify_artist_id") or ""
    keys = [
        Key("track", track_id, "search"),
        Key("track", track_id, "listenbrainz"),
        Key("spotify_track", candidate, "track"),
        Key("reccobeats", candidate, "catalogue"),
        Key("spotify_artist", artist, "artist"),
        Key("spotify_track", candidate, "audio_features"),
        Key("spotify_track", candidate, "reccobeats"),
        Key("recording", wide.get("recording_mbid") or "", "popularity"),
    ]
    return {
        key.purpose: {
            "about": key.id,
            "query": response.query,
            "status": response.status,
            "fetched_at": response.fetched_at,
            "mode": response.mode,
            "requests": response.attempts,
        }
        for key, response in ledger.get_many(key for key in keys if key.id).items()
    }


def _file(url: str, staged: StagedFile | None, entry: ManifestEntry | None, load: Facts | None) -> Facts:
    """A staged file of the partition: the run that wrote it, its validation, and the load it came in with."""
    facts: Facts = {"url": url, "staged": None, "validation": None, "loaded": None}
    if staged is not None:
        names = ("checksum", "bytes", "rows", "run_id", "written_at", "fingerprint")
        facts["staged"] = {name: getattr(staged, name) for name in names}
        if entry is not None and entry.checksum == staged.checksum:
            facts["validation"] = {"stamp": entry.validation, "problems": list(entry.problems)}
    if load is not None:
        facts["loaded"] = {name: load[name] for name in ("checksum", "rows", "run_id", "loaded_at")}
        facts["loaded"]["is_as_staged"] = staged is not None and staged.checksum == load["checksum"]
    return facts


def _show(console: Console, found: Facts) -> None:
    """Draw it, from the row back to its sources."""
    song, match, msd = found["song"], found["match"], found["msd"]
    duration = None if song["duration"] is None else f"{song['duration']:.1f} s"
    console.print(facts_table({"track_id": found["track_id"], **song, "duration": duration}, "The row"), "")
    console.print(facts_table(_shown_match(match), "Its match"), "")
    console.print(_shown_answers(found["answers"]), "")
    console.print("Its MSD file", style="italic")
    for name, value in msd.items():
        console.print(f"{_LABELS.get(name, name):<18} {shown(value)}", soft_wrap=True)
    console.print()
    console.print(*_shown_files(found["files"]), sep="\n", soft_wrap=True)
    console.print("\nFind the runs by their ids in Dagster's UI: `music-assets ui`.\n")


# Of what is shown under another name than `--json` has it.
_LABELS = {
    "spotify_track_id": "Spotify track",
    "spotify_artist_id": "Spotify artist",
    "by_hand": "set by hand",
    "question": "query",
    "fetched_at": "fetched",
    "checksum_when_read": "checksum when read",
    "checksum_today": "checksum today",
    "sha256_today": "SHA-256 today",
}


def _shown_match(match: Facts) -> Facts:
    facts = {_LABELS.get(name, name.replace("_", " ")): value for name, value in match.items()}
    facts["set by hand"] = "yes" if match["by_hand"] else "no"
    facts["fetched"] = moment(match["fetched_at"]) if match["fetched_at"] else None
    by, _, id_ = str(match["question"]).partition(" ")
    if by == "echonest":
        facts["query"] = f"none: {ARCHIVE} named {id_}"
    return facts


def _shown_answers(answers: dict[str, Facts]) -> Table | str:
    """The cached responses, the purpose of each in its first column."""
    if not answers:
        return "The ledger in use has no response about it."
    table = Table(title="Cached responses", title_justify="left", box=None, pad_edge=False)
    for name in ("response", "query", "status", "fetched"):
        table.add_column(name, header_style="bold", overflow="fold")
    for purpose, response in answers.items():
        table.add_row(purpose, response["query"], response["status"], moment(response["fetched_at"]))
    return table


def _shown_files(files: dict[str, Facts]) -> Iterator[str | Text]:
    """The partition's staged files, and the runs that wrote and loaded them, each said once.

    Lines are as long as what they name: an id or checksum that is folded cannot be copied.
    """
    runs: dict[str, dict[str, list[str]]] = {"written by": {}, "loaded by": {}}
    times: dict[str, list[str]] = {}
    places = {facts["url"].replace(f"/{kind}/", "/<kind>/") for kind, facts in files.items()}
    yield Text(f"Its partition's files: {', '.join(sorted(places))}", style="italic")
    for kind, facts in files.items():
        staged, loaded, validation = facts["staged"], facts["loaded"], facts["validation"]
        state = f"{counted(staged['rows'], 'row')}, SHA-256" if staged else "is not staged"
        yield f"{kind:<24} {state}"
        if staged:
            yield f"  {staged['checksum']}"
        if validation and validation["problems"]:
            yield f"  refused: {'; '.join(validation['problems'])}"
        if not loaded:
            yield "  is not loaded"
        elif not loaded["is_as_staged"]:
            yield f"  loaded from another file: {loaded['checksum']}"
        for what, part, at in (("written by", staged, "written_at"), ("loaded by", loaded, "loaded_at")):
            if part:
                runs[what].setdefault(part["run_id"], []).append(kind)
                times.setdefault(f"{what} {part['run_id']}", []).append(moment(part[at]))
    for what, by_run in runs.items():
        for run_id, kinds in by_run.items():
            yield f"\n{what} run {run_id}, until {max(times[f'{what} {run_id}'])}:"
            whole = len(kinds) == len(files)
            yield f"  {'all of these' if whole else ', '.join(kinds)}"
