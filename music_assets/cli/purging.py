"""Removing Spotify's content for good, all of it or what is older than so many days. MSD data stays.

Spotify's Developer Terms (v10, 15 May 2025) forbid keeping its content without end. What counts is when an
answer came in (`fetched_at`). Order: what is made of answers first, the ledger last, so that a purge that
was killed can be repeated. Options and the question before it begins are in `commands.purge`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from isal import igzip
from sqlalchemy import ColumnElement, Connection, Table, delete, func, null, select, true, update

from music_assets.cli.ledger import budget_and_access
from music_assets.cli.lock import data_folder_lock
from music_assets.defs.assets.spotify_answers import NAME as ANSWERS
from music_assets.defs.wiring import resources
from music_assets.resolution import SearchBacklog
from music_assets.settings import Settings
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.spotify.endpoints import ALBUMS, ARTISTS, AUDIO_FEATURES, TRACKS
from music_assets.staging.rows import decode, encode_for
from music_assets.staging.store import StagingStore, checksum
from music_assets.tables import FILE_ONLY, LOADS, METADATA, PUBLISHED, SPOTIFY
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.published import SELECTS

SOURCES = ("api", "sandbox")  # of answers that a ledger may keep
# Filled by adding to it: made again of what is staged, it would lose days.
_HISTORY = PUBLISHED["spotify.popularity_history"]
# With `keep_ids` these stay, without the columns that may repeat Spotify's words.
_STRIPPED = {"mapped_songs": "reasons", "artist_votes": "spotify_artist_name"}
_STRIPPED_FROM = "what a purge left"  # in place of what a file was made from: the next run makes it again
# Notes of ours, and what others were asked: asking again costs no request to Spotify.
_FREE = ("settled", "albums", "access", "reccobeats", "listenbrainz")
_BATCHES = {kind.purpose: kind.batch for kind in (TRACKS, ARTISTS, ALBUMS, AUDIO_FEATURES)}
_FETCHED_AT = re.compile(rb'"fetched_at":"([^"]+)"')


@dataclass(frozen=True)
class Removed:
    """What was removed from a place: how many of what."""

    place: str
    count: int
    what: str


@dataclass(frozen=True)
class Purge:
    """What to remove: what was fetched before a moment (UTC), or all of it where that is None.

    `keep_ids` leaves `mapped.songs` and `mapped.artists` with their ids, scores and statuses. `dry_run`
    counts and removes nothing.
    """

    settings: Settings
    before: datetime | None
    keep_ids: bool = False
    dry_run: bool = False

    def run(self) -> Generator[Removed, None, None]:
        """Remove it, place by place, and say what was removed, as it is done.

        Raises:
            DataFolderError, LedgerInUse: a run is at work. Nothing was removed.
            StagingError, WarehouseError, LedgerError: a place cannot be used. Purging again goes on.
        """
        with ExitStack() as held:
            ledgers = [held.enter_context(closing(ledger)) for ledger in self._ledgers()]
            if not self.dry_run:
                held.enter_context(data_folder_lock(self.settings.data))
                for ledger in ledgers:
                    held.enter_context(ledger.request_lock(wait=1.0, note={"purpose": "purge"}))
            yield from self._caches()
            yield from self._staged()
            yield from self._tables()
            yield from self._pages()
            for ledger in ledgers:
                if not self.dry_run:  # resolved songs are not searched for again: what is purged must be open
                    SearchBacklog(ledger).clear()
                answers = ledger.count(self.before).values() if self.dry_run else [ledger.purge(self.before)]
                yield Removed(f"ledger of {_named(ledger)}", sum(answers), "answers")

    def requests_again(self) -> int:
        """About how many requests it takes to ask again for what would be removed.

        One for each answer, or for a batch of them where the access has batches. A song that is not found
        again takes its next wording too.
        """
        with ExitStack() as held:
            ledgers = [held.enter_context(closing(ledger)) for ledger in self._ledgers()]
            return sum(
                math.ceil(count / (_BATCHES.get(purpose, 1) if self._has_batches(ledger) else 1))
                for ledger in ledgers
                for purpose, count in ledger.count(self.before).items()
                if purpose not in _FREE
            )

    def _has_batches(self, ledger: Ledger) -> bool:
        _, access = budget_and_access(self.settings, ledger)
        return access.mode == "extended"

    # -- the places

    def _ledgers(self) -> Iterator[Ledger]:
        """Every ledger that there is: of the source in use, and of the other where it was in use before."""
        for source in SOURCES:
            # The default is a file for each source; a setting names one place for both.
            usual = self.settings.data / "ledger" / f"{source}.sqlite"
            places = {str(usual)}
            if self.settings.ledger != str(usual.with_name(f"{self.settings.spotify.source}.sqlite")):
                places.add(self.settings.ledger)
            for place in sorted(places):
                path = Path(place.removeprefix("sqlite:///"))
                if place.startswith("postgresql") or path.exists():
                    yield open_ledger(place, source=source)

    def _caches(self) -> Iterator[Removed]:
        """Backlogs as earlier versions kept them, in files, and the archive's index of ids."""
        folder = self.settings.data / "ledger"
        found = sorted(folder.glob("*.songs.sqlite*"))
        if self.before is None and not self.keep_ids:
            found += sorted(folder.glob("echonest.sqlite*"))
        yield Removed(f"indexes in {folder}", self._unlink(found), "files")

    def _staged(self) -> Iterator[Removed]:
        settings = self.settings
        store = StagingStore(settings.staging, endpoint=settings.aws.s3_endpoint)
        kinds = spotify_kinds()
        slices = {kind: store.keys(kind) for kind in kinds}
        every = sorted({slice_ for found in slices.values() for slice_ in found})
        if self.before is None:
            old = set(every)
        else:
            moment = _as_rows_have_it(self.before)
            is_old = store.each(
                lambda slice_: any(_is_old(store, kind, slice_, moment) for kind in kinds), every
            )
            old = {slice_ for slice_, was in zip(every, is_old, strict=True) if was}
        for kind in kinds:
            yield Removed(
                f"staged {kind}", self._erase_kind(store, kind, sorted(old & {*slices[kind]})), "files"
            )
        if old and not self.dry_run:
            store.erase(ANSWERS)  # when each partition got answers: they are to be asked for again

    def _erase_kind(self, store: StagingStore, kind: str, old: list[str]) -> int:
        """Remove these slices of a kind, and whatever earlier versions there are of any; how many files."""
        if self.keep_ids and kind in _STRIPPED:
            if not self.dry_run:
                store.each(lambda slice_: strip(store, kind, slice_), old)
            count = store.erase(kind, leftovers=True, count_only=self.dry_run)
        elif self.before is None:
            count = store.erase(kind, count_only=self.dry_run)
        else:
            erased = store.each(lambda slice_: store.erase(kind, slice_, count_only=self.dry_run), old)
            count = sum(erased) + store.erase(kind, leftovers=True, count_only=self.dry_run)
        if not self.dry_run:
            store.each(lambda slice_: store.erase(f"staged_json/{kind}", slice_), old)  # verdicts on them
        return count

    def _tables(self) -> Iterator[Removed]:
        """Rows of the staging tables; then the published tables, made of what is left, and their copy."""
        warehouse = resources(self.settings)["warehouse"].open()
        if isinstance(warehouse, DuckDBWarehouse) and not warehouse.path.exists():
            return
        removed = warehouse.write("purging", self._empty)
        yield from removed
        if self.dry_run:
            return
        mixed = {name: table for name, table in PUBLISHED.items() if _holds_spotify(table)}
        for name, table in mixed.items():
            if table is not _HISTORY:
                warehouse.fill(table, SELECTS[name]())
        if isinstance(warehouse, DuckDBWarehouse):
            warehouse.shred()
            warehouse.publish()
        yield Removed("published tables and their copy", len(mixed), "tables made again without it")

    def _empty(self, connection: Connection) -> list[Removed]:
        removed = []
        for kind in spotify_kinds():
            table = METADATA.tables[f"staging.{kind}"]
            old = self._is_old(table)
            count = _count(connection, table, old)
            removed.append(Removed(table.fullname, count, "rows"))
            if self.dry_run:
                continue
            # What was loaded is not what is staged any more, and is to be loaded again.
            loaded = [LOADS.c.table == kind]
            if self.before is not None:
                loaded.append(LOADS.c.slice.in_(select(table.c.slice).where(old)))
            connection.execute(delete(LOADS).where(*loaded))
            if self.keep_ids and kind in _STRIPPED:
                connection.execute(update(table).where(old).values({_STRIPPED[kind]: null()}))
            else:
                connection.execute(delete(table).where(old))
        # By its day, and that of the moment goes too: rows of earlier versions know no time.
        old = true() if self.before is None else _HISTORY.c.date <= self.before.date()
        removed.append(Removed(_HISTORY.fullname, _count(connection, _HISTORY, old), "rows"))
        if not self.dry_run:
            connection.execute(delete(_HISTORY).where(old))
        return removed

    def _is_old(self, table: Table) -> ColumnElement[bool]:
        if self.before is None:
            return true()
        # One without a time holds nothing that was fetched.
        return table.c.fetched_at < self.before.astimezone(UTC).replace(tzinfo=None)

    def _pages(self) -> Iterator[Removed]:
        """The report: it holds counts alone, and those are of what was."""
        yield Removed(str(self.settings.report), self._unlink([self.settings.report]), "files")

    def _unlink(self, paths: list[Path]) -> int:
        there = [path for path in paths if path.exists()]
        if not self.dry_run:
            for path in there:
                path.unlink(missing_ok=True)
        return len(there)


def spotify_kinds() -> list[str]:
    """The staged kinds that hold anything of Spotify's, in their tables or in their files alone."""
    staged = [table for table in METADATA.sorted_tables if table.schema == "staging"]
    return sorted(table.name for table in staged if table.name in FILE_ONLY or _holds_spotify(table))


def strip(store: StagingStore, kind: str, slice_: str) -> None:
    """Leave ids and what is ours in a staged file; one without a receipt is of no use and goes."""
    receipt = store.staged_file(kind, slice_)
    if receipt is None:
        store.erase(kind, slice_)
    elif receipt.fingerprint != _STRIPPED_FROM:
        rows = [{**row, _STRIPPED[kind]: None} for row in decode(store.read(receipt))]
        encoded = encode_for(kind, rows, slice_)
        stripped = replace(
            receipt,
            fingerprint=_STRIPPED_FROM,
            rows=encoded.rows,
            bytes=len(encoded.content),
            checksum=checksum(encoded.content),
        )
        store.write(stripped, encoded.content)


def out_of_reach(settings: Settings) -> list[str]:
    """What a purge cannot remove, in sentences: whoever keeps such things removes them."""
    said = ["Copies that people made: exports, notebooks, tables of their own, backups of the data folder."]
    if settings.staging.startswith("s3://"):
        said.append("Copies of the bucket: by replication, or in AWS Backup.")
    if "redshift" in settings.warehouse.partition(":")[0]:
        said.append(
            "Redshift's snapshots and what was unloaded or shared from it. Deleted rows lie in its blocks "
            "until it vacuums, as it does by itself; VACUUM DELETE ONLY does it now."
        )
    if settings.ledger.startswith("postgresql"):
        said.append("PostgreSQL's backups, snapshots and replicas of the ledger.")
    return said


def _holds_spotify(table: Table) -> bool:
    return any(column.info["source"] == SPOTIFY for column in table.columns)


def _is_old(store: StagingStore, kind: str, slice_: str, moment: bytes) -> bool:
    """Whether a file has anything that was fetched before a moment, as its rows have it."""
    content = store.content(kind, slice_)
    if content is None:
        return False
    try:
        lines: bytes = igzip.decompress(content)  # type: ignore[no-untyped-call]
    except Exception:  # what igzip raises is of several kinds
        return True  # damaged: nobody can say, and nobody can use it
    return any(fetched_at < moment for fetched_at in _FETCHED_AT.findall(lines))


def _as_rows_have_it(moment: datetime) -> bytes:
    """A moment as staged rows have it, which sorts as time does."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat().encode()


def _count(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(which)).scalar_one())


def _named(ledger: Ledger) -> str:
    """Where a ledger is, and whose answers it keeps there."""
    return f"{ledger.source} at {ledger.where}"
