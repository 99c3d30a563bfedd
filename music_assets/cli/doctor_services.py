"""The checks of `music-assets doctor` for what a run talks to: ledger, Spotify, staging, warehouse.

Spotify is sent one request at most; the other checks write a small object or table and remove it. The order
of all checks is in `doctor`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

from music_assets.cli.console import counted
from music_assets.cli.findings import NOTE, OK, PROBLEM, Finding, first_line, nearest_folder, write_and_remove
from music_assets.cli.ledger import existing_ledger
from music_assets.errors import MusicAssetsError

if TYPE_CHECKING:
    from music_assets.settings import Settings
    from music_assets.sources.spotify import SpotifySettings

_WAIT_S = 2.0  # for a warehouse that is in use
_AN_ARTIST = "0OdUWJ0sBjDrqHygGUXeCF"  # any would do


def check_services(settings: Settings, environment: Mapping[str, str], *, offline: bool) -> Iterator[Finding]:
    """Check them in turn; `offline` sends Spotify no request."""
    yield _ledger(settings)
    yield _spotify(settings, environment, offline)
    yield _staging(settings)
    yield from _warehouse(settings)


def _ledger(settings: Settings) -> Finding:
    """How many responses are cached."""
    try:
        with existing_ledger(settings) as ledger:
            if ledger is None:
                return Finding("ledger", OK, "empty: no request was sent from this data folder yet")
            responses = counted(sum(ledger.count().values()), "response")
    except MusicAssetsError as error:
        advice = "Restore a backup, or move it away to start with an empty one and request all again."
        return Finding("ledger", PROBLEM, str(error), advice)
    return Finding("ledger", OK, f"{responses} cached in {settings.ledger}")


def _spotify(settings: Settings, environment: Mapping[str, str], offline: bool) -> Finding:
    from music_assets.sources.spotify import SpotifySettings

    if settings.spotify.source == "sandbox":
        advice = "For real values, set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET."
        return Finding("Spotify", NOTE, "the sandbox responds, and every value of it is invented", advice)
    if offline:
        return Finding("Spotify", NOTE, "credentials are set, and were not tried (offline)")
    credentials = environment["SPOTIPY_CLIENT_ID"], environment["SPOTIPY_CLIENT_SECRET"]
    return try_spotify(SpotifySettings(*credentials))


def try_spotify(settings: SpotifySettings) -> Finding:
    """Send one request, to the batch endpoint of artists: it shows credentials, access mode and budget.

    Only apps with extended access have that endpoint; others get status 403.
    """
    from music_assets.sources.ledger import open_ledger
    from music_assets.sources.spotify import AccessDenied, OutOfBudget, SpotifyError
    from music_assets.sources.spotify.client import SpotifyClient

    # With a ledger of its own: the response says something about the app, and is not cached.
    with (
        TemporaryDirectory() as folder,
        closing(open_ledger(Path(folder) / "ledger.sqlite", source=settings.source)) as ledger,
        closing(SpotifyClient(replace(settings, retries=0, longest_wait=0.0), ledger)) as client,
    ):
        try:
            client.get("artists", ids=_AN_ARTIST)
        except AccessDenied:
            message = "the credentials work; the app has development mode (or its owner has no Premium)"
            advice = "Popularity, followers and audio features stay NULL, and searching has a small quota."
            return Finding("Spotify", NOTE, message, advice)
        except OutOfBudget as error:
            return Finding("Spotify", NOTE, "the credentials work, and Spotify asks to wait", str(error))
        except SpotifyError as error:
            return Finding("Spotify", PROBLEM, "it cannot be used", str(error))
    return Finding("Spotify", OK, "the credentials work, and the app has extended access")


def _staging(settings: Settings) -> Finding:
    """Write a small file to the staging area, and remove it."""
    from music_assets.defs.wiring import resources

    url = settings.staging
    try:
        store = resources(settings)["staging"].store()
        if store.is_local:
            write_and_remove(nearest_folder(Path(url)))
        else:
            store.probe(f".music-assets-doctor-{uuid4().hex}")
    except MusicAssetsError as error:
        return Finding("staging", PROBLEM, f"{url} cannot be used", str(error))
    except OSError as error:
        return Finding(
            "staging", PROBLEM, f"{url} cannot be written to: {error}", "Make the folder writable."
        )
    return Finding("staging", OK, f"{url} can be written to")


def _warehouse(settings: Settings) -> Iterator[Finding]:
    """Create a table in the warehouse and drop it; read the readers' copy."""
    from sqlalchemy import Column, Integer, MetaData, Table, make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.schema import CreateTable, DropTable

    from music_assets.defs.wiring import resources

    place = make_url(settings.warehouse).render_as_string(hide_password=True)
    try:
        warehouse = resources(settings)["warehouse"].open()
        warehouse.wait_s = _WAIT_S
        if not warehouse.exists():
            yield Finding("warehouse", OK, f"{place} will be created by the first run")
            return
        probe = Table(f"doctor_{uuid4().hex}", MetaData(), Column("x", Integer), schema="meta")
        with warehouse.transaction("music-assets doctor") as connection:
            connection.execute(CreateTable(probe))
            connection.execute(DropTable(probe))
    except (MusicAssetsError, SQLAlchemyError, OSError) as error:
        yield Finding("warehouse", PROBLEM, f"{place} cannot be used", first_line(error))
        return
    yield Finding("warehouse", OK, f"{place} can be written to")
    if not warehouse.needs_s3:
        yield _published(settings.published)
    elif not settings.staging.startswith("s3://"):
        advice = "Redshift reads staged files from S3 alone: set MUSIC_ASSETS_STAGING=s3://bucket/prefix."
        yield Finding("warehouse", PROBLEM, f"staged files would be in {settings.staging}", advice)


def _published(path: Path) -> Finding:
    from music_assets.lookup import LookupFailed, lookup

    if not path.exists():
        message, advice = f"there is no {path} yet", "A run without failures creates it."
        return Finding("published copy", NOTE, message, advice)
    try:
        lookup([], warehouse=path)
    except LookupFailed as error:
        return Finding("published copy", PROBLEM, str(error), "Run `music-assets run` to rebuild it.")
    return Finding("published copy", OK, f"{path} can be read")
