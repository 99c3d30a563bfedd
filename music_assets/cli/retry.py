"""`music-assets retry`: have the next run request again what failed, or what was not found.

It only marks cached responses; when one is looked at again otherwise is in `sources.ledger.lifetimes`.
"""

from __future__ import annotations

import click

from music_assets.cli import CommandError, data_option
from music_assets.cli.console import counted
from music_assets.cli.ledger import existing_ledger
from music_assets.settings import Settings


@click.command()
@click.option("--errors", is_flag=True, help="What was refused, denied, or answered with nothing of use.")
@click.option("--misses", is_flag=True, help="What was not found.")
@data_option
def retry(errors: bool, misses: bool, data: str | None) -> None:
    """Have the next run request again what failed, or what was not found.

    Otherwise misses are looked for again after 90 days. What was found stays.

    \b
    Example:
      music-assets retry --errors
    """
    if not (errors or misses):
        raise click.UsageError("Name what to retry: --errors, --misses, or both.")
    states = (["refused", "denied", "broken"] if errors else []) + (["not_found"] if misses else [])
    settings = Settings.from_environment(data=data)
    with existing_ledger(settings, reading=False) as ledger:
        if ledger is None and not settings.data.exists():
            raise CommandError(f"There is no data in {settings.data}: name the data folder with --data.")
        count = ledger.retry(states) if ledger else 0
    click.echo(f"{counted(count, 'response')} will be requested again by the next run.")
