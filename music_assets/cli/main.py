"""`music-assets`: the command line, by name. Each command is a module of `commands`."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import click

from music_assets.cli import Unusable
from music_assets.errors import MusicAssetsError

COMMANDS = (
    *("run", "status", "explain", "trace", "query", "grant", "ui", "sandbox", "download", "dictionary"),
    *("doctor", "plan", "purge"),
)


class _Commands(click.Group):
    """Imports a command when it is asked for; its module and function have its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"music_assets.cli.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that a person can act on is shown as one message, without a traceback."""
        try:
            return super().invoke(ctx)
        except MusicAssetsError as error:
            raise Unusable(str(error)) from None


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="music-assets")
def cli() -> None:
    """Join the Million Song Dataset with Spotify, and publish tables to query.

    Settings are read from the environment and from a file `.env` in this folder; `.env.example` names them.
    """
    from dotenv import load_dotenv

    load_dotenv(Path(".env"))
    for line in _unknown_settings():
        click.echo(f"Warning: {line}", err=True)


def _unknown_settings() -> list[str]:
    """What to say of `MUSIC_ASSETS_…` variables that mean nothing; nothing is imported where all is well."""
    if not any(name.startswith("MUSIC_ASSETS_") for name in os.environ):
        return []
    from music_assets.settings import unknown_settings

    return unknown_settings(os.environ)


def main() -> None:
    """The console script."""
    cli()


if __name__ == "__main__":
    main()
