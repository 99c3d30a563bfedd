"""Where a DuckDB file may be, which versions read it, and what is left beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from music_assets.settings import Settings
from music_assets.tables import STAGED
from music_assets.warehouse.connect import open_warehouse
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.duckdb_file import first_line
from music_assets.warehouse.errors import WarehouseError
from music_assets_tests.support.staged_rows import Folder, Place, row

KIND = "artist_votes"
ODD_NAMES = [
    "a b",
    "a%20b",
    "what?",
    "a?b=1&c",
    "a#b",
    "it's",
    'a "b"',
    "a;b",
    "ü銀",
    "[ab]*",
    "year=2025",
    "100%",
    "user:secret@host",
]


def vote(artist_id: str = "a") -> dict[str, object]:
    return row(KIND, artist_id=artist_id, spotify_artist_id="s")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_whatever_is_in_a_path_is_a_name(tmp_path: Path, name: str) -> None:
    """By a URL made from the path, as the settings have it, nothing appears anywhere else."""
    data = tmp_path / name / "data"
    settings = Settings.from_environment({}, data=str(data))
    warehouse = open_warehouse(settings.warehouse, settings.published)
    assert isinstance(warehouse, DuckDBWarehouse)
    place = Place(warehouse, Folder(data / "staging"))
    place.load(place.stage(KIND, "AA", [vote()]))
    warehouse.publish()
    warehouse.vacuum()
    assert place.rows(STAGED[KIND], "slice", "artist_id") == [("AA", "a")]
    with duckdb.connect(str(settings.published), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM meta.loads").fetchone() == (1,)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    found = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    assert {path for path in found if not path.startswith("staging/")} == {
        "warehouse.duckdb",
        "warehouse.duckdb.lock",
        "published/music_assets.duckdb",
    }


def test_a_folders_name_gives_no_value(tmp_path: Path) -> None:
    """DuckDB would take `slice=ZZ` for the value of the column `slice`."""
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", tmp_path / "p.duckdb")
    place = Place(warehouse, Folder(tmp_path / "slice=ZZ" / "artist_id=none" / "spotify_artist_id=none"))
    place.load(place.stage(KIND, "AA", [vote()]))
    found = place.rows(STAGED[KIND], "slice", "artist_id", "spotify_artist_id")
    assert found == [("AA", "a", "s")]


def test_a_folders_name_is_no_pattern_for_anothers(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb", tmp_path / "p.duckdb")
    mine = Place(warehouse, Folder(tmp_path / "m[iy]ne?"))
    manifest = mine.stage(KIND, "AA", [vote("mine")])
    shutil.copytree(tmp_path / "m[iy]ne?", tmp_path / "mines")
    mine.load(manifest)
    assert mine.rows(STAGED[KIND], "artist_id") == [("mine",)]


def test_a_log_left_beside_the_published_copy_is_not_the_next_ones(
    duckdb_place: Place[DuckDBWarehouse],
) -> None:
    warehouse = duckdb_place.warehouse
    warehouse.publish()
    leave_a_log(warehouse.published)
    duckdb_place.load(duckdb_place.stage(KIND, "AA", [vote()]))
    warehouse.publish()
    assert beside(warehouse.published) == ["p.duckdb"]
    with duckdb.connect(str(warehouse.published), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM meta.loads").fetchone() == (1,)
        assert reader.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mine'"
        ).fetchone() == (0,)


def leave_a_log(path: Path) -> None:
    """Write to a DuckDB file in a session that is killed."""
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import duckdb, os, sys\nsession = duckdb.connect(sys.argv[1])\n"
            "session.execute('CREATE TABLE mine AS SELECT 1 AS i; DROP TABLE msd.songs')\n"
            "os._exit(0)",
            str(path),
        ],
        check=True,
    )
    assert path.with_name(f"{path.name}.wal").exists()


def beside(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


@pytest.mark.parametrize("damage", [b"", b"not a database", None])
def test_a_published_copy_that_is_broken_is_replaced(
    duckdb_place: Place[DuckDBWarehouse], damage: bytes | None
) -> None:
    warehouse = duckdb_place.warehouse
    warehouse.publish()
    if damage is None:
        os.truncate(warehouse.published, 20_000)
    else:
        warehouse.published.write_bytes(damage)
    warehouse.publish()
    with duckdb.connect(str(warehouse.published), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM meta.loads").fetchone() == (0,)


def test_what_a_killed_publish_left_goes_with_the_next(duckdb_place: Place[DuckDBWarehouse]) -> None:
    warehouse = duckdb_place.warehouse
    warehouse.published.parent.mkdir()
    for name in (".p.duckdb.4711", ".p.duckdb.4711.wal"):
        (warehouse.published.parent / name).write_bytes(b"half")
    (warehouse.published.parent / "notes.txt").write_text("mine")
    warehouse.publish()
    assert beside(warehouse.published) == ["notes.txt", "p.duckdb"]


def test_a_copy_that_cannot_be_written_leaves_the_one_in_use(duckdb_place: Place[DuckDBWarehouse]) -> None:
    """As on a full disk: of the files of this process none grows beyond a limit."""
    warehouse = duckdb_place.warehouse
    warehouse.publish()
    before = warehouse.published.read_bytes()
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from music_assets.warehouse.duckdb import DuckDBWarehouse\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
        "DuckDBWarehouse(Path(sys.argv[1]), Path(sys.argv[2])).publish()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(warehouse.path), str(warehouse.published)],
        capture_output=True,
        text=True,
    )
    assert ended.returncode and WarehouseError.__name__ in ended.stderr.splitlines()[-1]
    assert warehouse.published.read_bytes() == before
    assert beside(warehouse.published) == ["p.duckdb"]


def test_an_error_is_named_with_the_cause_that_duckdb_adds() -> None:
    """Seen when a disk was full; after other causes comes the statement."""
    full = OSError(
        "IO Error: Detached database 'published', but CHECKPOINT during DETACH failed. \n"
        'Checkpoint failed for database "published". Original error: Could not write file "/x": '
        "No space left on device"
    )
    assert first_line(full) == (
        "IO Error: Detached database 'published', but CHECKPOINT during DETACH failed. "
        'Could not write file "/x": No space left on device'
    )
    assert first_line(OSError("Catalog Error: no table\n\nLINE 1: SELECT")) == "Catalog Error: no table"
    assert first_line(OSError()) == "OSError()" and first_line(None) == "None"


@pytest.mark.slow
@pytest.mark.parametrize("release", ["1.0", "1.1", "1.4"])
def test_older_releases_of_duckdb_read_both_files(
    duckdb_place: Place[DuckDBWarehouse], tmp_path: Path, release: str
) -> None:
    duckdb_place.load(duckdb_place.stage(KIND, "AA", [vote()]))
    duckdb_place.warehouse.publish()
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin" / "pip"), "install", "--quiet", f"duckdb=={release}.*"]
    installed = subprocess.run(install, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"duckdb {release} cannot be installed: {installed.stderr.strip().splitlines()[-1]}")
    query = (
        "SELECT comment, (SELECT count(*) FROM meta.loads) FROM duckdb_tables() WHERE table_name = 'loads'"
    )
    for path in (duckdb_place.warehouse.path, duckdb_place.warehouse.published):
        code = (
            "import duckdb, sys\nfile = duckdb.connect(sys.argv[1], read_only=True)\n"
            "print(file.execute(sys.argv[2]).fetchall())"
        )
        read = subprocess.run(
            [str(folder / "bin" / "python"), "-c", code, str(path), query], capture_output=True, text=True
        )
        assert "1)]" in read.stdout, read.stderr
