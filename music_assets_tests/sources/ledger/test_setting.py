"""What `MUSIC_ASSETS_LEDGER` may say, and that what it may not say is never shown."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from music_assets.sources.ledger import LedgerUnusable, open_ledger
from music_assets_tests.sources.ledger.conftest import THEN
from music_assets_tests.support.postgres import Postgres


def test_a_path_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.sqlite"
    for setting in (path, str(path), f"sqlite:///{path}", "a.sqlite"):
        with closing(open_ledger(setting, source="api")) as ledger:
            ledger.record_request("search", THEN)
    with closing(open_ledger(path, source="api")) as ledger:
        assert ledger.request_counts() == {"search": 4} and ledger.where == str(path)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2"])
def test_a_url_is_a_database(postgres: Postgres, scheme: str) -> None:
    setting = postgres.new_database().replace("postgresql", scheme, 1)
    for _ in range(2):
        with closing(open_ledger(setting, source="api")) as ledger:
            ledger.record_request("search", THEN)
    with closing(open_ledger(setting, source="api")) as ledger:
        assert ledger.request_counts() == {"search": 2}


@pytest.mark.parametrize(
    "setting",
    [
        "mysql://key:hunter2@server/dagster",
        "postgresql://key:hunter2@server/dagster",
        "postgresql://key@server/dagster?password=hunter2",
        "postgresql://hunter2",
        "postgresql://key@server:hunter2/dagster",
        "sqlite://hunter2",
        "sqlite:///",
    ],
)
def test_other_settings_are_refused_and_not_shown(setting: str) -> None:
    with pytest.raises(LedgerUnusable, match="MUSIC_ASSETS_LEDGER is a file's path") as refused:
        open_ledger(setting, source="api")
    assert "hunter2" not in str(refused.value)


def test_a_ledger_in_dynamodb_is_refused_and_says_what_is_possible() -> None:
    with pytest.raises(LedgerUnusable, match=r"DynamoDB.*b89238b.*PostgreSQL"):
        open_ledger("dynamodb://music-assets-ledger?region=eu-west-1", source="api")
