"""`music-assets doctor`: what is wrong with this machine's setup, and what to do about it.

Here: options, the order of the checks, and those of this machine: packages, settings, folders, the MSD,
Dagster's storage. Those of services are in `doctor_services`. A check yields findings and raises nothing.
It writes no more than a small file (or table) where a run would write, and removes it. No finding holds a
secret.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from music_assets.cli import EXIT_FAILED, data_option
from music_assets.cli.console import counted
from music_assets.cli.doctor_services import check_services
from music_assets.cli.findings import NOTE, OK, PROBLEM, Finding, first_line, nearest_folder, write_and_remove
from music_assets.errors import MusicAssetsError

if TYPE_CHECKING:
    from music_assets.settings import Settings

_COLOURS = {OK: "green", NOTE: "yellow", PROBLEM: "bold red"}
_FREE_BYTES = 1 << 30


@click.command()
@click.option("--msd", metavar="DIR", help="MSD root to look at; MUSIC_ASSETS_MSD unless set.")
@data_option
@click.option("--offline", is_flag=True, help="Send Spotify no request.")
@click.option("--quick", is_flag=True, help="Do not count the MSD's files (a million take a while).")
def doctor(msd: str | None, data: str | None, offline: bool, quick: bool) -> None:
    """Check settings, folders, disk, MSD, Spotify, staging, warehouse and Dagster's storage.

    Exits with 1 if something would keep a run from working. Spotify is sent one request at most, and none
    with --offline or in the sandbox. No secret is shown.

    \b
    Examples:
      music-assets doctor
      music-assets doctor --msd /mnt/msd --quick
    """
    console = Console(soft_wrap=True, highlight=False)
    problems = 0
    for finding in examine(offline=offline, quick=quick, msd=msd, data=data):
        state = (f"{finding.state:<8}", _COLOURS[finding.state])
        console.print(Text.assemble(state, f"{finding.subject}: {finding.message}"))
        if finding.advice:
            console.print(Text(f"        {finding.advice}"))
        problems += finding.state == PROBLEM
    if problems:
        console.print(f"\n{counted(problems, 'problem')} to fix.")
        sys.exit(EXIT_FAILED)


def examine(
    environment: Mapping[str, str] | None = None,
    *,
    offline: bool = False,
    quick: bool = False,
    **overrides: str | None,
) -> Iterator[Finding]:
    """Check everything in turn. `offline` sends Spotify no request, `quick` counts no files.

    `overrides` are settings by name, as for `Settings.from_environment`.
    """
    from music_assets.cli.settings_reference import unknown_settings
    from music_assets.settings import SettingError, Settings

    env = os.environ if environment is None else environment
    yield _versions()
    for warning in unknown_settings(env):
        yield Finding("settings", PROBLEM, warning, "Correct its name, or unset it.")
    try:
        settings = Settings.from_environment(env, **overrides)
    except SettingError as error:
        yield Finding("settings", PROBLEM, str(error), "See .env.example for what each setting takes.")
        return
    yield Finding("settings", OK, f"data in {settings.data}, Spotify from the {settings.spotify.source}")
    yield from _data_folder(settings.data)
    yield from _msd(settings, quick)
    yield from check_services(settings, env, offline=offline)
    yield from _dagster(settings.dagster_home)


def _versions() -> Finding:
    """Python and the packages the project declares, compared with what is installed."""
    from packaging.requirements import Requirement

    wrong = []
    for line in metadata.requires("music-assets") or []:
        required = Requirement(line)
        if required.marker is not None and not required.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = metadata.version(required.name)
        except metadata.PackageNotFoundError:
            installed = "missing"
        if installed == "missing" or not required.specifier.contains(installed, prereleases=True):
            wrong.append(f"{required.name} {installed} (required: {required.specifier or 'any'})")
    if wrong:
        return Finding("versions", PROBLEM, "; ".join(wrong), "Install again: `make setup`.")
    versions = [f"{name} {metadata.version(name)}" for name in ("music-assets", "dagster", "duckdb")]
    return Finding("versions", OK, f"Python {sys.version.split()[0]}, {', '.join(versions)}")


def _data_folder(data: Path) -> Iterator[Finding]:
    folder = nearest_folder(data)
    try:
        write_and_remove(folder)
        writable = "can be written to" if folder == data else "will be created by the first run"
        yield Finding("data folder", OK, f"{data} {writable}")
    except OSError as error:
        message = f"{folder} cannot be written to: {error.strerror}"
        advice = "Make it writable, or name another folder with MUSIC_ASSETS_DATA."
        yield Finding("data folder", PROBLEM, message, advice)
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        advice = "Free some space, or name a folder on another disk."
        yield Finding("disk", PROBLEM, f"{free / 1e9:,.1f} GB free", advice)
    else:
        yield Finding("disk", OK, f"{free / 1e9:,.1f} GB free")


def _msd(settings: Settings, quick: bool) -> Iterator[Finding]:
    """The MSD root: its layout, how much of it is there, and one file of it."""
    from music_assets.sources.download import count_msd
    from music_assets.sources.msd import MsdRoot, read_msd

    if settings.msd is None:
        downloaded = settings.data / "msd"
        advice = "Get the subset with `music-assets download`, or set MUSIC_ASSETS_MSD."
        if downloaded.is_dir():
            advice = f"There is a downloaded MSD: set MUSIC_ASSETS_MSD={downloaded}, or run with --msd."
        yield Finding("MSD", NOTE, "a generated sample of some 400 songs is used", advice)
        return
    try:
        root = MsdRoot.open(settings.msd)
        keys = root.partitions()
        file = next(iter(root.files(keys[0])), None) if keys else None
        if file is None:
            advice = "Set MUSIC_ASSETS_MSD to the MSD."
            yield Finding("MSD", PROBLEM, f"{root.path} has no song files", advice)
            return
        sample = read_msd([file])
        if sample.set_aside and not len(sample.songs):
            message = f"{file} cannot be read: {sample.set_aside[0].reason}"
            yield Finding("MSD", PROBLEM, message, "The file is damaged: download or copy the MSD again.")
        else:
            message = f"{root.path}, {counted(len(keys), 'partition')}; {file.name} can be read"
            yield Finding("MSD", OK, message)
        if root.path.is_dir() and not quick:
            count = count_msd(root.path)
            missing = ", ".join(count.missing[:10]) + (", …" if len(count.missing) > 10 else "")
            advice = "" if count.is_whole else "The files that are there can be used."
            advice += f" Missing directories: {missing}." if missing else ""
            yield Finding("MSD files", OK if count.is_whole else NOTE, str(count), advice)
            if count.misplaced:
                message = (
                    f"{counted(count.misplaced, 'file')} in directories that do not match their track ids"
                )
                yield Finding("MSD files", NOTE, message, "A run sets them aside, each with its reason.")
    except (MusicAssetsError, OSError) as error:
        yield Finding("MSD", PROBLEM, str(error), "Set MUSIC_ASSETS_MSD to where the MSD is.")


def _dagster(home: Path) -> Iterator[Finding]:
    """Dagster's storage of runs and events."""
    if not (home / "dagster.yaml").exists():
        yield Finding("Dagster", OK, f"{home} will be created by the first run")
        return
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    try:
        with DagsterInstance.from_config(str(home)) as instance:
            runs = instance.get_runs_count()
            started = instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.STARTED]))
    except Exception as error:  # its storage raises errors of several libraries
        message = f"{home} cannot be used: {first_line(error)}"
        advice = "Move it away; the next run creates a new one. No table is lost."
        yield Finding("Dagster", PROBLEM, message, advice)
        return
    yield Finding("Dagster", OK, f"{counted(runs, 'run')} in {home}")
    if started:
        advice = "If none is running, they were killed: mark them as failed in `music-assets ui`."
        yield Finding("Dagster", NOTE, f"{counted(started, 'run')} marked as started", advice)
