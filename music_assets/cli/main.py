"""`music-assets`: the group of commands, and what they share: settings from `.env`, errors as messages."""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import time
from pathlib import Path
from typing import Any

import click

from music_assets.cli import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_UNUSABLE, INTERRUPTED, interruptible_import
from music_assets.errors import MusicAssetsError

# By task, each with what the help shows of it, so that the help imports no command and appears at once.
GROUPS = {
    "Fill the tables": {
        "download": "Get the MSD subset (10,000 songs, 1.8 GB), or a dump of open data.",
        "plan": "Estimate the requests and days that the songs of an MSD take.",
        "run": "Run the main job: MSD files in, query-ready tables out.",
        "status": "Show songs done and pending, requests spent and left, and what the rest takes.",
    },
    "Use the tables": {
        "query": "Query the published tables of a local run.",
        "export": "Write tables as files to use and publish, with description, terms and citation.",
        "cite": "Show what to cite in a paper.",
        "explain": "Show why a track is matched as it is.",
        "trace": "Show where a track's row comes from.",
    },
    "Look after them": {
        "doctor": "Check settings, folders, disk, MSD, Spotify, staging, warehouse and Dagster.",
        "ui": "Open Dagster's UI.",
        "retry": "Have the next run request again what failed, or what was not found.",
        "purge": "Remove Spotify's content for good.",
        "grant": "Let people read a shared warehouse.",
    },
    "Develop": {
        "sandbox": "Run the sandbox, which stands in for Spotify and the other services.",
    },
}
COMMANDS = {name: shown for commands in GROUPS.values() for name, shown in commands.items()}


class _Commands(click.Group):
    """Imports a command when it is called: module `cli.<name>`, function `<name>`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        with interruptible_import():
            command: click.Command = getattr(importlib.import_module(f"music_assets.cli.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and (near := difflib.get_close_matches(name, COMMANDS, n=1)):
            ctx.fail(f"No such command {name!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, commands in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl(list(commands.items()))

    def invoke(self, ctx: click.Context) -> Any:
        ctx.obj = time.monotonic()  # when the command was called
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            error.message = _printable(error.message)  # type: ignore[misc]  # "final" to those who subclass it
            raise
        except MusicAssetsError as error:
            click.echo(f"Error: {_printable(str(error))}", err=True)
            ctx.exit(EXIT_UNUSABLE)
        except KeyboardInterrupt:
            click.echo(INTERRUPTED, err=True)
            ctx.exit(EXIT_INTERRUPTED)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] == "music_assets":
                raise
            click.echo(
                f"Error: This command needs {error.name}, which is not installed. "
                "`pip install 'music-assets[pipeline]'` brings it.",
                err=True,
            )
            ctx.exit(EXIT_UNUSABLE)
        except Exception as error:
            if not is_full_disk(error):
                raise
            click.echo(f"Error: {FULL_DISK}", err=True)
            ctx.exit(EXIT_FAILED)


def _printable(text: str) -> str:
    """As `console.printable`, which is imported where there is something to say."""
    from music_assets.cli.console import printable

    return printable(text)


FULL_DISK = "The disk is full, or fails. Free some space and run again: what is finished is kept."
_OF_FULL_DISKS = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "disk is full", "disk I/O error")


def is_full_disk(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error, which libraries wrap in errors of their own."""
    while error is not None:
        if any(words in str(error) for words in _OF_FULL_DISKS):
            return True
        error = error.__cause__ or error.__context__
    return False


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="music-assets")
def cli() -> None:
    """Join the Million Song Dataset with Spotify, and publish tables to query.

    Settings are read from the environment and from a file `.env` in this folder; `.env.example` lists them.
    """
    from dotenv import load_dotenv

    load_dotenv(Path(".env"))
    if any(name.startswith("MUSIC_ASSETS_") for name in os.environ):
        from music_assets.settings import unknown_settings

        for line in unknown_settings(os.environ):
            click.echo(f"Warning: {_printable(line)}", err=True)


def main() -> None:
    """The console script."""
    cli()
