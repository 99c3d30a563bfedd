"""`music-assets ui`: Dagster's UI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from music_assets.cli import data_option
from music_assets.defs.instance import limit_pools, named_for_dagster, prepare_dagster_home
from music_assets.sandbox.process import check_port_is_free
from music_assets.settings import Settings


@click.command()
@data_option
@click.option("--port", default=3000, show_default=True, help="Port on loopback.")
def ui(data: str | None, port: int) -> None:
    """Open Dagster's UI on the storage that `music-assets run` filled.

    \b
    Example:
      music-assets ui --port 3001
    """
    settings = Settings.from_environment(data=data)
    check_port_is_free(port)
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
        os.execve(tools / "dg", ["dg", "dev", "--port", str(port)], environment)
