"""`music-assets ui`: Dagster's UI."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from pathlib import Path

import click

from music_assets.cli import CommandError, data_option, interruptible_import
from music_assets.sandbox.process import check_port_is_free
from music_assets.settings import Settings


@click.command()
@data_option
@click.option(
    "--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port on loopback."
)
def ui(data: str | None, port: int) -> None:
    """Open Dagster's UI on the storage that `music-assets run` filled.

    \b
    Example:
      music-assets ui --port 3001
    """
    with interruptible_import():
        from music_assets.defs.instance import limit_pools, named_for_dagster, prepare_dagster_home

    settings = Settings.from_environment(data=data)
    check_port_is_free(port)
    if not Path("pyproject.toml").exists() or "tool.dg" not in Path("pyproject.toml").read_text():
        raise CommandError(f"{Path.cwd()} is not the project's folder. Start the UI where README.md is.")
    _hold(settings.data)
    prepare_dagster_home(settings.dagster_home)
    tools = Path(sys.executable).parent
    with named_for_dagster(settings.dagster_home) as home:
        limit_pools(home)
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "VIRTUAL_ENV": sys.prefix,
            "MUSIC_ASSETS_DATA": str(settings.data),
            "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        # A shell has what it starts in the background ignore SIGINT, by which `dg` ends what it has started.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(tools / "dg", ["dg", "dev", "--port", str(port)], environment)


def _hold(data: Path) -> None:
    """Hold the data folder for this UI as long as its process lives: two daemons would disturb each other."""
    data.mkdir(parents=True, exist_ok=True)
    lock = os.open(data / "ui.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(f"Another UI is open on {data}. Use that one, or end it first.") from None
    os.set_inheritable(lock, True)  # `dg` takes the place of this process
