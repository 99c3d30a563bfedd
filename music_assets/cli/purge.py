"""`music-assets purge`: remove Spotify's content for good.

Here: options, the confirmation, and what a purge cannot reach. What is removed from where, and in which
order, is in `erase`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

import click

from music_assets.cli import EXIT_FAILED, EXIT_INTERRUPTED, CommandError, data_option, interruptible_import
from music_assets.cli.console import counted, printable
from music_assets.cli.lock import DataFolderError
from music_assets.errors import MusicAssetsError
from music_assets.settings import Settings
from music_assets.sources.ledger import LedgerInUse

if TYPE_CHECKING:
    from music_assets.cli.erase import Removed

# What a purge cannot remove, by how a setting begins where that applies.
_OUT_OF_REACH = {
    "": "Copies that people made: exports, notebooks, tables of their own, backups of the data folder.",
    "s3://": "Copies of the bucket: by replication, or in AWS Backup.",
    "redshift": "Redshift's snapshots and what was unloaded or shared from it. Deleted rows stay in its "
    "blocks until it vacuums, as it does by itself; VACUUM DELETE ONLY does it now.",
    "postgresql": "PostgreSQL's backups, snapshots and replicas of the ledger.",
}


@click.command()
@click.option(
    "--older-than",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="Fetched longer ago than this; MUSIC_ASSETS_RETENTION_DAYS unless set.",
)
@click.option("--all", "everything", is_flag=True, help="Whatever its age.")
@click.option("--keep-ids", is_flag=True, help="Leave Spotify's ids with our scores in the mapped tables.")
@click.option("--dry-run", is_flag=True, help="Count, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@data_option
def purge(
    older_than: int | None, everything: bool, keep_ids: bool, dry_run: bool, yes: bool, data: str | None
) -> None:
    """Remove Spotify's content for good: from the ledger, staged files, the warehouse and its copy.

    Removes what was fetched longer ago than the retention allows, or everything. MSD data and open data stay.
    The next run fetches again what it needs, which costs requests. If a purge was interrupted, repeat it.

    \b
    Examples:
      music-assets purge --dry-run
      music-assets purge --older-than 90
      music-assets purge --all --yes
    """
    with interruptible_import():
        from music_assets.cli.erase import Purge

    if everything and older_than is not None:
        raise CommandError("--all and --older-than contradict each other: give one of them.")
    settings = Settings.from_environment(data=data)
    days = settings.retention_days if older_than is None else older_than
    before = None if everything else datetime.now(UTC) - timedelta(days=days)
    content = f"what was fetched before {before:%Y-%m-%d %H:%M} UTC" if before else "all Spotify content"
    wanted = Purge(settings, before, keep_ids=keep_ids, dry_run=dry_run)
    if not wanted.has_data():
        raise CommandError(f"There is no data in {settings.data}: name the data folder with --data.")
    requests, per_day = wanted.requests_again(), settings.spotify.requests_per_day
    takes = f", {counted(ceil(requests / per_day), 'day')} at {per_day:,} per day" if per_day else ""
    click.echo(printable(f"To be removed: {content}. Its staged files are in {settings.staging}."))
    click.echo(f"Fetching it again will take about {counted(requests, 'request')}{takes}.")
    if asks := not (dry_run or yes):
        _show(replace(wanted, dry_run=True).run())
        click.confirm("Remove it?", abort=True)
    try:
        if asks:  # what goes was shown before the question
            list(wanted.run())
        else:
            _show(wanted.run())
    except (DataFolderError, LedgerInUse):  # a run is in progress: nothing was removed
        raise
    except (MusicAssetsError, OSError) as error:
        advice = "Not everything was removed: fix this and purge again."
        click.echo(printable(f"Error: {error}\n{advice}"), err=True)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        click.echo("Interrupted. Not everything was removed: purge again.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    click.echo("Nothing was removed (--dry-run)." if dry_run else "Removed.")
    click.echo("Out of reach, and yours to remove:")
    places = (settings.staging, settings.warehouse, settings.ledger)
    for scheme, sentence in _OUT_OF_REACH.items():
        if any(place.startswith(scheme) for place in places):
            click.echo(f"  {sentence}")


def _show(removed: Iterable[Removed]) -> None:
    nothing = True
    for one in removed:
        if one.count:
            nothing = False
            click.echo(printable(f"{one.count:>12,} {one.shown_unit:<10} {one.place}"))
    if nothing:
        click.echo("There is nothing to remove.")
