"""The DuckDB engine's own: its file, its lock, and the copy for readers. Loading is in `test_loading`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from music_assets.tables import PUBLISHED, STAGED
from music_assets.warehouse.connect import give, open_warehouse, with_password
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.errors import WarehouseError, WarehouseInUse
from music_assets_tests.support.staged_rows import Place, row

KIND = "artist_votes"


@pytest.fixture
def warehouse(duckdb_place: Place[DuckDBWarehouse]) -> DuckDBWarehouse:
    return duckdb_place.warehouse


def votes(place: Place[DuckDBWarehouse]) -> list[tuple[object, ...]]:
    return place.rows(STAGED[KIND], "slice", "artist_id")


def test_the_published_copy_is_read_while_the_next_is_written(
    duckdb_place: Place[DuckDBWarehouse],
) -> None:
    warehouse = duckdb_place.warehouse
    warehouse.publish()
    with duckdb.connect(str(warehouse.published), read_only=True) as reader:
        duckdb_place.load(duckdb_place.stage(KIND, "AA", [row(KIND, artist_id="a", spotify_artist_id="s")]))
        warehouse.publish()
        assert reader.execute("SELECT count(*) FROM meta.loads").fetchone() == (0,)
    with duckdb.connect(str(warehouse.published), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM meta.loads").fetchone() == (1,)
        schemas = reader.execute("SELECT DISTINCT table_schema FROM information_schema.tables").fetchall()
        assert ("staging",) not in schemas
        comments = dict(
            reader.execute("SELECT schema_name || '.' || table_name, comment FROM duckdb_tables()").fetchall()
        )
        assert {name: comments[name] for name in PUBLISHED} == {
            name: table.comment for name, table in PUBLISHED.items()
        }
    assert [path.name for path in warehouse.published.parent.iterdir()] == ["p.duckdb"]


def test_another_process_that_holds_the_warehouse_is_named(
    warehouse: DuckDBWarehouse, duckdb_place: Place[DuckDBWarehouse]
) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom pathlib import Path\n"
            "from music_assets.warehouse.duckdb import DuckDBWarehouse\n"
            "with DuckDBWarehouse(Path(sys.argv[1]), Path(sys.argv[2])).transaction('loading a letter'):\n"
            "    print('held', flush=True); sys.stdin.readline()",
            str(warehouse.path),
            str(warehouse.published),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin and holder.stdout
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(WarehouseInUse, match=rf"process {holder.pid} on .* \(loading a letter, since"):
        votes(duckdb_place)
    holder.communicate("\n")
    assert votes(duckdb_place) == []


def test_a_program_that_reads_the_warehouse_itself_is_waited_for_and_named(
    warehouse: DuckDBWarehouse, duckdb_place: Place[DuckDBWarehouse]
) -> None:
    assert votes(duckdb_place) == []
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, duckdb\nheld = duckdb.connect(sys.argv[1], read_only=True)\n"
            "print('open', flush=True); sys.stdin.readline()",
            str(warehouse.path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdin and reader.stdout
    assert reader.stdout.readline() == "open\n"
    with pytest.raises(WarehouseInUse, match="is open in another program: .*" + str(reader.pid)):
        votes(duckdb_place)
    reader.communicate("\n")
    assert votes(duckdb_place) == []


def test_a_file_that_is_not_duckdb_is_left_alone(
    warehouse: DuckDBWarehouse, duckdb_place: Place[DuckDBWarehouse]
) -> None:
    warehouse.path.write_text("my notes")
    with pytest.raises(WarehouseError, match="cannot be opened as a DuckDB file"):
        votes(duckdb_place)
    assert warehouse.path.read_text() == "my notes"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("not a url", "is not a SQLAlchemy URL"),
        ("oracle://db/x", "names the engine 'oracle'"),
        ("duckdb:///:memory:", "in memory"),
    ],
)
def test_a_warehouse_this_cannot_write_to_is_named(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(WarehouseError, match=said):
        open_warehouse(url, tmp_path / "p.duckdb")


def test_a_password_given_in_code_opens_the_warehouse_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dagster's configurations hold the URL without it, so it is not in them."""
    monkeypatch.delenv("MUSIC_ASSETS_WAREHOUSE", raising=False)
    url = "redshift+redshift_connector://reader:hunter2@localhost:5439/dev"
    assert "hunter2" not in give(url)
    assert with_password(give(url)) == url
