"""What is SQLite's alone: later versions, damage, full disks, what a purge leaves in the file."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from music_assets.sources.ledger import Ledger, LedgerUnusable, open_ledger
from music_assets_tests.sources.ledger.conftest import THEN, response, search


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(open_ledger(tmp_path / "ledger.sqlite", source="sandbox")) as opened:
        yield opened


def pragma(ledger: Ledger, name: str) -> object:
    with ledger.database.connection() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.mark.parametrize(("source", "synchronous"), [("api", 2), ("reccobeats", 2), ("sandbox", 1)])
def test_real_responses_are_synced_to_disk_and_the_sandboxs_are_not(
    tmp_path: Path, source: str, synchronous: int
) -> None:
    with closing(open_ledger(tmp_path / "ledger.sqlite", source=source)) as ledger:
        assert pragma(ledger, "journal_mode") == "wal"
        assert pragma(ledger, "synchronous") == synchronous  # 2: FULL, 1: NORMAL


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    opened = []

    def open_one() -> None:
        with closing(open_ledger(tmp_path / "ledger.sqlite", source="api")) as ledger:
            ledger.record_request("search", THEN)
            opened.append(True)

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8


def test_a_file_that_is_no_ledger_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this was never a database" * 100)
    with pytest.raises(LedgerUnusable, match=r"ledger\.sqlite"):
        open_ledger(path, source="api")
    assert path.read_bytes().startswith(b"this was never")


@pytest.mark.parametrize("version", [1, 99])
def test_a_ledger_of_an_unknown_version_is_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.sqlite"
    open_ledger(path, source="api").close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(LedgerUnusable, match=f"version {version}, and this program reads versions 2 to 4"):
        open_ledger(path, source="api")


def test_a_damaged_response_is_named(ledger: Ledger) -> None:
    ledger.put_many([response("TRA", {"n": 1})])
    with sqlite3.connect(ledger.where) as db:
        db.execute("UPDATE responses SET body = x'00'")
    with pytest.raises(LedgerUnusable, match="backup"):
        ledger.get_many([search("TRA")])


def test_a_full_disk_is_named_and_loses_nothing(ledger: Ledger) -> None:
    ledger.put_many([response("TRA", {"n": 1})])
    pragma(ledger, f"max_page_count = {pragma(ledger, 'page_count')}")
    with pytest.raises(LedgerUnusable, match="full"):
        ledger.put_many([response("TRB", os.urandom(100_000).hex())])
    assert ledger.get_many([search("TRA")]) and ledger.count() == {"search": 1}


def test_a_purge_takes_what_is_old_out_of_the_file(ledger: Ledger) -> None:
    ledger.put_many(
        [
            replace(response("OLDOLDOLD"), query="an old question"),
            response("NEW", fetched_at=THEN + timedelta(days=40)),
        ]
    )
    assert ledger.purge(THEN + timedelta(days=30)) == 1
    assert ledger.count() == {"search": 1}
    on_disk = b"".join(path.read_bytes() for path in Path(ledger.where).parent.glob("ledger.sqlite*"))
    assert b"an old question" not in on_disk and b"OLDOLDOLD" not in on_disk


def test_a_file_that_may_not_be_written_to_is_not_called_damaged(ledger: Ledger) -> None:
    with ledger.database.connection() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(LedgerUnusable, match=r"readonly database\. Allow this user to write to it") as raised:
        ledger.put_many([response("a")])
    assert "damaged" not in str(raised.value) and "disk" not in str(raised.value)


@pytest.mark.parametrize(
    ("writable", "advice"), [(False, "Allow this user to write"), (True, "disk is full")]
)
def test_a_folder_that_may_not_be_written_to_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: bool, advice: str
) -> None:
    """As on a read-only mount, where SQLite cannot open its log beside the file."""
    (tmp_path / "ledger.sqlite").mkdir()
    monkeypatch.setattr(os, "access", lambda *_: writable)
    with pytest.raises(LedgerUnusable, match=f"unable to open database file. .*{advice}"):
        open_ledger(tmp_path / "ledger.sqlite", source="api")


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("whose", ["its file", "its folder"])
def test_somebody_elses_ledger_is_read_and_nothing_is_left_beside_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, whose: str, is_open: bool
) -> None:
    """What SQLite would leave there belongs to this user, and locks out the owner."""
    path = Path(ledger.where)
    ledger.put_many([response("TRA", {"n": 1})])
    if not is_open:
        ledger.close()
    before = sorted(path.parent.iterdir())
    locked = path if whose == "its file" else path.parent
    monkeypatch.setattr(os, "access", lambda of, _: Path(of) != locked)
    with closing(open_ledger(path, source="sandbox", reading=True)) as other:
        assert other.get_many([search("TRA")]) and other.holder() is None
        with pytest.raises(LedgerUnusable, match="readonly database"):
            other.put_many([response("TRB")])
    assert sorted(path.parent.iterdir()) == before
