"""Loading into DuckDB: slices replaced whole, once, and never lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import select, text

from music_assets.warehouse.connect import open_warehouse
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.errors import SandboxRefused, WarehouseError, WarehouseInUse
from music_assets.warehouse.manifest import CopyFrom, Manifest
from music_assets.warehouse.schema import LOADS, PUBLISHED, STAGED
from music_assets_tests.warehouse.rows import row, staged

KIND = "artist_votes"


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "w.duckdb", tmp_path / "published" / "p.duckdb", wait_s=1)


def vote(artist: str, votes: int = 1, **values: Any) -> dict[str, Any]:
    return row(KIND, artist_id=artist, spotify_artist_id="s", votes=votes, source="sandbox", **values)


def load(warehouse: DuckDBWarehouse, *manifests: Manifest, run: str = "run", **options: Any):
    return warehouse.load(CopyFrom(KIND, manifests), run, **options)


def votes(warehouse: DuckDBWarehouse) -> list[tuple[Any, ...]]:
    table = STAGED[KIND]
    with warehouse.transaction("looking") as connection:
        rows = connection.execute(select(table.c.slice, table.c.artist_id, table.c.votes))
        return sorted(tuple(one) for one in rows)


def test_slices_are_loaded_and_noted(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    done = load(
        warehouse,
        staged(tmp_path, KIND, "AA", [vote("a"), vote("b")]),
        staged(tmp_path, KIND, "AB", [vote("a", 5)]),
    )
    assert done.loaded == {"AA": 2, "AB": 1}
    assert votes(warehouse) == [("AA", "a", 1), ("AA", "b", 1), ("AB", "a", 5)]
    with warehouse.transaction("looking") as connection:
        loads = connection.execute(select(LOADS.c.slice, LOADS.c.rows, LOADS.c.run_id)).all()
    assert sorted(tuple(one) for one in loads) == [("AA", 2, "run"), ("AB", 1, "run")]


def test_a_slice_that_is_there_is_not_loaded_again(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    manifest = staged(tmp_path, KIND, "AA", [vote("a")])
    load(warehouse, manifest, run="first")
    Path(manifest.url).unlink()  # it is not even opened
    assert load(warehouse, manifest, run="second").unchanged == {"AA": 1}
    with warehouse.transaction("looking") as connection:
        assert connection.execute(select(LOADS.c.run_id)).scalar_one() == "first"


def test_a_changed_slice_replaces_its_old_rows_alone(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    load(warehouse, staged(tmp_path, KIND, "AA", [vote("a")]), staged(tmp_path, KIND, "AB", [vote("b")]))
    load(warehouse, staged(tmp_path, KIND, "AA", [vote("c", 7)]))
    assert votes(warehouse) == [("AA", "c", 7), ("AB", "b", 1)]


def test_an_empty_file_does_not_empty_a_filled_slice(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    load(warehouse, staged(tmp_path, KIND, "AA", [vote("a")]))
    empty = staged(tmp_path, KIND, "AA", [])
    assert load(warehouse, empty).protected == {"AA": 1}
    assert votes(warehouse) == [("AA", "a", 1)]
    assert load(warehouse, empty, allow_empty=True).loaded == {"AA": 0}
    assert votes(warehouse) == []


def test_a_load_that_fails_leaves_everything_as_it_was(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    load(warehouse, staged(tmp_path, KIND, "AA", [vote("a")]))
    good, bad = staged(tmp_path, KIND, "AA", [vote("c")]), staged(tmp_path, KIND, "AB", [vote("d")])
    Path(bad.url).write_bytes(b"broken")
    with pytest.raises(WarehouseError, match="loading staging.artist_votes"):
        load(warehouse, good, bad)
    assert votes(warehouse) == [("AA", "a", 1)]


def test_a_file_with_other_rows_than_its_manifest_is_not_loaded(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    load(warehouse, staged(tmp_path, KIND, "AA", [vote("a")]))
    short, whole = (
        staged(tmp_path, KIND, "AA", [vote("x")]),
        staged(tmp_path, KIND, "AA", [vote("x"), vote("y")]),
    )
    Path(whole.url).write_bytes(Path(short.url).read_bytes())
    with pytest.raises(WarehouseError, match="slice AA: 1 rows arrived .* manifest says 2"):
        load(warehouse, whole)
    assert votes(warehouse) == [("AA", "a", 1)]


def test_sandbox_rows_are_refused_where_others_read(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    warehouse.is_local = False
    with pytest.raises(SandboxRefused, match="1 rows for staging.artist_votes come from the sandbox"):
        load(warehouse, staged(tmp_path, KIND, "AA", [vote("a")]))
    assert votes(warehouse) == []


def test_filling_replaces_the_whole_table(warehouse: DuckDBWarehouse) -> None:
    table = PUBLISHED["spotify.popularity_history"]
    one = select(text("'track', 'x', DATE '2026-11-22', 50, 'api'"))
    assert warehouse.fill(table, one) == 1
    assert warehouse.fill(table, one) == 1


def test_the_published_copy_is_read_while_the_next_is_written(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    warehouse.publish()
    with duckdb.connect(str(warehouse.published), read_only=True) as reader:
        load(warehouse, staged(tmp_path, KIND, "AA", [vote("a")]))
        warehouse.publish()
        assert reader.execute("SELECT count(*) FROM meta.loads").fetchone() == (0,)
    with duckdb.connect(str(warehouse.published), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM meta.loads").fetchone() == (1,)
        schemas = reader.execute("SELECT DISTINCT table_schema FROM information_schema.tables").fetchall()
        assert ("staging",) not in schemas
    assert [path.name for path in warehouse.published.parent.iterdir()] == ["p.duckdb"]


def test_another_process_that_holds_the_warehouse_is_named(warehouse: DuckDBWarehouse) -> None:
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
        votes(warehouse)
    holder.communicate("\n")
    assert votes(warehouse) == []


def test_a_program_that_reads_the_warehouse_itself_is_waited_for_and_named(
    warehouse: DuckDBWarehouse,
) -> None:
    assert votes(warehouse) == []
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
        votes(warehouse)
    reader.communicate("\n")
    assert votes(warehouse) == []


def test_a_file_that_is_not_duckdb_is_left_alone(warehouse: DuckDBWarehouse) -> None:
    warehouse.path.write_text("my notes")
    with pytest.raises(WarehouseError, match="cannot be opened as a DuckDB file"):
        votes(warehouse)
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
