"""What differs between what is there and what should be, by partition: the facts that `steps` decides on.

Made of receipts, of the MSD's names, sizes and times, and of `meta.loads`; no data file is opened. A cause
is a short text that changes with what made the work necessary, so that one cause starts one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from music_assets.defs.assets.mapping import mapped_from, votes_from
from music_assets.defs.assets.msd import read_from
from music_assets.defs.assets.spotify import search_from, tracks_from
from music_assets.defs.partitions import KEYS
from music_assets.sources.corrections import Corrections
from music_assets.sources.msd import MsdRoot
from music_assets.staging.store import StagedFile, StagingStore, fingerprint
from music_assets.tables import LOADS, STAGED
from music_assets.warehouse.engine import Warehouse

EXTRACTED = ("msd_songs", "msd_artists")
ASKED = ("spotify_search", "spotify_artists", "audio_features")
Receipts = Mapping[str, StagedFile | None]


@dataclass(frozen=True)
class Loads:
    """What `meta.loads` says: the checksum by table and slice; when the last and first load were (UTC)."""

    checksums: Mapping[tuple[str, str], str]
    last: datetime | None
    first: datetime | None = None

    @classmethod
    def read(cls, warehouse: Warehouse) -> Loads:
        """Read it; raises `WarehouseError` as opening the warehouse does."""
        query = select(LOADS.c.table, LOADS.c.slice, LOADS.c.checksum, LOADS.c.loaded_at)
        with warehouse.transaction("looking what is loaded") as connection:
            rows = connection.execute(query).all()
        times = sorted(row.loaded_at.replace(tzinfo=UTC) for row in rows)
        checksums = {(row.table, row.slice): row.checksum for row in rows}
        return cls(checksums, times[-1] if times else None, times[0] if times else None)


def receipts_of(store: StagingStore, keys: Iterable[str] = KEYS) -> dict[str, Receipts]:
    """The receipts of every staged kind, by partition: those that were extracted at least."""

    def receipts(key: str) -> Receipts:
        songs = store.staged_file("msd_songs", key)
        if songs is None:
            return {}
        others = {kind: store.staged_file(kind, key) for kind in STAGED if kind != "msd_songs"}
        return {"msd_songs": songs, **others}

    keys = list(keys)
    found = zip(keys, store.each(receipts, keys), strict=True)
    return {key: receipts for key, receipts in found if receipts}


def to_extract(root: MsdRoot, keys: Iterable[str], store: StagingStore) -> dict[str, str]:
    """Partitions whose MSD files are others than those that were read, or were never read."""
    causes = {}
    keys = list(keys)
    for key, before in zip(
        keys, store.each(lambda key: store.staged_file("msd_songs", key), keys), strict=True
    ):
        now = read_from(root, key)
        if before is None or before.fingerprint != now:
            # What was there before belongs to the cause: files may become what they were once.
            causes[key] = fingerprint(now, before.run_id if before else "")
    return causes


def to_ask_first(receipts: Mapping[str, Receipts], state: Mapping[str, Any], now: datetime) -> str | None:
    """Why the songs wanted most are to be asked about: some were never looked at, or the budget is back.

    `state` is what the asset `spotify_answers` noted last (`read_state`).
    """
    songs_of = unseen(receipts, state)
    fresh = [songs_of[key].checksum for key in sorted(songs_of)]
    until = state["go_on_at"]
    if fresh or (until is not None and datetime.fromisoformat(until) <= now):
        return fingerprint(state["asked_at"] or "", *fresh)
    return None


def to_ask(
    receipts: Mapping[str, Receipts], state: Mapping[str, Any], source: str, now: datetime
) -> dict[str, str]:
    """Partitions whose songs were looked at and have answers that are not staged, or can have them now."""
    causes = {}
    not_yet = unseen(receipts, state)
    for key, known in receipts.items():
        songs, search = known["msd_songs"], known["spotify_search"]
        assert songs is not None
        if key in not_yet:
            continue
        should = search_from(songs, source)
        if search is None or search.fingerprint != should or any(known[kind] is None for kind in ASKED):
            causes[key] = should
        elif not search.complete and _later(state["partitions"][key]["at"], search.written_at):
            causes[key] = fingerprint(search.written_at, state["partitions"][key]["at"])
        elif any(_may_try_again(receipt, now) for kind in ASKED if (receipt := known[kind])):
            causes[key] = "tried again"  # a question that failed, or that waited for the budget; once a day
    return causes


def go_on_at(state: Mapping[str, Any]) -> datetime | None:
    """The next time (UTC) that the budget is back for something that is pending."""
    return datetime.fromisoformat(state["go_on_at"]) if state["go_on_at"] else None


def unseen(receipts: Mapping[str, Receipts], state: Mapping[str, Any]) -> dict[str, StagedFile]:
    """Partitions with songs that `spotify_answers` has not looked at as they are now."""
    seen = {key: noted["checksum"] for key, noted in state["partitions"].items()}
    songs = ((key, known["msd_songs"]) for key, known in receipts.items())
    return {key: receipt for key, receipt in songs if receipt and receipt.checksum != seen.get(key)}


def _later(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) > datetime.fromisoformat(other)


def _may_try_again(receipt: StagedFile, now: datetime) -> bool:
    if receipt.complete:
        return False
    at = receipt.metadata.get("go_on_at")
    if receipt.kind == "spotify_search":
        return at is None  # what is pending there, `spotify_answers` goes on with
    return at is None or datetime.fromisoformat(at) <= now


def to_load(receipts: Mapping[str, Receipts], loads: Loads, corrections: Corrections) -> dict[str, str]:
    """Partitions where something is not made of what is there now, or not loaded.

    One that lacks what only asking brings is none: it is to be asked about first.
    """
    causes = {}
    for key, found in receipts.items():
        known = {kind: receipt for kind, receipt in found.items() if receipt is not None}
        if any(kind not in known for kind in (*EXTRACTED, *ASKED)):
            continue
        songs, search = known["msd_songs"], known["spotify_search"]
        tracks, mapped, votes = (
            known.get(kind) for kind in ("spotify_tracks", "mapped_songs", "artist_votes")
        )
        wanted = mapped_from(songs, search, corrections.of(key))
        made = (
            tracks is not None
            and mapped is not None
            and votes is not None
            and tracks.fingerprint == tracks_from(search)
            and mapped.fingerprint == wanted
            and votes.fingerprint == votes_from(songs, mapped, tracks)
        )
        loaded = all(loads.checksums.get((kind, key)) == receipt.checksum for kind, receipt in known.items())
        if not (made and loaded):
            causes[key] = fingerprint(wanted, *(receipt.checksum for receipt in known.values()))
    return causes


def to_refresh(loads: Loads, refreshed: datetime | None, since: datetime) -> str | None:
    """Why Spotify is to be asked again about what is stalest: the day has not had it.

    `refreshed` is when that was begun last, `since` when the day began (UTC). On the day of the first load
    everything is fresh.
    """
    if loads.first is None or loads.first >= since or (refreshed is not None and refreshed >= since):
        return None
    return f"{refreshed}"


def to_fill(loads: Loads, filled: datetime | None, since: datetime) -> str | None:
    """Why the published tables are to be filled: something was loaded since, or the day has not had them.

    `filled` is when the run began that filled them last, `since` when the day began (UTC).
    """
    if filled is None or filled < since or (loads.last is not None and loads.last > filled):
        return f"{loads.last}" if loads.last else None
    return None
