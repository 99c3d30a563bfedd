"""What is PostgreSQL's alone: sessions that end, a server that restarts, a database that is shared."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from music_assets.sources.ledger import LedgerInUse, LedgerUnusable, open_ledger
from music_assets_tests.sources.ledger.conftest import THEN, response, search
from music_assets_tests.support.postgres import Postgres


@pytest.fixture
def setting(postgres: Postgres) -> str:
    return postgres.new_database()


def holds_a_lock(setting: str) -> str:
    name = setting.split("/")[3].split("?")[0]
    return f"datname = '{name}' AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"


def test_a_lock_whose_session_was_terminated_is_lost(postgres: Postgres, setting: str) -> None:
    with closing(open_ledger(setting, source="api")) as ledger:
        with ledger.request_lock(note={"run": "first"}) as lock:
            lock.check()
            postgres.end_sessions(holds_a_lock(setting))
            for _ in range(2):
                with pytest.raises(LedgerInUse, match="lost"):
                    lock.check()
            with ledger.request_lock(wait=1, note={"run": "second"}) as second:
                assert (second.predecessor or {})["run"] == "first"
                second.check()
                with pytest.raises(LedgerInUse):
                    lock.check()
        assert ledger.holder() is None


def test_who_lost_the_lock_leaves_the_note_of_the_next_holder(postgres: Postgres, setting: str) -> None:
    with closing(open_ledger(setting, source="api")) as ledger:
        first = ledger.request_lock()
        first.__enter__()
        postgres.end_sessions(holds_a_lock(setting))
        with ledger.request_lock(wait=1, note={"run": "second"}):
            first.__exit__(None, None, None)
            assert (ledger.holder() or {})["run"] == "second"


def test_a_restarted_server_is_connected_to_again(postgres: Postgres, setting: str) -> None:
    with closing(open_ledger(setting, source="api")) as ledger:
        ledger.put_many([response("TRA", {"n": 1})])
        with pytest.raises(LedgerInUse, match="lost"), ledger.request_lock() as lock:
            postgres.restart()
            assert ledger.get_many([search("TRA")])[search("TRA")].body == {"n": 1}
            ledger.record_request("search", THEN)
            lock.check()
        assert ledger.request_counts() == {"search": 1}
        with ledger.request_lock(wait=1) as lock:
            lock.check()


def test_many_may_open_a_new_database_at_once(setting: str) -> None:
    opened = []

    def open_one() -> None:
        with closing(open_ledger(setting, source="api")) as ledger:
            ledger.record_request("search", THEN)
            opened.append(True)

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8


def test_a_database_of_another_isolation_takes_what_several_write_at_once(
    postgres: Postgres, setting: str
) -> None:
    """As one that is shared with a program that wants REPEATABLE READ."""
    name = setting.split("/")[3].split("?")[0]
    postgres.psql(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read';")
    failed: list[Exception] = []

    def write() -> None:
        try:
            with closing(open_ledger(setting, source="api")) as ledger:
                for number in range(100):
                    ledger.put_many([response("TRA", {"n": number})])
        except LedgerUnusable as error:
            failed.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_it_leaves_the_tables_of_others_in_the_database_alone(postgres: Postgres, setting: str) -> None:
    name = setting.split("/")[3].split("?")[0]
    postgres.psql(f"\\c {name}\nCREATE TABLE state (x int); INSERT INTO state VALUES (7);")
    with closing(open_ledger(setting, source="api")) as ledger:
        ledger.set_state("mode", {"is": "extended"})
        ledger.purge()
    assert "7" in postgres.psql(f"\\c {name}\nSELECT * FROM public.state;")


def test_a_server_that_cannot_be_reached_is_named_without_a_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    with pytest.raises(LedgerUnusable, match="PGPASSWORD") as refused:
        open_ledger("postgresql://someone@127.0.0.1:1/dagster", source="api")
    assert "someone@127.0.0.1:1/dagster" in str(refused.value) and "hunter2" not in str(refused.value)
