"""`music-assets doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import sys

import click

from music_assets.cli import EXIT_FAILED


@click.command()
@click.option("--msd", metavar="DIR", help="MSD root to look at instead of MUSIC_ASSETS_MSD.")
@click.option("--data", metavar="DIR", help="Data folder; `data` unless set.")
@click.option("--offline", is_flag=True, help="Ask Spotify nothing.")
@click.option("--quick", is_flag=True, help="Do not count the MSD's files (a million take a while).")
def doctor(msd: str | None, data: str | None, offline: bool, quick: bool) -> None:
    """Look at settings, folders, disk, MSD, Spotify, staging, warehouse and Dagster's storage.

    Exits with 1 where something would keep a run from working. Spotify is sent one request at most, and
    none with --offline or in the sandbox. No secret is shown.

    \b
    Examples:
      music-assets doctor
      music-assets doctor --msd /mnt/msd --quick
    """
    from rich.console import Console
    from rich.text import Text

    from music_assets.cli.diagnosis import NOTE, OK, PROBLEM, examine

    colours = {OK: "green", NOTE: "yellow", PROBLEM: "bold red"}
    console = Console(soft_wrap=True, highlight=False)
    problems = 0
    for finding in examine(offline=offline, quick=quick, msd=msd, data=data):
        line = Text.assemble(
            (f"{finding.state:<8}", colours[finding.state]), f"{finding.what}: {finding.said}"
        )
        console.print(line)
        if finding.advice:
            console.print(Text(f"        {finding.advice}"))
        problems += finding.state == PROBLEM
    if problems:
        console.print(f"\n{problems} to put right.")
        sys.exit(EXIT_FAILED)
