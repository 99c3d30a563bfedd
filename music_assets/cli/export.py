"""`music-assets export`: published tables as files for others, with description, terms and citation.

Here: options and messages. What is written is in `music_assets.export`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from music_assets.cli import CommandError, data_option
from music_assets.cli.console import counted, printable, some
from music_assets.cli.listing import misspelt_words, tables_of
from music_assets.export import export as export_tables
from music_assets.export.data_files import FORMATS, LISTED
from music_assets.export.selection import CHOICES, has_spotify
from music_assets.lookup import lookup
from music_assets.priority_list import listed_ids
from music_assets.settings import Settings
from music_assets.tables import SPOTIFY
from music_assets.tables.terms import TERMS

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection

    from music_assets.export.selection import Chosen
    from music_assets.export.tables import Unload


@click.command()
@click.option("--format", "form", type=click.Choice(FORMATS), default="parquet", show_default=True)
@click.option(
    "--only", type=click.Choice(list(CHOICES)), default="open", show_default=True, help="What; see above."
)
@click.option("--out", metavar="DIR", required=True, help="The folder; an earlier export in it is replaced.")
@click.option("--tracks", metavar="FILE", help="Only what is about these songs: a text or CSV with ids.")
@click.option("--with-spotify", is_flag=True, help="With the columns of Spotify's, for your own use alone.")
@data_option
def export(form: str, only: str, out: str, tracks: str | None, with_spotify: bool, data: str | None) -> None:
    """Write published tables as files, with description, terms, citation and checksums.

    What Spotify's terms do not allow to publish is left out: its columns, and tables whose rows are its ids.
    The same tables always give the same files. Nothing is requested, and a run may be under way.

    \b
    --only open     all that may be published: analytics.songs and .artists,
                    mapped.recordings, listenbrainz.popularity_history,
                    acousticbrainz.audio_features
    --only msd      msd.songs, msd.artists: the dataset's own values
    --only mapping  mapped.recordings; with --with-spotify mapped.songs and
                    mapped.artists too
    --only joined   analytics.songs, analytics.artists

    \b
    Examples:
      music-assets export --out open_data
      music-assets export --only joined --tracks paper.csv --out paper_data
    """
    settings = Settings.from_environment(data=data)
    if with_spotify and not has_spotify(only):
        raise CommandError(f"--only {only} has nothing of Spotify's: take `joined` or `mapping`.")
    tables = tables_of(settings)
    listed = _listed(Path(tracks), tables) if tracks else None
    unload = _unloader(settings) if settings.warehouse.startswith("redshift") else None
    written = export_tables(
        tables,
        Path(out),
        form=form,
        only=only,
        with_spotify=with_spotify,
        listed=listed,
        list_name=_name(Path(tracks or "")),
        unload=unload,
    )
    for file in written.files:
        hidden = f", {counted(len(file.chosen.left_out), 'column')} left out" if file.chosen.left_out else ""
        click.echo(f"{file.name:<48} {counted(file.rows, 'row')}{hidden}")
    if written.tables_left_out:
        click.echo(f"Left out, as their rows are Spotify's ids: {', '.join(written.tables_left_out)}.")
    place = printable(str(out))
    click.echo(f"Version {written.version} in {place}; README.md says what it is, and what to cite.")
    if with_spotify:
        click.echo(f"Of Spotify's columns: {TERMS[SPOTIFY].summary} See docs/terms.md.", err=True)
    if written.invented:
        click.echo("Values from `sandbox` are invented: they are there to try the project.", err=True)


def _unloader(settings: Settings) -> Unload:
    """How Redshift's tables become files of this machine: by way of the staging area."""
    from music_assets.staging.s3 import S3, S3Files
    from music_assets.warehouse.redshift_unload import unload

    if not settings.staging.startswith("s3://"):
        raise CommandError(
            "Redshift unloads tables to S3, and MUSIC_ASSETS_STAGING is no address there: set it to "
            "s3://bucket/prefix."
        )
    endpoint, role = settings.aws.s3_endpoint, settings.aws.redshift_iam_role
    base = f"{settings.staging.rstrip('/')}/export/{uuid4().hex}"
    bucket, _, prefix = base.removeprefix("s3://").partition("/")

    def unload_table(connection: Connection, chosen: Chosen, folder: Path) -> None:
        to = f"{chosen.table.fullname}/"
        try:
            files = unload(connection, chosen.columns, f"{base}/{to}", S3Files(endpoint=endpoint), role)
        finally:
            left = S3(bucket, endpoint=endpoint)
            for key in left.names(f"{prefix}/{to}"):
                left.delete(key)
        for number, content in enumerate(files):
            (folder / f"{number:05d}.parquet").write_bytes(content)

    return unload_table


def _name(file: Path) -> str:
    """A file's name without its folder, which is nobody else's business, as text that can be written."""
    return printable(os.fsencode(file.name).decode("utf-8", "replace"))


def _listed(file: Path, tables: str | Path) -> pd.DataFrame:
    """The songs of a list: their ids, and those of their artists and recordings.

    Raises:
        CommandError: no song of the tables is in the list.
    """
    rows = lookup([id_.value for id_ in listed_ids(file)], warehouse=tables, columns=LISTED)
    unknown = list(rows.loc[~rows["found"], "id"])
    if unknown:
        click.echo(f"Of no song in the tables: {counted(len(unknown), 'id')}: {some(unknown)}.", err=True)
    for note in misspelt_words(file):
        click.echo(note, err=True)
    found = rows[rows["found"]].drop_duplicates("track_id")
    if found.empty:
        raise CommandError(f"{file} names no song of the tables: nothing was exported.")
    return found
