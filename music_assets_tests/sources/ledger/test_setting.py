"""What `MUSIC_ASSETS_LEDGER` may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from music_assets.sources.ledger import DynamoDBLedger, LedgerUnusable, SqliteLedger, open_ledger
from music_assets_tests.sources.ledger.conftest import THEN


def test_a_path_and_sqlites_url_are_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for setting in (
        tmp_path / "a.sqlite",
        "a.sqlite",
        f"sqlite:///{tmp_path}/a.sqlite",
        "sqlite:///a.sqlite",
    ):
        ledger = open_ledger(setting, source="api")
        assert isinstance(ledger, SqliteLedger)
        ledger.record_request("search", THEN)
        ledger.close()
    assert SqliteLedger(tmp_path / "a.sqlite", source="api").request_counts() == {"search": 4}


def test_a_table_is_named_with_its_region(table: str) -> None:
    ledger = open_ledger(table, source="api")
    assert isinstance(ledger, DynamoDBLedger)
    assert ledger.table.name == table.removeprefix("dynamodb://").partition("?")[0]
    assert ledger.table.client.meta.region_name == "eu-west-1"
    ledger.close()


def test_the_region_may_come_from_the_environment(
    aws: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    ledger = open_ledger("dynamodb://Music.Assets-ledger", source="api")
    assert isinstance(ledger, DynamoDBLedger)
    assert (ledger.table.name, ledger.table.client.meta.region_name) == ("Music.Assets-ledger", "eu-north-1")
    ledger.close()


@pytest.mark.parametrize(
    "setting",
    [
        "postgresql://reader:hunter2@host/db",
        "dynamodb://key:hunter2@table?region=eu-west-1",
        "dynamodb://table?region=eu-west-1&aws_secret_access_key=hunter2",
        "dynamodb://table?region",
        "dynamodb://table/hunter2",
        "dynamodb://",
        "sqlite:///",
        "sqlite://hunter2",
    ],
)
def test_another_setting_is_refused_with_the_forms_there_are_and_not_shown(setting: str) -> None:
    with pytest.raises(LedgerUnusable, match="MUSIC_ASSETS_LEDGER is a file's path") as refused:
        open_ledger(setting, source="api")
    assert "hunter2" not in str(refused.value)
