"""An export of Redshift's tables is that of the same rows in DuckDB. The cluster is the stand-in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from music_assets.cli.main import cli
from music_assets.staging.s3 import S3Files
from music_assets.tables import PUBLISHED
from music_assets.warehouse.connect import open_warehouse
from music_assets_tests.export.conftest import SONGS, rows_of
from music_assets_tests.support.standin import PASSWORD, Standin
from music_assets_tests.warehouse.statements import assert_redshifts


@pytest.fixture
def redshift(standin: Standin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The rows of `published` on the stand-in, and settings that name it."""
    url = standin.new_database()
    warehouse = open_warehouse(url, tmp_path / "none", S3Files(endpoint=standin.s3_endpoint))
    with warehouse.transaction("filling") as connection:
        for name, table in PUBLISHED.items():
            for row in rows_of(name, list(range(SONGS))):
                connection.execute(insert(table), {name: _bound(value) for name, value in row.items()})
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", url)
    monkeypatch.setenv("MUSIC_ASSETS_STAGING", f"s3://{standin.bucket}/{tmp_path.name}")
    monkeypatch.setenv("MUSIC_ASSETS_S3_ENDPOINT", standin.s3_endpoint)
    return url


def test_it_is_the_same_as_of_a_local_warehouse(
    redshift: str, standin: Standin, published: Callable[..., Path], tmp_path: Path
) -> None:
    before = len(standin.statements)
    result = CliRunner().invoke(cli, ["export", "--out", str(tmp_path / "there")])
    assert result.exit_code == 0, result.output
    unloads = [one for one in standin.statements[before:] if one.startswith("UNLOAD")]
    assert len(unloads) == 5 and not re.search("spotify_(?!track_ids)", " ".join(unloads))
    rows = [re.findall(r"UNLOAD \('(.*)'\) TO", one)[0] for one in unloads]
    assert_redshifts(rows)
    left = standin.s3.list_objects_v2(Bucket=standin.bucket, Prefix=f"{tmp_path.name}/export/")
    assert left.get("KeyCount") == 0
    data = str(published().parents[1])
    options = ["export", "--data", data, "--out", str(tmp_path / "here")]
    assert CliRunner(env={"MUSIC_ASSETS_WAREHOUSE": ""}).invoke(cli, options).exit_code == 0
    for path in (tmp_path / "here").glob("*.parquet"):
        assert _rows(path) == _rows(tmp_path / "there" / path.name), path.name


def _bound(value: Any) -> Any:
    """A value as Redshift's driver takes it: lists as their JSON."""
    return json.dumps(value) if isinstance(value, list) else value


def _rows(path: Path) -> tuple[list[str], list[list[Any]]]:
    """Names, types and rows of a file, whose lists are read: engines space their JSON as they like."""
    read = duckdb.read_parquet(str(path))
    rows = [[json.loads(one) if str(one).startswith("[") else one for one in row] for row in read.fetchall()]
    return [f"{name} {type_}" for name, type_ in zip(read.columns, read.types, strict=True)], rows


def test_what_redshift_refuses_is_a_message_and_leaves_nothing(
    redshift: str, standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.faults.conflict("^UNLOAD", message="not authorized to assume IAM Role")
    refused = CliRunner().invoke(cli, ["export", "--out", str(tmp_path / "out")])
    assert refused.exit_code == 2 and "not authorized" in refused.stderr and "PutObject" in refused.stderr
    assert PASSWORD not in refused.output and not list((tmp_path / "out").glob("*"))
    monkeypatch.setenv("MUSIC_ASSETS_STAGING", str(tmp_path))
    local = CliRunner().invoke(cli, ["export", "--out", str(tmp_path / "out")])
    assert local.exit_code == 2 and "MUSIC_ASSETS_STAGING" in local.stderr
