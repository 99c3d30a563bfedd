"""The checks of `music-assets doctor`. What is printed of them is in `doctor`; sources are tried in `online`.

Each is a function that yields findings; an error that it raises is a finding too, as our errors say what to
do. A check writes no more than a small file (or table) where a run would write, and removes it; Spotify is
sent one request at most. No finding holds a secret.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

from dagster import DagsterRunStatus, RunsFilter
from packaging.requirements import Requirement
from sqlalchemy import Column, Connection, Integer, MetaData, Table, make_url
from sqlalchemy.schema import CreateTable, DropTable

from music_assets.cli.console import counted, some
from music_assets.cli.doctor import NOTE, OK, PROBLEM, Finding
from music_assets.cli.invented import sample_refusal
from music_assets.cli.ledger import existing_ledger
from music_assets.cli.online import examine_sources, examine_spotify, spotify_client
from music_assets.defs.dumps import DUMPS
from music_assets.defs.instance import ui_instance
from music_assets.defs.wiring import opened_resources, resources
from music_assets.errors import MusicAssetsError
from music_assets.lookup import lookup
from music_assets.priority_list import listed_ids
from music_assets.settings import SettingError, Settings, unknown_settings
from music_assets.sources.download import count_msd
from music_assets.sources.msd import MsdRoot, MsdRootError, read_msd
from music_assets.sources.spotify import AccessDenied, OutOfBudget, SpotifySettings, SpotifyUnreachable
from music_assets.staging.store import StagedFile, checksum
from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.manifest import Manifest

_FREE_BYTES = 1 << 30
_WAIT_S = 2.0  # for a warehouse that is in use
_AN_ARTIST = "0OdUWJ0sBjDrqHygGUXeCF"  # any would do
# What to do where a check raises an error, beside what the error says.
_ADVICE = {
    "data folder": "Make it writable, or name another folder with MUSIC_ASSETS_DATA.",
    "MSD": "Name the folder of the MSD with --msd or MUSIC_ASSETS_MSD.",
    "ledger": "Restore a backup, or move it away to start with an empty one and request everything again.",
    "Dagster": "Move its folder away: the next run creates a new one, and no table is lost.",
}


def examine(
    environment: Mapping[str, str] = os.environ,
    *,
    offline: bool = False,
    recorded: list[dict[str, Any]] | None = None,
    quick: bool = False,
    **overrides: str | None,
) -> Iterator[Finding]:
    """Check everything in turn. `offline` sends Spotify no request, `quick` counts no files.

    With `recorded` every source in use is tried, and the responses go there. `overrides` are settings by
    name, as for `Settings.from_environment`.
    """
    yield _versions()
    for warning in unknown_settings(environment):
        yield Finding("settings", PROBLEM, warning, "Correct its name, or unset it.")
    try:
        settings = Settings.from_environment(environment, **overrides)
    except SettingError as error:
        yield Finding("settings", PROBLEM, str(error), "See .env.example for what each setting takes.")
        return
    source = settings.spotify.source
    spotify = {"off": "Spotify is off", "api": "Spotify by its API", "sandbox": "Spotify from the sandbox"}
    yield Finding("settings", OK, f"data in {settings.data}, {spotify[source]}")
    for subject, check in (
        ("data folder", _data_folder(settings.data)),
        ("MSD", _msd(settings, quick)),
        ("lists", _lists(settings)),
        ("ledger", _ledger(settings)),
        ("Spotify", _spotify(settings, environment, offline)),
        ("staging", _staging(settings)),
        ("warehouse", _warehouse(settings)),
        ("Dagster", _dagster(settings.dagster_home)),
        ("sources", _sources(settings, environment, recorded)),
    ):
        try:
            yield from check
        except MusicAssetsError as error:  # says what to do
            yield Finding(subject, PROBLEM, str(error))
        except Exception as error:  # of several libraries
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            yield Finding(subject, PROBLEM, line, _ADVICE.get(subject, ""))


def _versions() -> Finding:
    """Python and the packages the project declares, compared with what is installed."""
    wrong = []
    for required in map(Requirement, metadata.requires("music-assets") or []):
        version = _installed(required.name)
        applies = required.marker is None or required.marker.evaluate({"extra": "pipeline"})
        if applies and (version == "missing" or not required.specifier.contains(version, prereleases=True)):
            wrong.append(f"{required.name} {version} (required: {required.specifier or 'any'})")
    if wrong:
        return Finding("versions", PROBLEM, "; ".join(wrong), "Install again: `make setup`.")
    versions = [f"{name} {_installed(name)}" for name in ("music-assets", "dagster", "duckdb")]
    return Finding("versions", OK, f"Python {sys.version.split()[0]}, {', '.join(versions)}")


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def _data_folder(data: Path) -> Iterator[Finding]:
    _write_and_remove(data)
    writable = "can be written to" if data.exists() else "will be created by the first run"
    yield Finding("data folder", OK, f"{data} {writable}")
    free = shutil.disk_usage(_nearest(data)).free
    message = f"{free / 1e9:,.1f} GB free"
    if free < _FREE_BYTES:
        yield Finding("disk", PROBLEM, message, "Free some space, or name a folder on another disk.")
    else:
        yield Finding("disk", OK, message)


def _msd(settings: Settings, quick: bool) -> Iterator[Finding]:
    """The MSD root: its layout, how much of it is there, and one file of it."""
    if refused := sample_refusal(settings):
        yield Finding("MSD", PROBLEM, refused)
        return
    if settings.msd is None:
        downloaded = settings.data / "msd"
        advice = "Get the subset with `music-assets download`, or set MUSIC_ASSETS_MSD."
        if downloaded.is_dir():
            advice = f"There is a downloaded MSD: set MUSIC_ASSETS_MSD={downloaded}, or run with --msd."
        yield Finding(
            "MSD",
            NOTE,
            "none is named: a run uses a generated sample of some 400 songs, never beside real ones",
            advice,
        )
        return
    root = MsdRoot.open(Path(settings.msd))
    keys = root.partitions()
    file = next(iter(root.files(keys[0])), None) if keys else None
    if file is None:
        raise MsdRootError(f"{root.path} has no song files. Name another with --msd or MUSIC_ASSETS_MSD.")
    sample = read_msd([file])
    if sample.set_aside and not len(sample.songs):
        raise MsdRootError(f"{file} cannot be read: {sample.set_aside[0].reason}. Get the MSD again.")
    yield Finding("MSD", OK, f"{root.path}, {counted(len(keys), 'partition')}; {file.name} can be read")
    if root.path.is_dir() and not quick:
        count = count_msd(root.path)
        missing = some(count.missing)
        advice = f"Missing directories: {missing}. What is there can be used." if missing else ""
        yield Finding("MSD files", OK if count.is_whole else NOTE, str(count), advice)
        if count.misplaced:
            message = f"{counted(count.misplaced, 'file')} in directories that do not match their track ids"
            yield Finding("MSD files", NOTE, message, "A run sets them aside, each with its reason.")


def _lists(settings: Settings) -> Iterator[Finding]:
    """The files that people write: corrections and the priority list, read as a run reads them."""
    resources(settings)["corrections"].read()
    if settings.resolution.tracks:
        listed = listed_ids(Path(settings.resolution.tracks))
        yield Finding("lists", OK, f"{settings.resolution.tracks} names {counted(len(listed), 'id')}")


def _ledger(settings: Settings) -> Iterator[Finding]:
    """How many responses are cached."""
    with existing_ledger(settings, reading=False) as ledger:
        if ledger is None:
            yield Finding("ledger", OK, "empty: no request was sent from this data folder yet")
        else:
            responses = counted(sum(ledger.count_states().values()), "response")
            yield Finding("ledger", OK, f"{responses} cached at {ledger.where}")


def _spotify(settings: Settings, environment: Mapping[str, str], offline: bool) -> Iterator[Finding]:
    if settings.spotify.source == "sandbox":
        advice = "For real values, set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET."
        yield Finding("Spotify", NOTE, "the sandbox responds, and every value of it is invented", advice)
    elif settings.spotify.source == "off":
        yield Finding("Spotify", OK, "off: its API is never requested, keyless sources alone")
    elif offline:
        yield Finding("Spotify", NOTE, "credentials are set, and were not tried (offline)")
    else:
        yield try_spotify(_api(environment))


def _api(environment: Mapping[str, str]) -> SpotifySettings:
    return SpotifySettings(environment["SPOTIPY_CLIENT_ID"], environment["SPOTIPY_CLIENT_SECRET"])


def try_spotify(settings: SpotifySettings) -> Finding:
    """Send one request, to the batch endpoint of artists: it shows credentials, access mode and budget.

    Only apps with extended access have that endpoint; others get status 403.

    Raises:
        SpotifyError: Spotify cannot be used, for a reason that the message names.
    """
    with spotify_client(settings) as client:
        try:
            client.get("artists", ids=_AN_ARTIST)
        except AccessDenied:
            message = "the credentials work; the app has development mode (or its owner has no Premium)"
            advice = "Popularity, followers and audio features stay NULL, and searching has a small quota."
            return Finding("Spotify", NOTE, message, advice)
        except SpotifyUnreachable:  # of credentials nothing is known then
            raise
        except OutOfBudget as error:
            return Finding("Spotify", NOTE, "the credentials work, and Spotify asks to wait", str(error))
    return Finding("Spotify", OK, "the credentials work, and the app has extended access")


def _sources(
    settings: Settings, environment: Mapping[str, str], recorded: list[dict[str, Any]] | None
) -> Iterator[Finding]:
    """Name the dumps that are in use and not there; try every source in use where responses are wanted."""
    with opened_resources(settings) as opened:
        for name in DUMPS:
            for missing in opened.dumps.missing(name):
                message, _, advice = missing.partition(": ")
                without = "No song is matched by its ids" if name == "echonest" else "Its columns stay empty"
                yield Finding("sources", NOTE, message, f"{without} until then: {advice}")
    if recorded is None:
        return
    yield from examine_sources(settings, recorded)
    if settings.spotify.source == "api":
        yield from examine_spotify(_api(environment), recorded)


def _staging(settings: Settings) -> Iterator[Finding]:
    """Write a small file to the staging area, and remove it."""
    store = resources(settings)["staging"].store()
    if store.is_local:
        _write_and_remove(Path(settings.staging))
    else:
        store.probe(f".music-assets-doctor-{uuid4().hex}")
    yield Finding("staging", OK, f"{settings.staging} can be written to")


def _warehouse(settings: Settings) -> Iterator[Finding]:
    """Create a table in the warehouse and drop it; read the readers' copy."""
    place = make_url(settings.warehouse).render_as_string(hide_password=True)
    warehouse = resources(settings)["warehouse"].open()
    warehouse.wait_s = _WAIT_S
    if not warehouse.exists():
        yield Finding("warehouse", OK, f"{place} will be created by the first run")
        return
    on_s3 = settings.staging.startswith("s3://")
    probe = Table(f"doctor_{uuid4().hex}", MetaData(), Column("x", Integer), schema="meta")
    with warehouse.transaction("music-assets doctor") as connection:
        connection.execute(CreateTable(probe))
        if warehouse.needs_s3 and on_s3:
            _copy_one_row(settings, warehouse, connection, probe)
        connection.execute(DropTable(probe))
    yield Finding("warehouse", OK, f"{place} can be written to")
    if warehouse.needs_s3 and on_s3:
        role = settings.aws.redshift_iam_role
        yield Finding("COPY", OK, f"a row was copied from {settings.staging} by the role {role}")
    elif warehouse.needs_s3:
        advice = "Redshift reads staged files from S3 alone: set MUSIC_ASSETS_STAGING=s3://bucket/prefix."
        yield Finding("COPY", PROBLEM, f"staged files would be in {settings.staging}", advice)
    elif settings.published.exists():
        lookup([], warehouse=settings.published)
        yield Finding("published copy", OK, f"{settings.published} can be read")
    else:
        advice = "A run without failures creates it."
        yield Finding("published copy", NOTE, f"there is no {settings.published} yet", advice)


def _copy_one_row(settings: Settings, warehouse: Warehouse, connection: Connection, table: Table) -> None:
    """COPY a row as loads do it: role, key, region and network are what goes wrong on AWS."""
    store = resources(settings)["staging"].store()
    content = gzip.compress(b'{"x": 1}\n')
    file = StagedFile(table.name, "AA", "", 1, len(content), checksum(content), "doctor", "")
    try:
        store.write(file, content)
        manifest = Manifest(table.name, "AA", store.url(table.name, "AA"), 1, len(content), file.checksum)
        warehouse.copy_files(connection, table, [manifest], "doctor")
    finally:
        for kind in (table.name, f"copy/{table.name}"):
            store.erase(kind)


def _dagster(home: Path) -> Iterator[Finding]:
    """Dagster's storage of runs and events."""
    if not (home / "dagster.yaml").exists():
        yield Finding("Dagster", OK, f"{home} will be created by the first run")
        return
    with ui_instance(home) as instance:
        runs = instance.get_runs_count()
        started = instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.STARTED]))
    yield Finding("Dagster", OK, f"{counted(runs, 'run')} in {home}")
    if started:
        advice = "If none is running, they were killed: mark them as failed in `music-assets ui`."
        yield Finding("Dagster", NOTE, f"{counted(started, 'run')} marked as started", advice)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _write_and_remove(folder: Path) -> None:
    file = _nearest(folder) / f".music-assets-doctor-{uuid4().hex}"
    try:
        file.write_text("a harmless test; remove me")
    finally:
        file.unlink(missing_ok=True)
