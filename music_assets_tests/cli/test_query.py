"""`music-assets query`: SQL in by argument, file or standard input; tables, CSV, JSON and Parquet out."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from music_assets.cli.main import cli
from music_assets.export.data_files import _FORMATS

ROWS = 100


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A published copy with two tables, one of them with comments."""
    published = tmp_path / "data" / "published" / "music_assets.duckdb"
    published.parent.mkdir(parents=True)
    with duckdb.connect(str(published)) as database:
        database.execute("CREATE SCHEMA analytics; CREATE SCHEMA meta; CREATE TABLE meta.loads (x INTEGER)")
        database.execute(
            "CREATE TABLE analytics.songs AS SELECT n AS track, 'title ' || n AS title, ['a', 'b,c'] AS tags,"
            f""" '{{"in": "words"}}'::JSON AS reasons, NULL AS year FROM range({ROWS}) AS r(n)"""
        )
        database.execute("COMMENT ON TABLE analytics.songs IS 'Every MSD track once: start here.'")
        database.execute(f"COMMENT ON COLUMN analytics.songs.tags IS 'Tags {'of many words ' * 20}in order.'")
    return tmp_path / "data"


def query(data: Path, *options: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["query", "--data", str(data), *options], input=stdin)


def test_sql_comes_as_an_argument_from_a_file_or_from_standard_input(data: Path, tmp_path: Path) -> None:
    sql = "SELECT count(*) AS songs FROM analytics.songs"
    (tmp_path / "q.sql").write_text(f"-- how many\n{sql};\n")
    by_argument = query(data, sql).output
    assert f"{ROWS}" in by_argument
    assert query(data, "--file", str(tmp_path / "q.sql")).output == by_argument
    for options in ((), ("-",), ("--file", "-")):
        assert query(data, *options, stdin=sql).output == by_argument


def test_csv_and_json_have_every_row_and_keep_lists(data: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(query(data, "--csv", "FROM analytics.songs").output)))
    assert len(rows) == ROWS
    assert rows[7] == {
        "track": "7",
        "title": "title 7",
        "tags": '["a","b,c"]',
        "reasons": '{"in": "words"}',
        "year": "",
    }
    rows = json.loads(query(data, "--json", "FROM analytics.songs").output)
    assert len(rows) == ROWS
    assert rows[7] == {
        "track": 7,
        "title": "title 7",
        "tags": ["a", "b,c"],
        "reasons": {"in": "words"},
        "year": None,
    }
    assert json.loads(query(data, "--json", "FROM analytics.songs LIMIT 0").output) == []


def test_csv_is_that_of_an_export(data: Path, tmp_path: Path) -> None:
    """Value by value, of the types that the tables have."""
    sql = """
        SELECT n > 2 AS flag, n AS number, n / 3 AS part, DATE '2011-02-03' + n::INTEGER AS day,
        TIMESTAMP '2026-11-26 10:48:37' + n * INTERVAL 1 HOUR + n * INTERVAL 1 MILLISECOND AS at,
        'a,"b' || chr(10) AS text, NULL AS nothing,
        CASE n WHEN 1 THEN 'nan' WHEN 2 THEN 'inf' ELSE '1e-7' END::DOUBLE AS odd FROM range(4) AS r(n)
    """
    with duckdb.connect() as database:
        database.execute(f"COPY ({sql}) TO '{tmp_path / 'export.csv'}' ({_FORMATS['csv']})")
    exported = list(csv.reader(io.StringIO((tmp_path / "export.csv").read_text(), newline="")))
    assert list(csv.reader(io.StringIO(query(data, "--csv", sql).output, newline=""))) == exported
    assert exported[4][:2] == ["true", "3"]


def test_numbers_and_times_stay_what_they_are_in_json(data: Path) -> None:
    sql = "SELECT 1.5::DECIMAL(4,2) AS d, sum(1) AS s, 'nan'::DOUBLE AS n, DATE '2011-02-03' AS day"
    assert json.loads(query(data, "--json", sql).output) == [
        {"d": 1.5, "s": 1, "n": None, "day": "2011-02-03"}
    ]


def test_parquet_is_written_to_a_file(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "it's.parquet"
    written = query(data, "--parquet", str(file), "FROM analytics.songs")
    assert (written.exit_code, written.stdout, written.stderr) == (0, "", f"100 rows in {file}.\n")
    assert duckdb.read_parquet(str(file)).shape == (ROWS, 5)
    assert query(data, "--parquet", str(file), "SELECT 1").stderr.startswith("1 row in ")


@pytest.mark.parametrize(
    "sql",
    [
        "-- one\nSELECT ';' AS title;",
        "WITH s AS (FROM analytics.songs) FROM s",
        "PIVOT (SELECT 'title' AS name, 1 AS n) ON name USING sum(n)",
        "SUMMARIZE analytics.songs",
        "EXPLAIN FROM analytics.songs",
        "PRAGMA table_info('analytics.songs')",
        "VALUES ('title')",
        "CALL duckdb_settings()",
    ],
)
def test_every_query_of_duckdb_is_one(data: Path, sql: str) -> None:
    shown = query(data, stdin=sql)
    assert shown.exit_code == 0 and shown.stdout, shown.output


@pytest.mark.parametrize("seconds", [0, 0.5])  # before DuckDB is at work, and amid it
def test_ctrl_c_ends_a_long_query_in_a_word(data: Path, seconds: float) -> None:
    sql = "SELECT count(*) AS songs FROM range(1000000000000) AS r(n) WHERE hash(n) = 1"
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "music_assets.cli", "query", "--data", str(data), "--csv", sql],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "songs\n"  # what comes next is the query
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (130, "", "Interrupted.\n")
    finally:
        process.kill()


def test_a_table_shows_its_ends_and_with_all_every_row(data: Path) -> None:
    some, everything = (query(data, *more, "FROM analytics.songs").output for more in ((), ("--all",)))
    assert "title 50 " not in some
    assert "title 50 " in everything


@pytest.mark.parametrize("sql", ["", " \n"])
def test_no_sql_is_no_answer(data: Path, sql: str) -> None:
    for told in (query(data, sql), query(data, stdin=sql)):
        assert told.exit_code == 2 and "There is no SQL to run" in told.output


@pytest.mark.parametrize(("rows", "footer"), [(1, "  1 row  "), (2, "  2 rows "), (11, "  11 rows ")])
def test_the_footer_counts_in_english_and_leaves_values_alone(data: Path, rows: int, footer: str) -> None:
    columns = ", ".join(f"'1 rows, 1 columns' AS column_{n}" for n in range(20))
    shown = query(data, f"SELECT {columns} FROM range({rows})").output.strip("\n").splitlines()
    assert "1 rows" in shown[4] and len(shown[4]) == len(shown[0])
    assert shown[-1].startswith(footer) and "20 columns" in shown[-1]


@pytest.mark.parametrize("statement", ["show tables", "SHOW TABLES;", "Show all tables "])
def test_tables_are_listed_by_their_full_names_with_comments(data: Path, statement: str) -> None:
    shown = query(data, statement).output
    assert "analytics.songs" in shown
    assert "Every MSD track once: start here." in shown
    assert "meta.loads" not in shown


@pytest.mark.parametrize("statement", ["describe analytics.songs", "DESC Analytics.Songs;"])
def test_columns_are_described_by_their_whole_comments(data: Path, statement: str) -> None:
    assert "of many words in order." in query(data, statement).output


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
@pytest.mark.parametrize("statement", ["SHOW TABLES", "DESCRIBE analytics.songs", "FROM five"])
def test_what_is_shown_is_as_wide_as_the_terminal_and_leaves_nothing_out(
    data: Path, statement: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ("title", "artist_name", "match_status", "match_score", "spotify_track_id")
    five = ", ".join(f"repeat('long ', 9) AS {name}" for name in names)
    lines = query(data, statement.replace("FROM five", f"SELECT {five}")).output.splitlines()
    # DuckDB draws nothing narrower than 80 characters.
    assert max(map(len, lines)) <= max(columns, 80 if statement == "FROM five" else 0)
    if statement.startswith("DESCRIBE"):
        assert " ".join(lines).count("words") == 20
    elif statement == "FROM five":
        assert lines[1].count("│") == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--csv", "--parquet", "x", "SELECT 1"], "one form"),
        (["--csv", "--json", "SELECT 1"], "one form"),
        (["--json", "--csv", "SELECT 1"], "one form"),
        (["--file", "-", "SELECT 1"], "one statement"),
        (["SELECT no_such_column FROM analytics.songs"], "no_such_column"),
        (["DROP TABLE analytics.songs"], "read-only"),
        (["SELECT 1; SELECT 2"], "These are 2 statements: give one at a time"),
        (["--csv", "SELECT 1;\n-- and\nFROM analytics.songs; "], "These are 2 statements"),
        (["/* nothing but a comment */"], "There is no SQL to run"),
        (["COPY analytics.songs TO '{out}'"], "not a query, and the tables are read-only"),
        (["EXPORT DATABASE '{out}'"], "--parquet FILE write the rows"),
        (["ATTACH '{out}' AS other"], "not a query"),
    ],
)
def test_what_cannot_be_done_is_one_message(
    data: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = query(data, *(option.replace("{out}", str(tmp_path / "out")) for option in options))
    assert not (tmp_path / "out").exists()
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert message in result.output


def test_a_value_cannot_steer_the_terminal(data: Path) -> None:
    sql = "SELECT chr(27) || ']0;owned' || chr(155) || '2J' || chr(8238) AS title"
    assert not {"\x1b", "\x9b", "\u202e"} & set(query(data, sql).output)
    # A program gets the values as they are.
    assert json.loads(query(data, "--json", sql).output) == [{"title": "\x1b]0;owned\x9b2J\u202e"}]


def test_it_starts_without_dagster_pandas_and_sqlalchemy() -> None:
    code = (
        "import sys, music_assets.cli.query\n"
        "print(*(name for name in ('dagster', 'pandas', 'sqlalchemy', 'boto3') if name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "", found.stdout
