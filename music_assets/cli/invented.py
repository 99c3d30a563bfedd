"""The generated sample's songs never share tables with real songs, nor the sandbox's rows with real sources'.

Real songs may have the sandbox's rows, to try the project with: their `source` says so.
A run on real data removes what is invented before it starts; a run that would add what is invented to real
data is refused. Whatever else loads (Dagster's UI, the daemon) is held by the engine: a load that mixes is
refused (`warehouse.engine`). Removing Spotify's content is another matter: `erase`.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, delete, func, select

from music_assets.cli import CommandError
from music_assets.ids import partition_of
from music_assets.lookup import LookupFailed, reading
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.settings import Settings
from music_assets.staging.store import StagingStore
from music_assets.tables import LOADS, PUBLISHED, SANDBOX, STAGED, STAGED_BY_DAY
from music_assets.warehouse.changes import forget
from music_assets.warehouse.engine import Warehouse, is_real
from music_assets.warehouse.published import APPENDED

_MSD_KINDS = frozenset({"msd_songs", "msd_artists"})
_KINDS = {**STAGED, **STAGED_BY_DAY}
_ADVICE = "use another data folder (--data DIR, or `make run MUSIC_ASSETS_DATA=DIR`)"
_REAL_SOURCES = (
    "The tables hold rows of real sources, and the sandbox's invented rows never mix with them: set "
    f"SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET or MUSIC_ASSETS_SPOTIFY=off, or {_ADVICE}."
)
_REAL_SONGS = (
    "The tables hold songs of another MSD, and the generated sample never mixes with them: name that "
    f"MSD with --msd or MUSIC_ASSETS_MSD, or {_ADVICE}."
)


@dataclass
class Invented:
    """What the staging tables hold: slices of the sandbox or the sample, and whether anything is real.

    `sample` has also those that the sample would have and that are not `loaded`: they may be staged.
    """

    sandbox: set[str] = field(default_factory=set)
    sample: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    has_real_sources: bool = False
    has_real_songs: bool = False


def find_invented(settings: Settings, warehouse: Warehouse) -> Invented:
    """What is invented in the tables, before a run; nothing is changed.

    Raises:
        CommandError: this run is on invented data, and the tables hold real rows.
    """
    if not warehouse.exists():
        return Invented()
    sample = _sample(settings)
    held = warehouse.write("looking for invented rows", lambda connection: _held(connection, sample))
    if settings.is_sandbox and held.has_real_sources:
        raise CommandError(_REAL_SOURCES)
    if _uses_sample(settings) and held.has_real_songs:
        raise CommandError(_REAL_SONGS)
    return held


def refusal(settings: Settings) -> str | None:
    """Why a run on the sandbox would be refused, by the readers' copy alone; None where it would not be."""
    tables = [table for table in PUBLISHED.values() if "source" in table.c] if settings.is_sandbox else []
    with suppress(LookupFailed), reading(settings.published) as (connection, _):
        for table in tables:
            if connection.execute(select(1).where(is_real(table)).limit(1)).first():
                return _REAL_SOURCES
    return None


def sample_refusal(settings: Settings) -> str | None:
    """Why a run on the generated sample would be refused, as `refusal`."""
    songs = PUBLISHED["msd.songs"].c.track_id
    with suppress(LookupFailed), reading(settings.published) as (connection, _):
        others = select(songs).where(songs.not_in(_tracks_of_sample(_sample(settings)))).limit(1)
        if _uses_sample(settings) and connection.execute(others).first():
            return _REAL_SONGS
    return None


def _tracks_of_sample(sample: Path) -> list[str]:
    """Those of its files, and those that it has where its files are gone."""
    return [*(path.stem for path in sample.rglob("*.h5")), *(song["track_id"] for song in sample_songs())]


def remove_invented(
    settings: Settings, warehouse: Warehouse, store: StagingStore, held: Invented
) -> list[str]:
    """Remove what is invented where this run is on real data; returns a note if anything was removed."""
    if not warehouse.exists():
        return []
    notes = []
    if not _uses_sample(settings):
        # Of a sample that was written and never run there is nothing to remove but its files.
        if slices := held.sample & {*held.loaded, *store.keys("msd_songs")}:
            _remove(warehouse, store, slices, set(_KINDS))
            notes.append("the generated sample's songs")
        shutil.rmtree(_sample(settings), ignore_errors=True)  # it is generated again when it is used again
    if held.sandbox and not settings.is_sandbox:
        _remove(warehouse, store, held.sandbox, _KINDS.keys() - _MSD_KINDS)
        notes.append("the sandbox's invented rows")
    return [f"Removed {' and '.join(notes)}, which were there from trying."] if notes else []


def _sample(settings: Settings) -> Path:
    return settings.data / "sample_msd"


def _uses_sample(settings: Settings) -> bool:
    return settings.msd is None or Path(settings.msd).resolve().is_relative_to(_sample(settings).resolve())


def _held(connection: Connection, sample: Path) -> Invented:
    held = Invented()
    for table in _KINDS.values():
        if "source" in table.c:
            slices = select(table.c.slice).where(table.c.source == SANDBOX).distinct()
            held.sandbox |= {*connection.execute(slices).scalars()}
            held.has_real_sources |= bool(
                connection.execute(select(1).where(is_real(table)).limit(1)).first()
            )
    songs = STAGED["msd_songs"]
    tracks = [path.stem for path in sample.rglob("*.h5")]
    of_sample = select(songs.c.slice).where(songs.c.track_id.in_(tracks)).distinct()
    loaded = select(LOADS.c.slice).where(LOADS.c.table == songs.name)
    held.loaded = {*connection.execute(of_sample).scalars()}
    # What was staged and not loaded goes as well; files of a slice that is loaded are those of its rows.
    held.sample = held.loaded | {partition_of(track) for track in tracks} - {
        *connection.execute(loaded).scalars()
    }
    others = select(func.count()).select_from(songs).where(songs.c.track_id.not_in(_tracks_of_sample(sample)))
    held.has_real_songs = bool(connection.execute(others).scalar_one())
    return held


def _remove(warehouse: Warehouse, store: StagingStore, slices: set[str], kinds: set[str]) -> None:
    """Remove these slices of these kinds, files first: a removal that is cut short is seen and repeated."""
    from music_assets.defs.assets.spotify_answers import NAME as ANSWERS
    from music_assets.defs.assets.staging import NAME, NAME_BY_DAY

    for kind in (*sorted(kinds), NAME, NAME_BY_DAY):
        store.each(lambda slice_, kind=kind: store.erase(kind, slice_), sorted(slices))  # type: ignore[misc]
    store.erase(ANSWERS)

    def work(connection: Connection) -> None:
        for kind in kinds:
            table = _KINDS[kind]
            connection.execute(delete(table).where(table.c.slice.in_(slices)))
            connection.execute(delete(LOADS).where(LOADS.c.table == kind, LOADS.c.slice.in_(slices)))
        for name in APPENDED:
            history = PUBLISHED[name]
            connection.execute(delete(history).where(history.c.source == SANDBOX))
        forget(connection)

    warehouse.write("removing invented rows", work)
