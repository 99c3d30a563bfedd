"""`music-assets`: the command line, by name. Each command is a module of `commands`."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

COMMANDS = ("run", "query", "ui", "sandbox", "download", "dictionary")


class _Commands(click.Group):
    """Imports a command when it is asked for; its module and function have its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"music_assets.commands.{name}"), name)
        return command


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


def main() -> None:
    """The console script."""
    cli()


if __name__ == "__main__":
    main()
