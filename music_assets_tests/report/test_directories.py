"""The comparison of the MSD's directories that Dagster's UI shows."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, text

from music_assets.ids import PARTITION_KEYS
from music_assets.report.directories import Directory, by_letter, read_directories
from music_assets.tables import PUBLISHED

HEAD = 2


def lines(*directories: Directory) -> list[str]:
    return by_letter(directories).splitlines()[HEAD:]


def test_the_ends_of_a_letter_are_named() -> None:
    assert lines(
        Directory("BC", 2, 2, 2),
        Directory("AB", 9, 8, 4),
        Directory("BA", 40, 20, 19),
        Directory("BD", 4, 4, 0),
    ) == [
        "| A | 1 | 9 | 9 (AB) | 9 (AB) | 50.0% | 50.0% (AB) |",
        "| B | 3 | 46 | 2 (BC) | 40 (BA) | 80.8% | 0.0% (BD) |",
    ]


def test_a_rate_is_of_songs_with_a_response() -> None:
    assert lines(Directory("AA", 3, 0, 0)) == ["| A | 1 | 3 | 3 (AA) | 3 (AA) |"]
    waiting_and_done = lines(Directory("AA", 3, 0, 0), Directory("AB", 3, 2, 1))
    assert waiting_and_done == ["| A | 2 | 6 | 3 (AA) | 3 (AA) | 50.0% | 50.0% (AB) |"]


def test_all_directories_are_a_small_table_and_none_is_an_empty_one() -> None:
    table = by_letter(Directory(key, 1479, 1400, 1234) for key in PARTITION_KEYS)
    assert len(table.splitlines()) == HEAD + 26
    assert len(table) < 3000
    assert lines() == []


def test_directories_are_read_from_the_songs(tmp_path: Path) -> None:
    songs = [("AA", "matched"), ("AA", "pending"), ("AA", "error"), ("AA", "ambiguous"), ("ZZ", "rejected")]
    with create_engine("duckdb://").begin() as connection:
        connection.execute(text("CREATE SCHEMA analytics"))
        PUBLISHED["analytics.songs"].create(connection)
        for number, (key, status) in enumerate(songs):
            row = {"track_id": f"TR{key}ABC{number:011}", "match_status": status}
            connection.execute(PUBLISHED["analytics.songs"].insert(), row)
        assert read_directories(connection) == [Directory("AA", 4, 2, 1), Directory("ZZ", 1, 1, 0)]
