"""Ledgers to test, each empty: SQLite in a folder of its own, DynamoDB as moto plays it over a socket."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from music_assets.sources.ledger import (
    DynamoDBLedger,
    Key,
    Ledger,
    Response,
    SqliteLedger,
    create_table,
    open_ledger,
    table_of,
)

THEN = datetime(2026, 11, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def answer(
    id_: str,
    body: Any = None,
    fetched_at: datetime = THEN,
    *,
    status: str = "answered",
    purpose: str = "search",
) -> Response:
    return Response(Key("track", id_, purpose), status, "track:'x'", fetched_at, "development", body)


def search(id_: str) -> Key:
    return Key("track", id_, "search")


@dataclass
class Place:
    """Where ledgers of one kind are kept: the same one, however often it is opened."""

    setting: str
    _open: ExitStack = field(default_factory=ExitStack)

    def open(self, source: str = "sandbox") -> Ledger:
        return self._open.enter_context(closing(open_ledger(self.setting, source=source)))

    def open_later(self, source: str, clock: Callable[[], float]) -> Ledger:
        """The ledger as a process sees it whose clock says something else."""
        if not self.setting.startswith("dynamodb:"):
            return self.open(source)
        ledger = DynamoDBLedger(table_of(self.setting), source=source, clock=clock)
        return self._open.enter_context(closing(ledger))


@pytest.fixture(scope="session")
def aws() -> Iterator[dict[str, str]]:
    """The environment in which AWS's libraries find moto."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "a-secret-to-look-for",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    }
    server.stop()


@pytest.fixture
def table(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The setting that names an empty table."""
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    setting = f"dynamodb://ledger-{uuid.uuid4().hex}?region=eu-west-1"
    create_table(table_of(setting))
    return setting


@pytest.fixture(params=["sqlite", "dynamodb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    sqlite = request.param == "sqlite"
    kept = Place(str(tmp_path / "ledger.sqlite") if sqlite else request.getfixturevalue("table"))
    with kept._open:
        yield kept


@pytest.fixture
def ledger(place: Place) -> Ledger:
    """An empty ledger, of either kind."""
    return place.open()


@pytest.fixture
def sqlite_ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(tmp_path / "ledger.sqlite", source="sandbox")) as kept:
        yield kept
