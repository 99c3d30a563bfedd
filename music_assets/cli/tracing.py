"""Where a row of `analytics.songs` comes from: file, question, answer, matcher, staged files, loads, runs.

Here: gathering it, from the tables, the staged receipts, the ledger and the MSD, and drawing it. Nothing is
asked of Spotify and nothing is changed. Why the match is what it is tells `explanation`; options and exit
codes are in `commands.trace`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from music_assets.defs.manifests import read_verdicts
from music_assets.defs.partitions import KEYS
from music_assets.lookup import LookupFailed, reading_engine
from music_assets.sources.spotify import Key, Ledger
from music_assets.staging.store import StagingStore
from music_assets.tables import LOADS, PUBLISHED, STAGED

if TYPE_CHECKING:
    from music_assets.sources.msd import MsdRoot

Facts = dict[str, Any]

# What the ledger may have of a track and its match, by what it was asked for.
_ASKED = {
    "search": "track",
    "track": "spotify_track",
    "artist": "spotify_artist",
    "audio_features": "spotify_track",
}


def trace(
    track_id: str, tables: str | Path, store: StagingStore, ledger: Ledger | None, msd: MsdRoot | None
) -> Facts:
    """The chain behind an MSD track's row, as plain values: what `--json` shows.

    `tables` is the published copy or a warehouse's URL. Where `ledger` or `msd` is None, or has nothing of
    the track, its part says so.

    Returns:
        `song` and `match` as the tables have them, `msd` (file, checksums), `answers` of the ledger by
        purpose, and `files`, a staged kind each: the file, who made it when, the gate's verdict, its load.

    Raises:
        LookupFailed: there is no such track, or there are no tables to read.
        WarehouseError: the warehouse's URL or secret cannot be used.
        StagingError, LedgerError, MsdRootError: staged files, ledger or MSD cannot be reached.
    """
    letters = track_id[2:4]
    if len(track_id) != 18 or not track_id.startswith("TR") or letters not in KEYS:
        raise LookupFailed(f"{track_id!r} is no MSD track id: one is TR and 16 more characters.")
    engine, place = reading_engine(tables)
    try:
        with engine.connect() as connection:
            song, match, wide = _rows(connection, track_id)
            loads = _loads(connection, letters)
    except SQLAlchemyError as error:
        raise LookupFailed(
            f"The tables at {place} cannot be read, or are of another version: `music-assets run` fills them."
        ) from error
    finally:
        engine.dispose()
    if song is None:
        raise LookupFailed(
            f"The tables at {place} have no track {track_id}: has partition {letters} been run?"
        )
    return {
        "track_id": track_id,
        "tables": place,
        "song": {name: song[name] for name in ("title", "artist_name", "release", "year", "duration")},
        "msd": _msd(song, msd),
        "match": _match(match, wide),
        "answers": _answers(ledger, track_id, match, wide),
        "files": {kind: _file(store, kind, letters, loads.get(kind)) for kind in map(str, STAGED)},
    }


def _rows(connection: Connection, track_id: str) -> tuple[Facts | None, Facts, Facts]:
    """The track's rows of `msd.songs`, `mapped.songs` (its best candidate) and `analytics.songs`."""

    def first(name: str, *order: str) -> Facts | None:
        table = PUBLISHED[name]
        rows = select(table).where(table.c.track_id == track_id)
        row = connection.execute(rows.order_by(*(table.c[one] for one in order)).limit(1)).first()
        return None if row is None else dict(row._mapping)

    return first("msd.songs"), first("mapped.songs", "rank") or {}, first("analytics.songs") or {}


def _loads(connection: Connection, letters: str) -> dict[str, Facts]:
    """What `meta.loads` has of the partition, by staged kind."""
    rows = connection.execute(select(LOADS).where(LOADS.c.slice == letters))
    return {row["table"]: dict(row) for row in rows.mappings()}


def _msd(song: Facts, root: MsdRoot | None) -> Facts:
    """The file, the checksum of what was read of it, and what it has today."""
    facts = {"file": song["msd_file"], "checksum_when_read": song["msd_checksum"]}
    if root is None:
        return {**facts, "today": "the MSD is not at hand: name its folder with --msd"}
    folder = root.path if root.path.is_dir() else root.path.parent
    path = folder / song["msd_file"]
    if not path.is_file():
        return {**facts, "path": str(path), "today": "the file is not there any more"}
    checksum = _checksum_today(root, path, song["track_id"])
    same = checksum == song["msd_checksum"]
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    today = "the song in it is what was read" if same else "the song in it is not what was read"
    return {**facts, "path": str(path), "sha256_today": sha256, "checksum_today": checksum, "today": today}


def _checksum_today(root: MsdRoot, path: Path, track_id: str) -> str | None:
    """The checksum of the song as the file has it now; None where it cannot be read."""
    from music_assets.sources.msd import read_msd

    # Of one file with a million songs, the partition's are enough.
    songs = (read_msd(path) if root.path.is_dir() else root.read(track_id[2:4])).songs
    found = songs.loc[songs["track_id"] == track_id, "msd_checksum"]
    return None if found.empty else str(found.iloc[0])


def _match(match: Facts, wide: Facts) -> Facts:
    names = ("score", "margin", "matcher_version", "by_hand", "question", "source", "fetched_at")
    return {
        "status": wide.get("match_status"),
        "spotify_track_id": wide.get("spotify_track_id"),
        "spotify_artist_id": wide.get("spotify_artist_id"),
        "best_candidate": match.get("spotify_track_id"),
        **{name: _plain(match.get(name)) for name in names},
    }


def _answers(ledger: Ledger | None, track_id: str, match: Facts, wide: Facts) -> dict[str, Facts]:
    """What the ledger has of the search, and of the match by its id."""
    if ledger is None:
        return {}
    candidate = match.get("spotify_track_id")
    ids = {"search": track_id, "artist": wide.get("spotify_artist_id")}
    keys = [
        Key(entity, str(id_), purpose)
        for purpose, entity in _ASKED.items()
        if (id_ := ids.get(purpose, candidate)) is not None
    ]
    return {
        key.purpose: {
            "about": key.id,
            "query": answer.query,
            "status": answer.status,
            "fetched_at": _plain(answer.fetched_at),
            "mode": answer.mode,
            "requests": answer.attempts,
        }
        for key, answer in ledger.get_many(keys).items()
    }


def _file(store: StagingStore, kind: str, letters: str, load: Facts | None) -> Facts:
    """A staged file of the partition: who made it, what the gate said, and which load brought it."""
    receipt = store.staged_file(kind, letters)
    facts: Facts = {"url": store.url(kind, letters), "staged": None, "gate": None, "loaded": None}
    if receipt is not None:
        told = ("checksum", "bytes", "rows", "run_id", "written_at", "fingerprint")
        facts["staged"] = {name: getattr(receipt, name) for name in told}
        (verdict,) = read_verdicts(store, f"staged_json/{kind}", [letters])
        if verdict is not None and verdict.manifest.checksum == receipt.checksum:
            facts["gate"] = {"version": verdict.gate, "problems": list(verdict.problems)}
    if load is not None:
        names = ("checksum", "rows", "run_id", "loaded_at")
        facts["loaded"] = {name: _plain(load[name]) for name in names}
        facts["loaded"]["is_as_staged"] = receipt is not None and receipt.checksum == load["checksum"]
    return facts


def _plain(value: Any) -> Any:
    """A value of a table as JSON has it: times as ISO 8601, in UTC."""
    return value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else value


def show(console: Console, found: Facts) -> None:
    """Draw it, from the row back to its sources."""
    match, answers = found["match"], found["answers"]
    console.print(_facts("The row", {"track_id": found["track_id"], **found["song"]}), "")
    console.print(_facts("Its match", match), "")
    if answers:
        console.print(_ledger_table(answers), "")
    else:
        console.print("The ledger in use has no answer about it.\n")
    console.print(_facts("Its MSD file", found["msd"]), "")
    console.print(_files_table(found["files"]))
    console.print("Runs are in Dagster's UI by their ids: `music-assets ui`.")


def _facts(title: str, facts: Mapping[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(_shown(value)))
    return table


def _ledger_table(answers: Mapping[str, Facts]) -> Table:
    table = Table("asked for", "about", "query", "status", "fetched_at", "mode", title="In the ledger")
    for purpose, one in answers.items():
        names = ("about", "query", "status", "fetched_at", "mode")
        table.add_row(purpose, *(Text(_shown(one[name])) for name in names))
    return table


def _files_table(files: Mapping[str, Facts]) -> Table:
    table = Table(
        "staged kind", "file", "made by run", "gate", "loaded by run", title="Its partition's files"
    )
    for kind, facts in files.items():
        staged, gate, loaded = facts["staged"], facts["gate"], facts["loaded"]
        file = f"{facts['url']}\nSHA-256 {staged['checksum']}" if staged else "is not staged"
        made = f"{staged['run_id']}\n{staged['written_at']}" if staged else ""
        said = "" if gate is None else "; ".join(gate["problems"]) or "passed"
        load = "never"
        if loaded:
            other = "" if loaded["is_as_staged"] else f"\nfrom another file: {loaded['checksum']}"
            load = f"{loaded['run_id']}\n{loaded['loaded_at']}{other}"
        table.add_row(kind, Text(file, overflow="fold"), Text(made), Text(said), Text(load))
    return table


def _shown(value: Any) -> str:
    return "–" if value in (None, "") else str(value)
