"""What is DynamoDB's alone: leases, batches left undone, refusals named, how the table is made."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from music_assets.sources.ledger import (
    DynamoDBLedger,
    Ledger,
    LedgerInUse,
    LedgerUnusable,
    create_table,
    open_ledger,
    table_of,
)
from music_assets.sources.ledger.table import Table
from music_assets_tests.sources.ledger.conftest import THEN, answer, search


class Clock:
    """A clock that stands still until it is moved; seconds since 1970."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def ledger_at(table: str, clock: Callable[[], float], lease: float = 60.0) -> DynamoDBLedger:
    return DynamoDBLedger(table_of(table), source="api", lease=lease, clock=clock)


def soon(happened: Callable[[], bool]) -> bool:
    """Whether it happens within ten seconds."""
    end = time.monotonic() + 10
    while not happened() and time.monotonic() < end:
        time.sleep(0.01)
    return happened()


def is_lost(spender: Any) -> bool:
    try:
        spender.check()
    except LedgerInUse:
        return True
    return False


# -- the lease


def test_a_lease_that_is_not_renewed_in_time_is_lost_a_little_early(table: str) -> None:
    clock = Clock()
    with ledger_at(table, clock).request_lock() as spender:
        clock.now += 53.9
        spender.check()
        clock.now += 0.2  # a tenth before its end: the next holder's clock may be ahead of this one
        with pytest.raises(LedgerInUse, match="could not be renewed in time"):
            spender.check()
        clock.now -= 10
        with pytest.raises(LedgerInUse):
            spender.check()


def test_a_living_holder_renews_its_lease(table: str) -> None:
    clock = Clock()
    ledger = ledger_at(table, clock, lease=0.3)  # renewed each tenth of a second
    key = "lease#api"
    with ledger.request_lock() as spender:
        for _ in range(4):  # in all, well beyond the lease
            clock.now += 0.2
            assert soon(lambda: float(ledger.table.get([key])[key]["expires"]["N"]) >= clock.now + 0.3)
            assert soon(lambda: not spender._lost and spender._expires >= clock.now + 0.3)  # type: ignore[attr-defined]
            spender.check()
        assert ledger.holder() is not None
        with pytest.raises(LedgerInUse), ledger_at(table, clock).request_lock(wait=0):
            pass


def test_who_lost_the_lease_finds_out_and_leaves_it_to_its_successor(table: str) -> None:
    clock, later = Clock(), Clock(1_800_000_100.0)
    away, successor = ledger_at(table, clock, lease=0.3), ledger_at(table, later)
    with successor_of(away, successor) as (lost, spender):
        assert spender.predecessor is not None and spender.predecessor["run"] == "away"
        assert soon(lambda: is_lost(lost))  # though by its own clock it has time left
    assert successor.holder() is None


@contextmanager
def successor_of(away: DynamoDBLedger, successor: DynamoDBLedger) -> Iterator[tuple[Any, Any]]:
    """A spender whose lease was taken by another, and the other; the first ends first."""
    first = away.request_lock(note={"run": "away"})
    lost = first.__enter__()
    with successor.request_lock(wait=5, note={"run": "next"}) as spender:
        yield lost, spender
        first.__exit__(None, None, None)
        holder = successor.holder()
        assert holder is not None and holder["run"] == "next"
        spender.check()


def test_a_taken_lease_is_ours_even_if_the_answer_was_lost(table: str) -> None:
    """AWS's client repeats a request whose answer did not come; the repeat then fails its condition."""
    ledger = ledger_at(table, Clock())
    update = ledger.table.client.update_item

    def twice(**request: Any) -> Any:
        update(**request)
        return update(**request)

    ledger.table.client.update_item = twice
    with ledger.request_lock(wait=0) as spender:
        spender.check()
        assert spender.predecessor is None


def test_a_lease_that_cannot_be_given_back_ends_by_itself(
    table: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    ledger = ledger_at(table, clock)
    with ledger.request_lock():
        ledger.table.client.update_item = lambda **_: refused(ledger.table, "InternalServerError")
    assert "ends by itself" in caplog.text
    other = ledger_at(table, clock)
    assert other.holder() is not None
    clock.now += 60
    assert other.holder() is None
    with other.request_lock(wait=0):
        pass


# -- batches


def refused(table: Table, code: str) -> Any:
    raise table.client.exceptions.ClientError({"Error": {"Code": code, "Message": "no"}}, "Any")


def leave_undone(table: Table, keep: Callable[[int], int]) -> list[int]:
    """Have DynamoDB do the first `keep(n)` of each batch of n alone, as it does when it is busy."""
    sizes: list[int] = []
    undone: list[Any] = []

    def shorten(params: dict[str, Any], **_: Any) -> None:
        wanted = params["RequestItems"][table.name]
        requests = wanted if isinstance(wanted, list) else wanted["Keys"]
        sizes.append(len(requests))
        # At least one has to be sent; where none is kept, its answer is taken away below.
        undone[:] = requests[keep(len(requests)) :]
        kept = requests[: max(1, keep(len(requests)))]
        if isinstance(wanted, list):
            params["RequestItems"] = {table.name: kept}
        else:
            params["RequestItems"] = {table.name: {**wanted, "Keys": kept}}

    def tell(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if not undone:
            return
        if model.name == "BatchWriteItem":
            parsed["UnprocessedItems"] = {table.name: list(undone)}
        else:
            if len(undone) == sizes[-1]:
                parsed["Responses"] = {}
            parsed["UnprocessedKeys"] = {table.name: {"Keys": list(undone), "ConsistentRead": True}}

    for operation in ("BatchWriteItem", "BatchGetItem"):
        table.client.meta.events.register(f"provide-client-params.dynamodb.{operation}", shorten)
        table.client.meta.events.register(f"after-call.dynamodb.{operation}", tell)
    return sizes


def test_what_a_batch_leaves_undone_is_asked_for_again(table: str) -> None:
    waits: list[float] = []
    named = table_of(table)
    ledger = DynamoDBLedger(Table(named.name, region="eu-west-1", sleep=waits.append), source="api")
    sizes = leave_undone(ledger.table, keep=lambda n: n // 2 if n > 4 else n)
    ledger.put_many(answer(str(i), {"n": i}) for i in range(40))
    assert sizes == [25, 13, 7, 4, 15, 8, 4]
    sizes.clear()
    found = ledger.get_many(search(str(i)) for i in range(40))
    assert [a.body["n"] for a in found.values()] == list(range(40))
    assert sizes == [40, 20, 10, 5, 3]
    assert len(waits) == 9 and max(waits) < 0.1


@pytest.mark.parametrize("write", [True, False])
def test_a_table_that_does_nothing_is_said_to_be_throttled(table: str, write: bool) -> None:
    waits: list[float] = []
    name = table_of(table).name
    ledger = DynamoDBLedger(Table(name, region="eu-west-1", sleep=waits.append), source="api")
    leave_undone(ledger.table, keep=lambda n: 0)
    with pytest.raises(LedgerUnusable, match=f"{name}.*throttled.*MUSIC_ASSETS_LEDGER.*on-demand"):
        ledger.put_many([answer("TRA")]) if write else ledger.get_many([search("TRA")])
    assert len(waits) == 8 and 12 < sum(waits) < 40


# -- refusals


@contextmanager
def refusing(code: str, message: str) -> Iterator[str]:
    """The address of a DynamoDB that refuses everything, in AWS's words."""

    class Refuse(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = f'{{"__type":"com.amazon.coral.service#{code}","message":"{message}"}}'.encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuse) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDeniedException", "Let this process's role use the table"),
        ("ProvisionedThroughputExceededException", "on-demand capacity"),
        ("ThrottlingException", "on-demand capacity"),
        ("UnrecognizedClientException", "Give this process a role"),
        ("ExpiredTokenException", "Give this process a role"),
        ("ValidationException", "made for something else"),
        ("SomethingNewException", "Check the table and the region"),
    ],
)
def test_a_refusal_names_the_table_the_setting_and_what_to_do(
    aws: dict[str, str], monkeypatch: pytest.MonkeyPatch, code: str, advice: str
) -> None:
    with refused_by_aws(aws, monkeypatch, code) as ledger, pytest.raises(LedgerUnusable) as unusable:
        ledger.get_many([search("TRA")])
    for part in (code, "assumed-role/etl", "'answers' in eu-west-1", "MUSIC_ASSETS_LEDGER", advice):
        assert part in str(unusable.value)
    assert aws["AWS_SECRET_ACCESS_KEY"] not in str(unusable.value)


def test_every_method_names_a_refusal(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with refused_by_aws(aws, monkeypatch, "AccessDeniedException") as ledger:
        for use in (
            lambda: ledger.put_many([answer("TRA")]),
            lambda: ledger.count(),
            lambda: ledger.purge(),
            lambda: ledger.record_request("search", THEN),
            lambda: ledger.request_counts(),
            lambda: ledger.set_state("mode", None),
            lambda: ledger.set_state("mode", {}),
            lambda: ledger.get_state("mode"),
            lambda: ledger.request_lock().__enter__(),
            lambda: ledger.holder(),
        ):
            with pytest.raises(LedgerUnusable, match="'answers' in eu-west-1.*AccessDeniedException"):
                use()


@contextmanager
def refused_by_aws(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch, code: str) -> Iterator[Ledger]:
    with refusing(code, "User: arn:aws:sts::1:assumed-role/etl is not authorized.") as address:
        for name, value in {**aws, "AWS_MAX_ATTEMPTS": "1", "AWS_ENDPOINT_URL_DYNAMODB": address}.items():
            monkeypatch.setenv(name, value)
        ledger = open_ledger("dynamodb://answers?region=eu-west-1", source="api")
        yield ledger
        ledger.close()


def test_a_table_there_is_not_is_said_so(table: str) -> None:
    ledger = open_ledger("dynamodb://never-made?region=eu-west-1", source="api")
    with pytest.raises(LedgerUnusable, match=r"'never-made' in eu-west-1.*ResourceNotFound.*Make the table"):
        ledger.get_many([search("TRA")])


def test_no_region_no_credentials_and_no_connection_are_said_so(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LedgerUnusable, match=r"NoRegionError.*dynamodb://table\?region=eu-west-1"):
        open_ledger("dynamodb://ledger", source="api")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    with pytest.raises(LedgerUnusable, match="EndpointConnectionError.*and the network"):
        open_ledger(table, source="api").get_state("mode")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(LedgerUnusable, match="NoCredentialsError.*Give this process a role"):
        open_ledger(table, source="api").get_state("mode")


def test_a_damaged_answer_is_said_to_be(table: str) -> None:
    ledger = DynamoDBLedger(table_of(table), source="api")
    ledger.put_many([answer("TRA", {"n": 1})])
    ledger.table.update("answer#api#search#track#TRA", "SET #body = :body", body=b"\x00")
    with pytest.raises(LedgerUnusable, match="TRA.*damaged"):
        ledger.get_many([search("TRA")])


# -- what is kept


def test_the_parts_of_a_large_body_go_with_a_purge(table: str) -> None:
    ledger = DynamoDBLedger(table_of(table), source="api")
    for _ in range(2):  # the second replaces the first and leaves its parts behind, until the purge
        ledger.put_many([answer("LARGE", os.urandom(500_000).hex())])
    ledger.put_many([answer("SMALL", {"n": 1})])
    ledger.set_state("mode", {"is": "extended"})
    assert ledger.purge() == 2
    left = list(ledger.table.scan("attribute_exists(#key)"))
    assert [item["key"]["S"] for item in left] == ["fact#api#mode"]


def test_names_that_would_tear_a_key_apart_are_refused(table: str) -> None:
    with pytest.raises(ValueError, match="'#' separates"):
        DynamoDBLedger(table_of(table), source="a#b")
    with pytest.raises(ValueError, match="'#' separates"):
        DynamoDBLedger(table_of(table), source="api").put_many([answer("TRA", purpose="a#b")])


def test_the_table_is_as_terraform_makes_it(table: str) -> None:
    made = table_of(table)
    shape = made.client.describe_table(TableName=made.name)["Table"]
    assert shape["KeySchema"] == [{"AttributeName": "key", "KeyType": "HASH"}]
    assert shape["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    (index,) = shape["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["Projection"]) == ("by_age", {"ProjectionType": "KEYS_ONLY"})
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["kind", "moment"]
    with pytest.raises(LedgerUnusable, match="ResourceInUse"):
        create_table(made)
