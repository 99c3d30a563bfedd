"""What is wrong with this machine's settings, folders and services, and what to do about it.

One function a thing to look at; each gives findings and raises nothing. It writes no more than a
small file (or table) beside what a run would write, and removes it, and it sends Spotify one request at
most. No finding holds a secret. How findings are shown is in `commands.doctor`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import Column, Integer, MetaData, Table

from music_assets.settings import SettingError, Settings, unknown_settings

if TYPE_CHECKING:
    from music_assets.sources.spotify import SpotifySettings
    from music_assets.sources.spotify.client import SpotifyClient

OK, NOTE, PROBLEM = "ok", "note", "problem"
_SPACE = 1 << 30  # bytes
_PATIENCE = 2.0  # seconds to wait for a warehouse that is in use
_AN_ARTIST = "0OdUWJ0sBjDrqHygGUXeCF"  # as good as any


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is (`ok`, `note`, `problem`), in words, and what to do if anything."""

    what: str
    state: str
    said: str
    advice: str = ""


def examine(
    environment: Mapping[str, str] | None = None,
    *,
    offline: bool = False,
    quick: bool = False,
    **overrides: Any,
) -> Iterator[Finding]:
    """Look at everything in turn. `offline` asks Spotify nothing, `quick` counts no files.

    `overrides` are settings by name, as for `Settings.from_environment`.
    """
    env = os.environ if environment is None else environment
    yield from _versions()
    for warning in unknown_settings(env):
        yield Finding("settings", PROBLEM, warning, "Correct its name, or unset it.")
    try:
        settings = Settings.from_environment(env, **overrides)
    except SettingError as error:
        yield Finding("settings", PROBLEM, str(error), "See .env.example for what each setting takes.")
        return
    yield Finding("settings", OK, f"data in {settings.data}, Spotify from the {settings.spotify}")
    yield from _data_folder(settings.data)
    yield from _msd(settings, quick)
    yield from _spotify(settings, env, offline)
    yield from _staging(settings)
    yield from _warehouse(settings)
    yield from _dagster(settings.dagster_home)


def _versions() -> Iterator[Finding]:
    """Python and the packages the project declares, against what is installed."""
    from packaging.requirements import Requirement

    wrong = []
    for line in metadata.requires("music-assets") or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            there = "missing"
        if there == "missing" or not wanted.specifier.contains(there, prereleases=True):
            wrong.append(f"{wanted.name} {there} (wanted: {wanted.specifier or 'any'})")
    if wrong:
        yield Finding("versions", PROBLEM, "; ".join(wrong), "Install again: `make setup`.")
    else:
        python = ".".join(map(str, sys.version_info[:3]))
        yield Finding(
            "versions",
            OK,
            f"music-assets {metadata.version('music-assets')}, Python {python}, "
            f"Dagster {metadata.version('dagster')}, DuckDB {metadata.version('duckdb')}",
        )


def _data_folder(data: Path) -> Iterator[Finding]:
    there = _nearest(data)
    try:
        _write_and_remove(there)
    except OSError as error:
        yield Finding(
            "data folder",
            PROBLEM,
            f"{there} cannot be written to: {error.strerror}",
            "Make it writable, or name another folder with MUSIC_ASSETS_DATA.",
        )
    else:
        said = f"{data} can be written to" if there == data else f"{data} will be made by the first run"
        yield Finding("data folder", OK, said)
    free = shutil.disk_usage(there).free
    said = f"{free / 1e9:,.1f} GB free"
    if free < _SPACE:
        yield Finding("disk", PROBLEM, said, "Free some space, or name a folder on another disk.")
    else:
        yield Finding("disk", OK, said)


def _msd(settings: Settings, quick: bool) -> Iterator[Finding]:
    """The MSD root: its layout, how much of it is there, and one file of it."""
    from music_assets.sources.download import count_msd
    from music_assets.sources.msd import MsdRoot, MsdRootError, read_msd

    if settings.msd is None:
        yield Finding("MSD", NOTE, "a generated sample of some 400 songs is used", _where_is_an_msd(settings))
        return
    try:
        root = MsdRoot.open(settings.msd)
        keys = root.partitions()
        files = root.files(keys[0]) if keys else []
        if not files:
            yield Finding(
                "MSD", PROBLEM, f"{root.path} has no song files", "Set MUSIC_ASSETS_MSD to the MSD."
            )
            return
        sample = read_msd(files[:1])
        if sample.set_aside and not len(sample.songs):
            yield Finding(
                "MSD",
                PROBLEM,
                f"{files[0]} cannot be read: {sample.set_aside[0].reason}",
                "Check that the files are whole: fetch or copy them again.",
            )
        else:
            yield Finding("MSD", OK, f"{root.path}, {len(keys)} partitions; {files[0].name} can be read")
        if root.path.is_dir() and not quick:
            count = count_msd(root.path)
            missing = ", ".join(count.missing[:10]) + (", …" if len(count.missing) > 10 else "")
            if count.is_whole:
                yield Finding("MSD files", OK, str(count))
            else:
                advice = "What is there can be used. " + (
                    f"Missing directories: {missing}." if missing else ""
                )
                yield Finding("MSD files", NOTE, str(count), advice.strip())
            if count.misplaced:
                yield Finding(
                    "MSD files",
                    NOTE,
                    f"{count.misplaced:,} files lie below letters that are not theirs",
                    "A run sets them aside, each with its reason.",
                )
    except (MsdRootError, OSError) as error:
        yield Finding("MSD", PROBLEM, str(error), "Set MUSIC_ASSETS_MSD to where the MSD is.")


def _where_is_an_msd(settings: Settings) -> str:
    downloaded = settings.data / "msd"
    if downloaded.is_dir():
        return f"A downloaded MSD is there: set MUSIC_ASSETS_MSD={downloaded}, or run with --msd."
    return "Get the subset with `music-assets download`, or set MUSIC_ASSETS_MSD."


def _spotify(settings: Settings, env: Mapping[str, str], offline: bool) -> Iterator[Finding]:
    """What is kept of earlier answers; then the credentials, the mode and the budget by one request."""
    from music_assets.sources.spotify import SpotifySettings

    yield _ledger(settings)
    if settings.spotify == "sandbox":
        yield Finding(
            "Spotify",
            NOTE,
            "the sandbox answers, and every value of it is invented",
            "Set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET for the real one.",
        )
    elif offline:
        yield Finding("Spotify", NOTE, "credentials are set, and were not tried (offline)")
    else:
        yield ask_spotify(SpotifySettings(env["SPOTIPY_CLIENT_ID"], env["SPOTIPY_CLIENT_SECRET"]))


def ask_spotify(settings: SpotifySettings) -> Finding:
    """One request, for an artist through the batch endpoint: it tells credentials, mode and budget at once.

    Only apps with extended access have that endpoint; others are answered 403.
    """
    from music_assets.sources.ledger import open_ledger
    from music_assets.sources.spotify.client import SpotifyClient

    with TemporaryDirectory() as folder:
        # A ledger of its own: this question is about the app, and nothing is remembered of it.
        ledger = open_ledger(Path(folder) / "ledger.sqlite", source=settings.source)
        client = SpotifyClient(replace(settings, retries=0, longest_wait=0.0), ledger)
        try:
            return _asked(client)
        finally:
            client.close()
            ledger.close()


def _asked(client: SpotifyClient) -> Finding:
    from music_assets.sources.spotify import AccessDenied, OutOfBudget, SpotifyError

    try:
        client.get("artists", ids=_AN_ARTIST)
    except AccessDenied:
        return Finding(
            "Spotify",
            NOTE,
            "the credentials are good; the app has development mode (or its owner has no Premium)",
            "Popularity, followers and audio features stay NULL, and searching has a small quota.",
        )
    except OutOfBudget as error:
        return Finding("Spotify", NOTE, "the credentials are good, and Spotify asks to wait", str(error))
    except SpotifyError as error:
        return Finding("Spotify", PROBLEM, "no answer can be had", str(error))
    return Finding("Spotify", OK, "the credentials are good, and the app has extended access")


def _ledger(settings: Settings) -> Finding:
    """How much is kept; read only, so that no run is disturbed."""
    if "://" in settings.ledger:
        return _remote_ledger(settings)
    path = Path(settings.ledger)
    if not path.exists():
        return Finding("ledger", OK, "empty: nothing was asked from this data folder yet")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (sound,) = database.execute("PRAGMA quick_check(1)").fetchone()
            (answers,) = database.execute("SELECT count(*) FROM answers").fetchone()
    except sqlite3.Error as error:
        sound, answers = str(error), 0
    if sound != "ok":
        return Finding(
            "ledger",
            PROBLEM,
            f"{path} is damaged: {sound}",
            "Put a backup in its place, or move it away to start an empty one; all is then asked again.",
        )
    return Finding("ledger", OK, f"{answers:,} answers are kept in {path}")


def _remote_ledger(settings: Settings) -> Finding:
    from music_assets.sources.ledger import LedgerError, open_ledger

    try:
        ledger = open_ledger(settings.ledger, source=settings.spotify)
        try:
            answers = sum(ledger.count().values())
        finally:
            ledger.close()
    except LedgerError as error:
        return Finding("ledger", PROBLEM, "the ledger cannot be used", str(error))
    return Finding("ledger", OK, f"{answers:,} answers are kept in {settings.ledger}")


def _staging(settings: Settings) -> Iterator[Finding]:
    """Write a small file where staged files go, and remove it."""
    from music_assets.staging.errors import StagingError
    from music_assets.staging.store import StagingStore

    url = settings.staging
    try:
        store = StagingStore(url, endpoint=settings.s3_endpoint, sse=settings.s3_sse)
        if store.is_local:
            _write_and_remove(_nearest(Path(url)))
        else:
            store.probe(f".music-assets-doctor-{uuid4().hex}")
    except StagingError as error:
        yield Finding("staging", PROBLEM, f"{url} cannot be used", str(error))
    except OSError as error:
        said = f"{url} cannot be written to: {type(error).__name__}, {_first_line(error)}"
        yield Finding("staging", PROBLEM, said, "Make the folder writable.")
    else:
        yield Finding("staging", OK, f"{url} can be written to")


def _warehouse(settings: Settings) -> Iterator[Finding]:
    """Make a table in the warehouse and drop it; look at the readers' copy."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.schema import CreateTable, DropTable

    from music_assets.settings import resources
    from music_assets.warehouse.duckdb import DuckDBWarehouse
    from music_assets.warehouse.errors import WarehouseError

    place = make_url(settings.warehouse).render_as_string(hide_password=True)
    try:
        warehouse = resources(settings)["warehouse"].open()
        if isinstance(warehouse, DuckDBWarehouse):
            warehouse.wait_s = _PATIENCE
            if not warehouse.path.exists():
                yield Finding("warehouse", OK, f"{warehouse.path} will be made by the first run")
                return
        probe = Table(f"doctor_{uuid4().hex}", MetaData(), Column("x", Integer), schema="meta")
        with warehouse.transaction("music-assets doctor") as connection:
            connection.execute(CreateTable(probe))
            connection.execute(DropTable(probe))
    except (WarehouseError, SQLAlchemyError, OSError) as error:
        yield Finding("warehouse", PROBLEM, f"{place} cannot be used", _first_line(error))
        return
    yield Finding("warehouse", OK, f"{place} can be written to")
    if isinstance(warehouse, DuckDBWarehouse):
        yield _published(settings.published)
    elif not settings.staging.startswith("s3://"):
        advice = "Redshift reads staged files from S3 alone: set MUSIC_ASSETS_STAGING=s3://bucket/prefix."
        yield Finding("warehouse", PROBLEM, f"staged files would be in {settings.staging}", advice)


def _published(path: Path) -> Finding:
    from music_assets.lookup import LookupFailed, lookup

    if not path.exists():
        return Finding("published copy", NOTE, f"there is no {path} yet", "A run that ends well makes it.")
    try:
        lookup([], warehouse=path)
    except LookupFailed as error:
        return Finding("published copy", PROBLEM, str(error), "Run `music-assets run`: it is made anew.")
    return Finding("published copy", OK, f"{path} can be read")


def _dagster(home: Path) -> Iterator[Finding]:
    """Dagster's storage of runs and events."""
    if not (home / "dagster.yaml").exists():
        yield Finding("Dagster", OK, f"{home} will be made by the first run")
        return
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    try:
        with DagsterInstance.from_config(str(home)) as instance:
            runs = instance.get_runs_count()
            started = instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.STARTED]))
    except Exception as error:  # its storage has errors of several libraries
        said = f"{home} cannot be used: {_first_line(error)}"
        yield Finding(
            "Dagster", PROBLEM, said, "Move it away; the next run makes a new one. Tables are kept."
        )
        return
    yield Finding("Dagster", OK, f"{runs:,} runs are kept in {home}")
    if started:
        yield Finding(
            "Dagster",
            NOTE,
            f"{started:,} runs are marked as started",
            "If none is at work, they were killed: mark them as failed in `music-assets ui`.",
        )


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _write_and_remove(folder: Path) -> None:
    file = folder / f".music-assets-doctor-{uuid4().hex}"
    try:
        file.write_text("a harmless test; remove me")
    finally:
        file.unlink(missing_ok=True)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
