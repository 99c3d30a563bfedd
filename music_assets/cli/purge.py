"""`music-assets purge`: remove Spotify's content."""

from __future__ import annotations

import sys

import click

from music_assets.cli import EXIT_FAILED, EXIT_INTERRUPTED, CommandError


@click.command()
@click.option("--older-than", type=click.IntRange(min=0), metavar="DAYS", help="MUSIC_ASSETS_RETENTION_DAYS.")
@click.option("--all", "everything", is_flag=True, help="Whatever its age.")
@click.option("--keep-ids", is_flag=True, help="Leave Spotify's ids with our scores in the mapped tables.")
@click.option("--dry-run", is_flag=True, help="Count, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--data", metavar="DIR", help="Data folder; `data` unless set.")
def purge(
    older_than: int | None, everything: bool, keep_ids: bool, dry_run: bool, yes: bool, data: str | None
) -> None:
    """Remove Spotify's content for good: from the ledger, staged files, the warehouse and its copy.

    What was fetched longer ago than the retention allows, or all. MSD data stays. The next run asks again
    for what is gone, which costs requests. A purge that was interrupted is repeated.

    \b
    Examples:
      music-assets purge --dry-run
      music-assets purge --older-than 90
      music-assets purge --all --yes
    """
    from datetime import UTC, datetime, timedelta

    from music_assets.cli.lock import DataFolderError
    from music_assets.cli.purging import Purge, out_of_reach
    from music_assets.errors import MusicAssetsError
    from music_assets.settings import Settings
    from music_assets.sources.ledger import LedgerInUse

    if everything and older_than is not None:
        raise CommandError("--all and --older-than say different things: give one of them.")
    settings = Settings.from_environment(data=data)
    days = settings.retention_days if older_than is None else older_than
    before = None if everything else datetime.now(UTC) - timedelta(days=days)
    wanted = Purge(settings, before, keep_ids=keep_ids, dry_run=dry_run)
    which = (
        "all of Spotify's content"
        if before is None
        else f"what was fetched before {before:%Y-%m-%d %H:%M} UTC"
    )
    requests = wanted.requests_again()
    a_day = settings.spotify.requests_per_day
    takes = f", {-(-requests // a_day):,} days at {a_day:,} a day" if a_day and requests else ""
    click.echo(f"To be removed: {which}; staged in {settings.staging}.")
    click.echo(f"The next run asks again for what is gone: about {requests:,} requests{takes}.")
    if not (dry_run or yes):
        click.confirm("Remove it?", abort=True)
    try:
        for removed in wanted.run():
            click.echo(f"{removed.count:>12,} {removed.what:<10} {removed.place}")
    except (DataFolderError, LedgerInUse):  # in use by somebody else: nothing was removed
        raise
    except (MusicAssetsError, OSError) as error:
        click.echo(f"Error: {error}\nNot all is removed: put this right and purge again.", err=True)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        click.echo("Interrupted. Not all is removed: purge again.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    click.echo("Nothing was removed (--dry-run)." if dry_run else "Removed.")
    click.echo("Out of reach, and yours to remove:")
    for said in out_of_reach(settings):
        click.echo(f"  {said}")
