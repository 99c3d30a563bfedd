"""A warehouse of each engine, and where its staged files lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from music_assets.staging.s3 import S3Files
from music_assets.tables import METADATA
from music_assets.warehouse.connect import open_warehouse
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.redshift import RedshiftWarehouse
from music_assets_tests.support.staged_rows import Folder, OnS3, Place
from music_assets_tests.support.standin import Standin


@pytest.fixture
def duckdb_place(tmp_path: Path) -> Place[DuckDBWarehouse]:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", tmp_path / "published" / "p.duckdb")
    warehouse.wait_s = 1
    return Place(warehouse, Folder(tmp_path))


@pytest.fixture(scope="session")
def with_tables(running_standin_: Standin, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database on the stand-in that has our tables: making them takes a while."""
    url = running_standin_.new_database()
    files = S3Files(endpoint=running_standin_.s3_endpoint)
    with open_warehouse(url, tmp_path_factory.mktemp("none"), files).transaction("making tables"):
        return url


@pytest.fixture
def redshift_place(standin: Standin, with_tables: str, tmp_path: Path) -> Place[RedshiftWarehouse]:
    """On the stand-in, with empty tables."""
    empty(standin, with_tables)
    return on_standin(standin, with_tables, tmp_path)


@pytest.fixture
def own_redshift_place(standin: Standin, with_tables: str, tmp_path: Path) -> Place[RedshiftWarehouse]:
    """The same in a database of its own, for tests that change the tables themselves."""
    empty(standin, with_tables)
    return on_standin(standin, standin.new_database(like=str(make_url(with_tables).database)), tmp_path)


def empty(standin: Standin, url: str) -> None:
    """Take out what an earlier test left in the tables."""
    standin.as_postgres(f"\\c {make_url(url).database}\nTRUNCATE {', '.join(METADATA.tables)};")


def on_standin(standin: Standin, url: str, tmp_path: Path) -> Place[RedshiftWarehouse]:
    warehouse = open_warehouse(url, tmp_path / "none", S3Files(endpoint=standin.s3_endpoint))
    assert isinstance(warehouse, RedshiftWarehouse)
    warehouse.pause = 0.01
    return Place(warehouse, OnS3(standin, f"s3://{standin.bucket}/{tmp_path.name}"))


@pytest.fixture(params=["duckdb", "redshift"])
def place(request: pytest.FixtureRequest) -> Place[Any]:
    """One after the other: what is true of one engine is true of the other."""
    found: Place[Any] = request.getfixturevalue(f"{request.param}_place")
    return found
