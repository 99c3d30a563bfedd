"""Requests keep to a rate, are retried a bounded number of times, and stop when the service says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from music_assets.sources.http import BadResponse, HttpClient, HttpPolicy, Unavailable
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets_tests.support.faults import ANSWERS, BROKEN, Raw
from music_assets_tests.support.sandbox import SandboxServer, catalogue, running_server, songs_frame

UNKNOWN = "0" * 22


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("http"), songs_frame(5))


@pytest.fixture(scope="module")
def _listening(path: Path) -> Iterator[SandboxServer]:
    with running_server(path) as server:
        yield server


@pytest.fixture
def server(_listening: SandboxServer) -> SandboxServer:
    return _listening.reset()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    kept = open_ledger(tmp_path / "ledger.sqlite", source="sandbox")
    yield kept
    kept.close()


Make = Callable[..., HttpClient]


@pytest.fixture
def client(server: SandboxServer, ledger: Ledger) -> Iterator[Make]:
    made: list[HttpClient] = []

    def make(**policy: Any) -> HttpClient:
        given = {"base_url": server.address.reccobeats_url, "requests_per_second": None, "backoff": 0.001}
        asks = HttpPolicy("A service", "service", **{**given, **policy})
        made.append(HttpClient(asks, ledger, clock=server.clock, sleep=server.clock.sleep))
        return made[-1]

    yield make
    for each in made:
        each.close()


def ask(client: HttpClient) -> Any:
    return client.get("audio-features", ids=UNKNOWN)


def test_an_answer_is_its_json_and_each_request_is_noted(
    client: Make, server: SandboxServer, ledger: Ledger
) -> None:
    asking = client()
    assert ask(asking) == {"content": []}
    assert asking.requests == 1 and server.sandbox.requests == {"reccobeats": 1}
    assert ledger.request_counts() == {"service": 1}


@pytest.mark.parametrize("broken", [*sorted(BROKEN), "reset"])
def test_what_passes_soon_is_tried_again(client: Make, server: SandboxServer, broken: str) -> None:
    server.other_faults.script.extend([ANSWERS[broken]] * 3)
    asking = client()
    assert ask(asking) == {"content": []}
    assert asking.requests == 4 and len(server.clock.slept) == 3


def test_a_service_that_falls_silent_is_given_up_after_its_timeout(
    client: Make, server: SandboxServer
) -> None:
    server.other_faults.script.append(ANSWERS["hang"])
    server.other_faults.hang = 3600.0
    asking = client(timeout=0.1)
    assert ask(asking) == {"content": []} and asking.requests == 2


def test_a_question_that_fails_again_and_again_fails_alone(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.extend([BROKEN["500"]] * 3)
    asking = client(retries=2)
    with pytest.raises(BadResponse, match="A service answered audio-features with 500"):
        ask(asking)
    assert ask(asking) == {"content": []}


def test_three_questions_that_fail_in_a_row_mean_the_service_is_down(
    client: Make, server: SandboxServer
) -> None:
    server.other_faults.script.extend([BROKEN["html"]] * 3)
    asking = client(retries=0)
    for error in (BadResponse, BadResponse, Unavailable):
        with pytest.raises(error):
            ask(asking)
    with pytest.raises(Unavailable, match="requests in a row failed"):
        ask(asking)
    assert asking.requests == 3
    server.clock.now += 900
    assert ask(asking) == {"content": []}


def test_a_short_pause_is_waited(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.append(Raw(429, headers={"retry-after": "7"}))
    assert ask(client()) == {"content": []}
    assert server.clock.slept == [7.0]


def in_an_hour(server: SandboxServer) -> str:
    return format_datetime(datetime.fromtimestamp(server.clock.now, UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("status", "header", "hours"),
    [(429, "retry-after", 1), (503, "retry-after", 1), (429, "x-ratelimit-reset-in", 1)],
)
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_long_pause_ends_the_work_without_sleeping(
    client: Make, server: SandboxServer, status: int, header: str, hours: int, form: str
) -> None:
    told = "3600" if form == "seconds" else in_an_hour(server)
    server.other_faults.script.append(Raw(status, headers={header: told}))
    asking = client()
    with pytest.raises(Unavailable, match="A service gives no responses for now") as raised:
        ask(asking)
    assert raised.value.until.timestamp() == server.clock.now + 3600 * hours
    assert server.clock.slept == []
    with pytest.raises(Unavailable):
        ask(asking)
    assert asking.requests == 1


def test_a_pause_is_heeded_by_the_next_run_too(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.append(ANSWERS["wait_a_day"])
    with pytest.raises(Unavailable):
        ask(client())
    later = client()
    with pytest.raises(Unavailable, match="asks for a pause"):
        ask(later)
    assert later.requests == 0
    server.clock.now += 86208
    assert ask(later) == {"content": []}


@pytest.mark.parametrize("told", ["wait_0", "wait_untold"])
def test_a_limit_that_names_no_time_is_asked_again_a_bounded_number_of_times(
    client: Make, server: SandboxServer, told: str
) -> None:
    server.other_faults.script.extend([ANSWERS[told]] * 5)
    asking = client(retries=4)
    with pytest.raises(Unavailable):
        ask(asking)
    assert asking.requests == 5 and len(server.clock.slept) == 4 and all(server.clock.slept)


@pytest.mark.parametrize("told", ["nonsense", "-5", "nan", "1e400"])
def test_a_retry_after_that_cannot_be_meant_is_none(client: Make, server: SandboxServer, told: str) -> None:
    server.other_faults.script.append(Raw(429, headers={"retry-after": told}))
    assert ask(client()) == {"content": []}


def test_a_service_that_shuts_us_out_is_left_alone_for_a_day(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.append(Raw(403))
    with pytest.raises(Unavailable, match="without a key") as raised:
        ask(client())
    assert raised.value.until.timestamp() == server.clock.now + 86400


def test_what_is_refused_is_not_asked_twice(client: Make, server: SandboxServer) -> None:
    asking = client()
    with pytest.raises(BadResponse, match="refuses audio-features: 400") as raised:
        asking.get("audio-features", ids="")
    assert raised.value.refused and asking.requests == 1


def test_nobody_there_is_said_to_be(client: Make) -> None:
    with pytest.raises(Unavailable, match=r"no response from http://127\.0\.0\.1:9/audio-features"):
        ask(client(base_url="http://127.0.0.1:9/", retries=1))


def test_an_outage_is_not_held_against_the_next_run(client: Make) -> None:
    asking = client(base_url="http://127.0.0.1:9/", retries=0)
    for _ in range(2):
        with pytest.raises(Unavailable):
            ask(asking)
    assert asking.requests == 1  # this run leaves it alone
    assert ask(client()) == {"content": []}  # the network may have been mended before the next


def test_requests_keep_to_the_rate(client: Make) -> None:
    asking = client(requests_per_second=2.0)
    began = time.monotonic()
    for _ in range(3):
        ask(asking)
    assert time.monotonic() - began > 0.5  # a lower bound: it holds however slow the machine
