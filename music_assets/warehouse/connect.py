"""From a warehouse's URL to its engine."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.errors import WarehouseError
from music_assets.warehouse.manifest import Files

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def without_password(url: str) -> str:
    """The URL as it may be shown and logged."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return url
    parts = (parsed.username, None, parsed.host, parsed.port, parsed.database, parsed.query)
    return url if parsed.password is None else URL.create(parsed.drivername, *parts).render_as_string()


# URLs that were given in code, by what may be shown of them: Dagster's configurations hold no password.
_given: dict[str, str] = {}


def give(url: str) -> str:
    """The URL as it may be shown; this process can open the warehouse with the password that it had."""
    _given[without_password(url)] = url
    return without_password(url)


def with_password(url: str) -> str:
    """A URL as it may be shown, with the password that MUSIC_ASSETS_WAREHOUSE or `give` has for it."""
    configured = os.environ.get("MUSIC_ASSETS_WAREHOUSE", "")
    return configured if without_password(configured) == url else _given.get(url, url)


def open_warehouse(
    url: str, published: Path, files: Files | None = None, iam_role: str = "default"
) -> Warehouse:
    """The warehouse at this SQLAlchemy URL; nothing is opened yet.

    `published` is where an engine that needs one has the copy for readers, `files` how it reads and writes
    `s3://…`, `iam_role` the role by which Redshift reads there.

    Raises:
        WarehouseError: it is not a URL, or of an engine this project does not have.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise WarehouseError(
            "MUSIC_ASSETS_WAREHOUSE is not a SQLAlchemy URL; a DuckDB file is duckdb:////absolute/path.duckdb"
        ) from None
    if parsed.get_backend_name() == "duckdb":
        if parsed.database in (None, "", ":memory:"):
            raise WarehouseError(
                "MUSIC_ASSETS_WAREHOUSE is a DuckDB in memory, which ends with each load: name a file, "
                "duckdb:////absolute/path.duckdb."
            )
        from music_assets.warehouse.duckdb import DuckDBWarehouse

        return DuckDBWarehouse(Path(parsed.database), published, files)
    if parsed.get_backend_name() == "redshift":
        if files is None:
            raise WarehouseError("Redshift needs a way to S3, and was opened without.")
        from music_assets.warehouse.redshift import RedshiftWarehouse
        from music_assets.warehouse.redshift_url import RedshiftUrl

        is_local = parsed.host in LOOPBACK
        return RedshiftWarehouse(RedshiftUrl(parsed), files, iam_role, is_local=is_local)
    raise WarehouseError(
        f"MUSIC_ASSETS_WAREHOUSE names the engine {parsed.drivername!r}; it takes "
        "duckdb:////absolute/path.duckdb or redshift+redshift_connector://…"
    )
