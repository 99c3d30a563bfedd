"""Removing Spotify's content from every place it is stored in, all of it or what is old. MSD data stays.

Spotify's Developer Terms (v10, 15 May 2025) forbid keeping its content without end. What counts is when a
response was fetched (`fetched_at`). What is computed from responses goes first, the ledger last, so that a
purge that was killed can be repeated. Options and the confirmation are in `purge`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from math import ceil
from pathlib import Path

from isal import igzip
from sqlalchemy import ColumnElement, Connection, Table, delete, func, make_url, null, select, true, update

from music_assets.cli.ledger import budget_and_access
from music_assets.cli.lock import data_folder_lock, no_run_of_dagster
from music_assets.defs.assets.spotify_answers import NAME as ANSWERS
from music_assets.defs.wiring import resources
from music_assets.resolution import SearchBacklog
from music_assets.settings import Settings
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.listenbrainz.popularity import PURPOSE as POPULARITY
from music_assets.sources.spotify.endpoints import ALBUMS, ARTISTS, AUDIO_FEATURES, TRACKS
from music_assets.staging.partitions import Staged, read_rows, write_partition
from music_assets.staging.store import StagingStore
from music_assets.tables import FILE_ONLY, LOADS, METADATA, PUBLISHED, SPOTIFY
from music_assets.warehouse.changes import forget
from music_assets.warehouse.published import query

SOURCES = ("api", "sandbox")  # whose responses a ledger may cache
# Rows are added to it day by day: filled from what is staged, it would lose days.
_HISTORY = PUBLISHED["spotify.popularity_history"]
# With `keep_ids` these stay, without the columns that may quote Spotify.
_STRIPPED = {"mapped_songs": "reasons", "artist_votes": "spotify_artist_name"}
_STRIPPED_FINGERPRINT = "what a purge left"  # so that the next run computes the file again
# State of earlier versions, and responses of others: they cost no request to Spotify.
_FREE = ("access", "reccobeats", "catalogue", "artist tracks", "artist search", "listenbrainz")
_OPEN = (POPULARITY,)  # purposes of responses that no term limits: MetaBrainz gives them as CC0
_BATCHES = {kind.purpose: kind.batch for kind in (TRACKS, ARTISTS, ALBUMS, AUDIO_FEATURES)}
_FETCHED_AT = re.compile(rb'"fetched_at":"([^"]+)"')


@dataclass(frozen=True)
class Removed:
    """What was removed from a place: `count` files, rows, responses or tables, as `unit` says."""

    place: str
    count: int
    unit: str

    @property
    def shown_unit(self) -> str:
        """The unit as it reads after the count: `1 file`, `2 tables`."""
        return self.unit.removesuffix("s") if self.count == 1 else self.unit


@dataclass(frozen=True)
class Purge:
    """What to remove: what was fetched before a moment (UTC), or everything where that is None.

    `keep_ids` leaves `mapped.songs` and `mapped.artists` with their ids, scores and statuses. `dry_run`
    counts and removes nothing.
    """

    settings: Settings
    before: datetime | None
    keep_ids: bool = False
    dry_run: bool = False

    def run(self) -> Generator[Removed, None, None]:
        """Remove it, place by place, and yield what was removed from each.

        Raises:
            DataFolderError, LedgerInUse: a run is in progress. Nothing was removed.
            RunBegan: Dagster began one meanwhile. Purging again removes what it wrote.
            StagingError, WarehouseError, LedgerError: a place cannot be used. Purging again continues.
        """
        with ExitStack() as held:
            ledgers = [held.enter_context(closing(ledger)) for ledger in self._ledgers()]
            if not self.dry_run:
                held.enter_context(data_folder_lock(self.settings.data))
                for ledger in ledgers:
                    held.enter_context(ledger.request_lock(wait=1.0, note={"purpose": "purge"}))
                held.enter_context(no_run_of_dagster(self.settings.dagster_home))
            responses = [sum(ledger.count(self.before, keep=_OPEN).values()) for ledger in ledgers]
            in_all = [sum(ledger.count().values()) for ledger in ledgers]
            is_any = any(responses)
            for removed in chain(self._caches(), self._staged(), self._tables()):
                is_any |= bool(removed.count) and removed.unit in ("files", "rows")
                yield removed
            # It holds counts alone, and those are out of date.
            report = [self.settings.report] * is_any
            yield Removed(str(self.settings.report), self._unlink(report), "files")
            for ledger, count, cached in zip(ledgers, responses, in_all, strict=True):
                if not self.dry_run:
                    SearchBacklog(ledger).clear()  # resolved songs are not searched for again
                    ledger.purge(self.before, keep=_OPEN)
                yield Removed(f"of {cached:,} in the ledger {ledger.where}", count, "responses")

    def has_data(self) -> bool:
        """Whether any place that a run writes to is there; what is not on this machine counts as there."""
        settings = self.settings
        remote = settings.staging.startswith("s3://") or not settings.warehouse.startswith("duckdb")
        places = (Path(settings.staging), settings.data / "ledger", settings.published, settings.report)
        return (
            remote
            or any(place.exists() for place in places)
            or "://" in settings.ledger
            or Path(settings.ledger).exists()
            or bool(resources(settings)["warehouse"].open().exists())
        )

    def requests_again(self) -> int:
        """About how many requests it takes to fetch again what would be removed.

        One per response, or per batch of them where the access has batches.
        """
        requests = 0
        for ledger in self._ledgers():
            with closing(ledger):
                _, access = budget_and_access(self.settings, ledger)
                for purpose, count in ledger.count(self.before, keep=_OPEN).items():
                    batch = _BATCHES.get(purpose, 1) if access.mode == "extended" else 1
                    requests += 0 if purpose in _FREE else ceil(count / batch)
        return requests

    def _ledgers(self) -> Iterator[Ledger]:
        """Every ledger: of the source in use, and of the other one where that was in use before."""
        for source in SOURCES:
            # The default is one file per source; a setting names one place for both.
            usual = self.settings.data / "ledger" / f"{source}.sqlite"
            places = {str(usual)}
            if self.settings.ledger != str(usual.with_name(f"{self.settings.ledger_source}.sqlite")):
                places.add(self.settings.ledger)
            for place in sorted(places):
                path = make_url(place).database if place.startswith("sqlite:") else place
                if place.startswith("postgresql") or Path(str(path)).exists():
                    yield open_ledger(place, source=source)

    def _caches(self) -> Iterator[Removed]:
        """Backlogs of earlier versions, which were files, and the index of the Echo Nest archive."""
        folder = self.settings.data / "ledger"
        found = sorted(folder.glob("*.songs.sqlite*"))
        if self.before is None:
            found += sorted(folder.glob("echonest.sqlite*"))
        yield Removed(f"indexes in {folder}", self._unlink(found), "files")

    def _staged(self) -> Iterator[Removed]:
        settings = self.settings
        store = StagingStore(settings.staging, endpoint=settings.aws.s3_endpoint)
        slices = {kind: store.keys(kind) for kind in spotify_kinds()}
        old = self._old_slices(store, slices)
        if old and not self.dry_run:
            for manifest in ("staged_json", "staged_json_refresh"):  # they name a row of a refused file
                store.each(partial(store.erase, manifest), sorted(old))
            store.erase(ANSWERS)  # when each partition got responses: they are to be fetched again
        for kind in slices:
            count = self._erase_kind(store, kind, sorted(old & {*slices[kind]}))
            yield Removed(f"staged {kind}", count, "files")

    def _old_slices(self, store: StagingStore, slices: dict[str, list[str]]) -> set[str]:
        """The slices to remove: all, or those with a file that is old enough; their other files go too."""
        every = sorted({slice_ for found in slices.values() for slice_ in found})
        if self.before is None:
            return set(every)
        # In the form that staged rows have, which sorts by time.
        moment = self.before.astimezone(UTC).replace(tzinfo=None).isoformat().encode()
        is_old = store.each(lambda key: any(_is_old(store, kind, key, moment) for kind in slices), every)
        return {slice_ for slice_, was in zip(every, is_old, strict=True) if was}

    def _erase_kind(self, store: StagingStore, kind: str, old: list[str]) -> int:
        """Remove these slices of a kind, and earlier versions of any slice; returns how many files."""
        dry = self.dry_run
        if self.keep_ids and kind in _STRIPPED:
            if not dry:
                store.each(lambda slice_: strip(store, kind, slice_), old)
            return store.erase(kind, leftovers=True, count_only=dry)
        if self.before is None:
            return store.erase(kind, count_only=dry)
        erased = store.each(lambda slice_: store.erase(kind, slice_, count_only=dry), old)
        return sum(erased) + store.erase(kind, leftovers=True, count_only=dry)

    def _tables(self) -> Iterator[Removed]:
        """Rows of the staging tables; then the published tables, filled from what is left, and their copy."""
        warehouse = resources(self.settings)["warehouse"].open()
        if not warehouse.exists():
            return
        removed = warehouse.write("purging", self._empty)
        yield from removed
        if self.dry_run:
            return
        mixed = {name: table for name, table in PUBLISHED.items() if _holds_spotify(table)}
        for name, table in mixed.items():
            if table is not _HISTORY:
                warehouse.fill(table, query(name))
        warehouse.vacuum()
        warehouse.publish()
        yield Removed("published, filled without it, and their copy", len(mixed), "tables")

    def _empty(self, connection: Connection) -> list[Removed]:
        removed = []
        for kind in spotify_kinds():
            table = METADATA.tables[f"staging.{kind}"]
            old = self._is_old(table)
            removed.append(_count(connection, table, old))
            if self.dry_run:
                continue
            # What was loaded differs from what is staged now, and is to be loaded again.
            slices = select(table.c.slice).where(old)
            loaded = true() if self.before is None else LOADS.c.slice.in_(slices)
            connection.execute(delete(LOADS).where(LOADS.c.table == kind, loaded))
            if self.keep_ids and kind in _STRIPPED:
                connection.execute(update(table).where(old).values({_STRIPPED[kind]: null()}))
            else:
                connection.execute(delete(table).where(old))
        # By day, including that of the moment: rows of earlier versions have no time.
        old = true() if self.before is None else _HISTORY.c.date <= self.before.date()
        removed.append(_count(connection, _HISTORY, old))
        if not self.dry_run:
            connection.execute(delete(_HISTORY).where(old))
            forget(connection)
        return removed

    def _is_old(self, table: Table) -> ColumnElement[bool]:
        if self.before is None:
            return true()
        # A row without a time holds nothing that was fetched.
        return table.c.fetched_at < self.before.astimezone(UTC).replace(tzinfo=None)

    def _unlink(self, paths: list[Path]) -> int:
        there = [path for path in paths if path.exists()]
        if not self.dry_run:
            for path in there:
                path.unlink(missing_ok=True)
        return len(there)


def spotify_kinds() -> list[str]:
    """The staged kinds that hold Spotify values, in their tables or in their files alone."""
    staged = [table for table in METADATA.sorted_tables if table.schema == "staging"]
    return sorted(table.name for table in staged if table.name in FILE_ONLY or _holds_spotify(table))


def strip(store: StagingStore, kind: str, slice_: str) -> None:
    """Leave only ids and our own values in a staged file; one that nothing describes is removed."""
    staged = store.staged_file(kind, slice_)
    if staged is None:
        store.erase(kind, slice_)
    elif staged.fingerprint != _STRIPPED_FINGERPRINT:
        rows = [{**row, _STRIPPED[kind]: None} for row in read_rows(store, staged)]
        content = Staged(rows, staged.metadata, complete=staged.complete)
        write_partition(store, kind, slice_, content, fingerprint=_STRIPPED_FINGERPRINT, run_id=staged.run_id)


def _holds_spotify(table: Table) -> bool:
    return any(column.info["source"] == SPOTIFY for column in table.columns)


def _is_old(store: StagingStore, kind: str, slice_: str, moment: bytes) -> bool:
    """Whether a file has a row that was fetched before a moment, in the form that rows have."""
    content = store.content(kind, slice_)
    if content is None:
        return False
    try:
        lines: bytes = igzip.decompress(content)  # type: ignore[no-untyped-call]
    except Exception:  # igzip raises errors of several kinds
        return True  # damaged: it cannot be used, and what it holds is unknown
    return any(fetched_at < moment for fetched_at in _FETCHED_AT.findall(lines))


def _count(connection: Connection, table: Table, which: ColumnElement[bool]) -> Removed:
    count = connection.execute(select(func.count()).select_from(table).where(which)).scalar_one()
    return Removed(table.fullname, count, "rows")
