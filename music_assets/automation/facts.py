"""What differs between what is there and what should be, by partition: the facts that `steps` decides on.

Made of receipts, of the MSD's names, sizes and times, and of `meta.loads`; no data file is opened. A cause
is a short text that changes with what made the work necessary, so that one cause starts one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from music_assets.assets.mapping import mapped_from, votes_from
from music_assets.assets.msd import read_from
from music_assets.assets.spotify import search_from, tracks_from
from music_assets.io_managers.errors import StagingError
from music_assets.io_managers.store import Receipt, SliceStore, fingerprint
from music_assets.partitions import KEYS
from music_assets.sources.corrections import Corrections, CorrectionsError
from music_assets.sources.msd import MsdRoot, MsdRootError
from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.errors import WarehouseError
from music_assets.warehouse.schema import LOADS, STAGED

EXTRACTED = ("msd_songs", "msd_artists")
ASKED = ("spotify_search", "spotify_artists", "audio_features")
Receipts = Mapping[str, Receipt | None]

# What gathering facts raises where something cannot be used; each message says what to do.
UNUSABLE = (MsdRootError, StagingError, WarehouseError, CorrectionsError, OSError)


@dataclass(frozen=True)
class Loads:
    """What `meta.loads` says: the checksum by table and slice, and when the last load was (UTC)."""

    checksums: Mapping[tuple[str, str], str]
    last: datetime | None

    @classmethod
    def read(cls, warehouse: Warehouse) -> Loads:
        """Read it; raises `WarehouseError` as opening the warehouse does."""
        query = select(LOADS.c.table, LOADS.c.slice, LOADS.c.checksum, LOADS.c.loaded_at)
        with warehouse.transaction("looking what is loaded") as connection:
            rows = connection.execute(query).all()
        last = max((row.loaded_at for row in rows), default=None)
        return cls({(row.table, row.slice): row.checksum for row in rows}, last and last.replace(tzinfo=UTC))


def receipts_of(store: SliceStore, keys: Iterable[str] = KEYS) -> dict[str, Receipts]:
    """The receipts of every staged kind, by partition: those that were extracted at least."""

    def receipts(key: str) -> Receipts:
        songs = store.receipt("msd_songs", key)
        if songs is None:
            return {}
        others = {kind: store.receipt(kind, key) for kind in STAGED if kind != "msd_songs"}
        return {"msd_songs": songs, **others}

    keys = list(keys)
    found = zip(keys, store.each(receipts, keys), strict=True)
    return {key: receipts for key, receipts in found if receipts}


def to_extract(root: MsdRoot, keys: Iterable[str], store: SliceStore) -> dict[str, str]:
    """Partitions whose MSD files are others than those that were read, or were never read."""
    causes = {}
    keys = list(keys)
    for key, before in zip(keys, store.each(lambda key: store.receipt("msd_songs", key), keys), strict=True):
        now = read_from(root, key)
        if before is None or before.made_from != now:
            # What was there before belongs to the cause: files may become what they were once.
            causes[key] = fingerprint(now, before.run_id if before else "")
    return causes


def to_ask(receipts: Mapping[str, Receipts], source: str, now: datetime) -> dict[str, str]:
    """Partitions with songs that `source` can be asked about now."""
    causes = {}
    for key, known in receipts.items():
        songs, search = known["msd_songs"], known["spotify_search"]
        assert songs is not None
        should = search_from(songs, source)
        if search is None or search.made_from != should or any(known[kind] is None for kind in ASKED):
            causes[key] = should
        elif not search.complete and (go_on_at := _go_on_at(search)) is None:
            causes[key] = "tried again"  # a failed question, once a day
        elif not search.complete and go_on_at is not None and go_on_at <= now:
            causes[key] = fingerprint(search.run_id, search.made_at)
    return causes


def go_on_at(receipts: Mapping[str, Receipts]) -> datetime | None:
    """The next time (UTC) that the budget is back for something that is pending."""
    times = (_go_on_at(search) for known in receipts.values() if (search := known["spotify_search"]))
    return min((at for at in times if at), default=None)


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
            and tracks.made_from == tracks_from(search)
            and mapped.made_from == wanted
            and votes.made_from == votes_from(songs, mapped, tracks)
        )
        loaded = all(loads.checksums.get((kind, key)) == receipt.checksum for kind, receipt in known.items())
        if not (made and loaded):
            causes[key] = fingerprint(wanted, *(receipt.checksum for receipt in known.values()))
    return causes


def to_fill(loads: Loads, filled: datetime | None, since: datetime) -> str | None:
    """Why the published tables are to be filled: something was loaded since, or the day has not had them.

    `filled` is when the run began that filled them last, `since` when the day began (UTC).
    """
    if filled is None or filled < since or (loads.last is not None and loads.last > filled):
        return f"{loads.last}" if loads.last else None
    return None


def _go_on_at(search: Receipt) -> datetime | None:
    at = search.facts.get("go_on_at")
    if search.complete or at is None:
        return None
    moment = datetime.fromisoformat(at)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
