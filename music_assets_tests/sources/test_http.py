"""Requests keep to a rate, are retried a bounded number of times, and stop when the service says so."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from music_assets.sources.http import BadResponse, HttpClient, HttpPolicy, Unavailable
from music_assets.sources.ledger import Key, Ledger
from music_assets_tests.support.faults import ANSWERS, BROKEN, Raw
from music_assets_tests.support.sandbox import SandboxServer

UNKNOWN = "0" * 22


Make = Callable[..., HttpClient]


@pytest.fixture
def client(server: SandboxServer, ledger: Ledger) -> Iterator[Make]:
    made: list[HttpClient] = []

    def make(outages: dict[str, Unavailable] | None = None, **policy: Any) -> HttpClient:
        given = {"base_url": server.address.reccobeats_url, "requests_per_second": None, "backoff": 0.001}
        pace = HttpPolicy("A service", "service", **{**given, **policy})
        made.append(HttpClient(pace, ledger, outages=outages, clock=server.clock, sleep=server.clock.sleep))
        return made[-1]

    yield make
    for each in made:
        each.close()


def look_up(client: HttpClient) -> Any:
    return client.get("audio-features", ids=UNKNOWN)


def test_a_response_is_its_json_and_each_request_is_recorded(
    client: Make, server: SandboxServer, ledger: Ledger
) -> None:
    opened = client()
    assert look_up(opened) == {"content": []}
    assert opened.requests == 1 and server.sandbox.requests == {"reccobeats": 1}
    assert ledger.request_counts() == {"service": 1}


@pytest.mark.parametrize("broken", [*sorted(BROKEN), "reset"])
def test_what_passes_soon_is_tried_again(client: Make, server: SandboxServer, broken: str) -> None:
    server.other_faults.script.extend([ANSWERS[broken]] * 3)
    opened = client()
    assert look_up(opened) == {"content": []}
    assert opened.requests == 4 and len(server.clock.slept) == 3


def test_a_service_that_falls_silent_is_given_up_after_its_timeout(
    client: Make, server: SandboxServer
) -> None:
    server.other_faults.script.append(ANSWERS["hang"])
    server.other_faults.hang = 3600.0
    opened = client(timeout=0.1)
    assert look_up(opened) == {"content": []} and opened.requests == 2


def test_a_request_that_fails_again_and_again_fails_alone(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.extend([BROKEN["500"]] * 3)
    opened = client(retries=2)
    with pytest.raises(BadResponse, match="A service answered audio-features with 500"):
        look_up(opened)
    assert look_up(opened) == {"content": []}


def test_three_requests_that_fail_in_a_row_mean_the_service_is_down(
    client: Make, server: SandboxServer
) -> None:
    server.other_faults.script.extend([BROKEN["html"]] * 3)
    opened = client(retries=0)
    for error in (BadResponse, BadResponse, Unavailable):
        with pytest.raises(error):
            look_up(opened)
    with pytest.raises(Unavailable, match="requests in a row failed"):
        look_up(opened)
    assert opened.requests == 3
    server.clock.now += 900
    assert look_up(opened) == {"content": []}


def test_a_short_pause_is_waited(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.append(Raw(429, headers={"retry-after": "7"}))
    assert look_up(client()) == {"content": []}
    assert server.clock.slept == [7.0]


def test_after_a_429_requests_come_half_as_often(client: Make, server: SandboxServer) -> None:
    opened = client(requests_per_second=1000.0)
    for slower in (0.001, 0.003):
        server.other_faults.script.append(ANSWERS["wait_0"])
        look_up(opened)
        server.clock.slept.clear()
        look_up(opened)
        assert server.clock.slept == [pytest.approx(slower)]


def test_a_pause_that_only_the_body_names_is_waited(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.append(Raw(429, b'{"message": "Too many requests, retry after 7 seconds."}'))
    look_up(client())
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
    text = "3600" if form == "seconds" else in_an_hour(server)
    server.other_faults.script.append(Raw(status, headers={header: text}))
    opened = client()
    with pytest.raises(Unavailable, match="A service gives no responses for now") as raised:
        look_up(opened)
    assert raised.value.until.timestamp() == server.clock.now + 3600 * hours
    assert server.clock.slept == []
    with pytest.raises(Unavailable):
        look_up(opened)
    assert opened.requests == 1


def test_a_pause_holds_in_the_next_run_too(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.append(ANSWERS["wait_a_day"])
    with pytest.raises(Unavailable):
        look_up(client())
    later = client()
    with pytest.raises(Unavailable, match="asks for a pause"):
        look_up(later)
    assert later.requests == 0
    server.clock.now += 86208
    assert look_up(later) == {"content": []}


@pytest.mark.parametrize("text", ["wait_0", "wait_untold"])
def test_a_limit_that_names_no_time_is_retried_a_bounded_number_of_times(
    client: Make, server: SandboxServer, text: str
) -> None:
    server.other_faults.script.extend([ANSWERS[text]] * 5)
    opened = client(retries=4)
    with pytest.raises(Unavailable):
        look_up(opened)
    assert opened.requests == 5 and len(server.clock.slept) == 4 and all(server.clock.slept)


@pytest.mark.parametrize("text", ["nonsense", "-5", "nan"])
def test_a_retry_after_that_cannot_be_meant_is_none(client: Make, server: SandboxServer, text: str) -> None:
    server.other_faults.script.append(Raw(429, headers={"retry-after": text}))
    assert look_up(client()) == {"content": []}


@pytest.mark.parametrize("text", ["inf", "9" * 20, "1e400", "86400, 60", "86400;86400"])
def test_a_pause_that_is_huge_or_said_twice_is_a_day(client: Make, server: SandboxServer, text: str) -> None:
    server.other_faults.script.append(Raw(429, headers={"retry-after": text}))
    with pytest.raises(Unavailable) as raised:
        look_up(client())
    assert raised.value.until.timestamp() == server.clock.now + 86400


def test_a_service_that_shuts_us_out_is_left_alone_for_an_hour(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.append(Raw(403))
    assert look_up(client(retries=1)) == {"content": []}  # once may be a fault of the moment
    server.other_faults.script.extend([Raw(403)] * 2)
    with pytest.raises(Unavailable, match="without a key") as raised:
        look_up(client(retries=1))
    assert raised.value.until.timestamp() - server.clock.now == pytest.approx(3600, abs=1)


def test_a_404_is_an_outage_and_no_refusal(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.extend([Raw(404)] * 4)
    opened = client(retries=0)
    for error in (BadResponse, BadResponse, Unavailable):
        with pytest.raises(error):
            look_up(opened)


BODIES = {
    "too large": Raw(200, b'"' + b"0" * 9_000_000 + b'"'),
    "a bomb": Raw(200, gzip.compress(b"0" * 50_000_000), {"content-encoding": "gzip"}),
    "deep": Raw(200, b"[" * 10_000 + b"]" * 10_000),
    "a redirect": Raw(302, b"", {"location": "/elsewhere"}),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_out_of_bounds_is_retried_and_named(client: Make, server: SandboxServer, kind: str) -> None:
    server.other_faults.script.append(BODIES[kind])
    assert look_up(client()) == {"content": []}
    server.other_faults.script.append(BODIES[kind])
    opened = client(retries=0)
    with pytest.raises(BadResponse, match="A service answered audio-features with"):
        look_up(opened)
    assert opened.requests == 1


def test_a_byte_order_mark_is_tolerated(client: Make, server: SandboxServer) -> None:
    server.other_faults.script.append(Raw(200, b"\xef\xbb\xbf[1]", {"content-type": "application/json"}))
    assert look_up(client()) == [1]


def test_a_miss_holds_for_ninety_days(client: Make, server: SandboxServer, ledger: Ledger) -> None:
    key, opened = Key("track", "TR", "service"), client()
    ledger.put_many([opened._response(key, "TR", None, found=False)])
    server.clock.now += 89 * 86400
    assert key in opened._known([key])
    server.clock.now += 86400
    assert opened._known([key]) == {}


def test_what_is_refused_is_not_repeated(client: Make, server: SandboxServer) -> None:
    opened = client()
    with pytest.raises(BadResponse, match="refuses audio-features: 400") as raised:
        opened.get("audio-features", ids="")
    assert raised.value.status == 400 and opened.requests == 1


def test_a_service_that_cannot_be_reached_is_named(client: Make) -> None:
    with pytest.raises(Unavailable, match=r"no response from http://127\.0\.0\.1:9/audio-features"):
        look_up(client(base_url="http://127.0.0.1:9/", retries=1))


def test_an_outage_is_not_held_against_the_next_run(client: Make) -> None:
    opened = client(base_url="http://127.0.0.1:9/", retries=0)
    for _ in range(2):
        with pytest.raises(Unavailable):
            look_up(opened)
    assert look_up(client()) == {"content": []}  # the network may have been mended before the next


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9/", "https://127.0.0.1:9/"])
def test_what_never_left_is_no_request(client: Make, ledger: Ledger, base_url: str) -> None:
    opened = client(base_url=base_url, retries=1)
    with pytest.raises(Unavailable):
        look_up(opened)
    assert (opened.requests, ledger.request_counts()) == (0, {})


def test_what_left_and_got_no_response_is_a_request(
    client: Make, server: SandboxServer, ledger: Ledger
) -> None:
    server.other_faults.script.extend([ANSWERS["reset"]] * 2)
    opened = client(retries=1)
    with pytest.raises(Unavailable):
        look_up(opened)
    assert opened.requests == ledger.request_counts()["service"] == 2


def test_a_source_that_is_down_is_so_for_all_runs_of_a_command(client: Make, server: SandboxServer) -> None:
    outages: dict[str, Unavailable] = {}
    with pytest.raises(Unavailable) as first:
        look_up(client(base_url="http://127.0.0.1:9/", retries=0, outages=outages))
    with pytest.raises(Unavailable) as second:
        look_up(client(outages=outages))
    assert str(first.value) == str(second.value)  # one note
    assert server.sandbox.requests == {}


def test_requests_keep_to_the_rate(client: Make) -> None:
    opened = client(requests_per_second=2.0)
    began = time.monotonic()
    for _ in range(3):
        look_up(opened)
    assert time.monotonic() - began > 0.5  # a lower bound: it holds however slow the machine


@pytest.mark.parametrize(
    ("service", "setting"),
    [("ListenBrainz", "MUSIC_ASSETS_SKIP_SOURCES"), ("ReccoBeats", "MUSIC_ASSETS_SKIP_SOURCES")],
)
def test_an_outage_names_the_setting_that_goes_on_without_the_service(service: str, setting: str) -> None:
    until = datetime(2026, 11, 26, 14, 5, tzinfo=UTC)
    asked, down = (Unavailable(service, "it is down", until, by_service=by) for by in (True, False))
    assert f"run again after 2026-11-26 14:05 UTC, or go on without it ({setting})" in str(asked)
    # Nothing keeps the next run from requesting, so no time is named.
    assert f"run again once it responds, or go on without it ({setting})" in str(down)
