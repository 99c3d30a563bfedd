"""From a warehouse's URL to its engine."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.errors import WarehouseError
from music_assets.warehouse.manifest import Files

LOOPBACK = ("localhost", "127.0.0.1", "::1")

# Passwords of URLs that are shown without, in this process alone.
_passwords: dict[str, str] = {}


def without_password(url: str) -> str:
    """The URL as it may be shown and logged; `open_warehouse` puts its password back, in this process."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return url
    if parsed.password is None:
        return url
    bare = URL.create(
        parsed.drivername, parsed.username, None, parsed.host, parsed.port, parsed.database, parsed.query
    )
    shown = bare.render_as_string()
    _passwords[shown] = str(parsed.password)
    return shown


def open_warehouse(
    url: str, published: Path, files: Files | None = None, iam_role: str = "default"
) -> Warehouse:
    """The warehouse at this SQLAlchemy URL; nothing is opened yet.

    `published` is where an engine that needs one keeps the copy for readers, `files` how it reads and writes
    `s3://…`, `iam_role` the role by which Redshift reads there.

    Raises:
        WarehouseError: the URL is none, or of an engine this project does not have.
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

        return DuckDBWarehouse(Path(parsed.database), published, files=files)
    if parsed.get_backend_name() == "redshift":
        if files is None:
            raise WarehouseError("Redshift needs a way to S3, and was opened without.")
        if url in _passwords:
            parsed = parsed.set(password=_passwords[url])
        from music_assets.warehouse.redshift import RedshiftWarehouse
        from music_assets.warehouse.redshift_url import RedshiftUrl

        return RedshiftWarehouse(RedshiftUrl(parsed, is_local=parsed.host in LOOPBACK), files, iam_role)
    raise WarehouseError(
        f"MUSIC_ASSETS_WAREHOUSE names the engine {parsed.drivername!r}; it takes "
        "duckdb:////absolute/path.duckdb or redshift+redshift_connector://…"
    )
