"""`music-assets doctor`: what is wrong with this machine's setup, and what to do about it.

Here: options, what a finding is and how it is printed, and the exit code. The checks are in `checks`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
import orjson
from rich.text import Text

from music_assets.cli import EXIT_FAILED, data_option, interruptible_import
from music_assets.cli.console import Console, counted

OK, NOTE, PROBLEM = "ok", "note", "problem"
_COLOURS = {OK: "green", NOTE: "yellow", PROBLEM: "bold red"}


class Finding(NamedTuple):
    """What a check found: the state (`ok`, `note`, `problem`), a message, and what to do if anything."""

    subject: str
    state: str
    message: str
    advice: str = ""


@click.command()
@click.option("--msd", metavar="DIR", help="MSD root to look at; MUSIC_ASSETS_MSD unless set.")
@data_option
@click.option("--offline", is_flag=True, help="Send Spotify no request.")
@click.option("--online", is_flag=True, help="Try every source in use: a few requests each, some 20 in all.")
@click.option("--record", metavar="FILE", help="With --online: write the responses to this JSON file.")
@click.option("--quick", is_flag=True, help="Do not count the MSD's files (a million take a while).")
def doctor(
    msd: str | None, data: str | None, offline: bool, online: bool, record: str | None, quick: bool
) -> None:
    """Check settings, folders, disk, MSD, Spotify, staging, warehouse and Dagster's storage.

    Exits with 1 if something would keep a run from working. Spotify is sent one request at most, and none
    with --offline or in the sandbox. No secret is shown.

    With --online every source in use is tried, to see whether it still answers in the shapes that a run
    relies on. --record keeps the responses, without any secret, for whoever adapts the code.

    \b
    Examples:
      music-assets doctor --msd /mnt/msd --quick
      music-assets doctor --online --record responses.json
    """
    with interruptible_import():
        from music_assets.cli.checks import examine

    if offline and online:
        raise click.UsageError("--offline and --online exclude each other.")
    if record and not online:
        raise click.UsageError("--record needs --online: there are no responses without requests.")
    console = Console(soft_wrap=True)
    problems = 0
    recorded: list[dict[str, Any]] | None = [] if online else None
    for finding in examine(offline=offline, recorded=recorded, quick=quick, msd=msd, data=data):
        state = (f"{finding.state:<8}", _COLOURS[finding.state])
        console.print(Text.assemble(state, f"{finding.subject}: {finding.message}"))
        if finding.advice:
            console.print(f"        {finding.advice}")
        problems += finding.state == PROBLEM
    if record:
        Path(record).write_bytes(orjson.dumps(recorded, option=orjson.OPT_INDENT_2))
        console.print(f"{counted(len(recorded or ()), 'response')} recorded in {record}")
    if problems:
        console.print(f"\n{counted(problems, 'problem')} to fix.")
        sys.exit(EXIT_FAILED)
