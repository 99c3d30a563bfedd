"""One request and what may come of it: each kind of answer has a name, and patience has an end."""

from __future__ import annotations

import gzip
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sources import bounded
from music_assets.sources.bounded import parse_wait
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.spotify import (
    AccessDenied,
    BadCredentials,
    BadResponse,
    OutOfBudget,
    QuotaExhausted,
    RateLimited,
    SpotifyError,
    SpotifySettings,
    SpotifyUnreachable,
)
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.sources.spotify.errors import AccessPaused, ParameterRefused
from music_assets.sources.spotify.session import Window
from music_assets_tests.support.faults import BROKEN, CUT, Raw, error
from music_assets_tests.support.sandbox import Clock, SandboxServer, running_server

SEARCH: dict[str, Any] = {"q": "artist:'Marble Foxes'", "type": "track", "limit": 10}


@contextmanager
def client_of(server: SandboxServer) -> Iterator[SpotifyClient]:
    with TemporaryDirectory() as folder:
        ledger = open_ledger(Path(folder) / "ledger.sqlite", source="sandbox")
        client = SpotifyClient(server.settings, ledger, clock=server.clock, sleep=server.clock.sleep)
        try:
            yield client
        finally:
            client.close()
            ledger.close()


@pytest.fixture
def client(spotify_server: SandboxServer) -> Iterator[SpotifyClient]:
    with client_of(spotify_server) as opened:
        yield opened


def found(client: SpotifyClient) -> int:
    return len(client.get("search", **SEARCH)["tracks"]["items"])


def test_an_answer_is_the_json_object(client: SpotifyClient) -> None:
    answer = client.get("search", **SEARCH)
    assert answer["tracks"]["items"][0]["artists"][0]["name"].endswith("Marble Foxes")
    assert client.request_counts == {"token": 1, "search": 1}


@pytest.mark.parametrize("broken", sorted(BROKEN))
def test_a_failure_that_passes_is_tried_again(
    spotify_server: SandboxServer, client: SpotifyClient, broken: str
) -> None:
    spotify_server.faults.script.extend([BROKEN[broken]] * 2)
    assert found(client) > 0
    assert client.request_counts["search"] == 3 and len(spotify_server.clock.slept) == 2


@pytest.mark.parametrize("broken", sorted(BROKEN))
def test_a_failure_that_stays_is_a_bad_response_to_this_request_alone(
    spotify_server: SandboxServer, client: SpotifyClient, broken: str
) -> None:
    spotify_server.faults.script.extend([BROKEN[broken]] * 5)
    with pytest.raises(BadResponse):
        client.get("search", **SEARCH)
    assert client.request_counts["search"] == 5
    assert found(client) > 0


def test_each_further_try_waits_longer(spotify_server: SandboxServer) -> None:
    spotify_server.settings = SpotifySettings(**{**vars(spotify_server.settings), "backoff": 1.0})
    spotify_server.faults.script.extend([BROKEN["502"]] * 4)
    with client_of(spotify_server) as client:
        assert found(client) > 0
    slept = spotify_server.clock.slept
    assert [0.5 * 2**i <= wait <= 1.5 * 2**i for i, wait in enumerate(slept)] == [True] * 4


def test_when_everything_fails_spotify_is_down(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    spotify_server.faults.broken_rate, spotify_server.faults.broken = 1.0, ("503",)
    raised = []
    for _ in range(5):
        with pytest.raises((BadResponse, SpotifyUnreachable)) as failure:
            client.get("search", **SEARCH)
        raised.append(failure.type)
    assert raised == [BadResponse] * 4 + [SpotifyUnreachable]


def test_while_spotify_is_down_nothing_more_is_sent(
    spotify_server: SandboxServer, client: SpotifyClient
) -> None:
    """Each partition of a run would else wait for it again."""
    spotify_server.faults.broken_rate, spotify_server.faults.broken = 1.0, ("503",)
    for _ in range(5):
        with pytest.raises((BadResponse, SpotifyUnreachable)):
            client.get("search", **SEARCH)
    spotify_server.faults.broken_rate = 0.0
    sent = client.request_counts
    with pytest.raises(SpotifyUnreachable) as outage:
        client.get("search", **SEARCH)
    assert client.request_counts == sent
    spotify_server.clock.now = outage.value.until.timestamp() + 1
    assert found(client) > 0


def test_one_answer_among_the_failures_shows_that_spotify_is_up(
    spotify_server: SandboxServer, client: SpotifyClient
) -> None:
    for _ in range(3):
        spotify_server.faults.script.extend([BROKEN["503"]] * 5 * 4)
        for _ in range(4):
            with pytest.raises(BadResponse):
                client.get("search", **SEARCH)
        assert found(client) > 0


@pytest.mark.parametrize("only", [["base_url", "token_url"], ["base_url"], ["token_url"]])
def test_nobody_listening_is_unreachable_says_where_and_spends_nothing(
    spotify_server: SandboxServer, only: list[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        where = f"http://127.0.0.1:{taken.getsockname()[1]}"
        closed = {"base_url": f"{where}/v1/", "token_url": f"{where}/api/token"}
        settings = {**vars(spotify_server.settings), **{name: closed[name] for name in only}}
        # Fewer than the tries of one request: what was not sent leaves the limit as it is.
        spotify_server.settings = SpotifySettings(**{**settings, "requests_per_day": 2})
        with client_of(spotify_server) as client:
            for _ in range(2):
                with pytest.raises(SpotifyUnreachable, match="refused") as failure:
                    client.get("search", **SEARCH)
            assert client.budget.left("search") == 2 and "search" not in client.request_counts
            assert client.budget._ledger.request_counts() == {}
    assert where in str(failure.value) or "base_url" not in only


def test_the_sandbox_is_reached_past_any_proxy(
    spotify_server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with client_of(spotify_server) as client:
        assert found(client) > 0


def test_silence_is_a_bad_answer_in_time(songs_catalogue: Path) -> None:
    with running_server(songs_catalogue, timeout=0.05, retries=1) as server, client_of(server) as client:
        assert found(client) > 0
        server.faults.latency = 0.4
        with pytest.raises(BadResponse, match="did not finish"):
            client.get("search", **SEARCH)
        assert client.request_counts["search"] == 3  # what got no answer was sent all the same


# -- limits


@pytest.mark.parametrize("headers", [{"retry-after": "7"}, {"retry-after": "0"}, {}])
def test_a_short_wait_is_waited(
    spotify_server: SandboxServer, client: SpotifyClient, headers: dict[str, str]
) -> None:
    spotify_server.faults.script.append(Raw(429, b"", headers))
    assert found(client) > 0
    waited = sum(spotify_server.clock.slept)
    assert waited == pytest.approx(7, abs=0.01) if headers.get("retry-after") == "7" else 0 < waited < 1


@pytest.mark.parametrize(
    ("seconds", "more"), [(61, 0), (1799, 0), (1800, 1800), (48925, 1800), (86207, 1800)]
)
def test_a_long_wait_ends_the_budget_until_half_an_hour_later(
    spotify_server: SandboxServer, client: SpotifyClient, seconds: int, more: int
) -> None:
    spotify_server.faults.script.append(
        error(429, "API rate limit exceeded", **{"retry-after": str(seconds)})
    )
    began = spotify_server.clock()
    for _ in range(2):
        with pytest.raises(RateLimited) as ended:
            client.get("search", **SEARCH)
        assert ended.value.until == datetime.fromtimestamp(began + seconds + more, UTC)
    assert client.request_counts["search"] == 1 and spotify_server.clock.slept == []
    spotify_server.clock.now += seconds + more
    assert found(client) > 0


@pytest.mark.parametrize("text", ["nan", "-5", "soon", "", "1_0"])
def test_a_retry_after_that_cannot_be_meant_is_taken_for_none(
    spotify_server: SandboxServer, client: SpotifyClient, text: str
) -> None:
    spotify_server.faults.script.append(Raw(429, b"", {"retry-after": text}))
    assert found(client) > 0 and sum(spotify_server.clock.slept) < 1


def test_a_retry_after_may_be_a_date(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    until = datetime.fromtimestamp(spotify_server.clock() + 600, UTC)
    date = format_datetime(until, usegmt=True)
    spotify_server.faults.script.append(Raw(429, b"", {"retry-after": date}))
    with pytest.raises(RateLimited) as ended:
        client.get("search", **SEARCH)
    assert ended.value.until == until


@pytest.mark.parametrize(
    "text", ["inf", "1e400", "9" * 20, "Infinity", "3600, 86400", "86400;86400", "86400 s"]
)
def test_a_retry_after_that_is_huge_or_said_twice_is_a_day(
    spotify_server: SandboxServer, client: SpotifyClient, text: str
) -> None:
    spotify_server.faults.script.append(Raw(429, b"", {"retry-after": text}))
    with pytest.raises(RateLimited) as ended:
        client.get("search", **SEARCH)
    assert ended.value.until.timestamp() == spotify_server.clock() + 86400 + 1800


@given(
    st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40) | st.datetimes().map(str)
)
def test_no_retry_after_is_too_odd(text: str) -> None:
    wait = parse_wait({"Retry-After": text}, 1_800_000_000.0)
    assert wait is None or 0 <= wait <= 7 * 86400


def test_a_limit_that_never_ends_does(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    spotify_server.faults.script.extend([Raw(429, b"", {"retry-after": "0"})] * 5)
    with pytest.raises(RateLimited) as ended:
        client.get("search", **SEARCH)
    assert ended.value.until >= datetime.fromtimestamp(spotify_server.clock() + 29, UTC)
    assert client.request_counts["search"] == 5


def test_the_rate_of_the_server_is_respected(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    spotify_server.faults.rate_per_30s = 5
    for _ in range(12):
        assert found(client) > 0
    assert 30 <= sum(spotify_server.clock.slept) <= 70
    assert client.request_counts["search"] == 14  # two were to wait


@pytest.mark.parametrize("says_when", [True, False])
def test_a_used_up_quota_ends_the_budget(
    spotify_server: SandboxServer, client: SpotifyClient, says_when: bool
) -> None:
    spotify_server.faults.quota_per_day, spotify_server.faults.quota_says_when = 2, says_when
    assert found(client) + found(client) > 0
    with pytest.raises(QuotaExhausted) as ended:
        client.get("search", **SEARCH)
    wait = (ended.value.until - datetime.fromtimestamp(spotify_server.clock(), UTC)).total_seconds()
    assert wait == (86400 + 1800 if says_when else 3600)
    assert "quota" in str(ended.value) and f"{ended.value.until:%H:%M}" in str(ended.value)


def test_the_end_of_one_budget_leaves_the_others(
    spotify_server: SandboxServer, client: SpotifyClient
) -> None:
    """Spotify counts in buckets of its own; a closed search says nothing of single tracks."""
    id_ = client.get("search", **SEARCH)["tracks"]["items"][0]["id"]
    spotify_server.faults.script.append(Raw(429, b"", {"retry-after": "80000"}))
    with pytest.raises(OutOfBudget):
        client.get("search", **SEARCH)
    assert client.get(f"tracks/{id_}")["id"] == id_


def test_our_own_rate_holds_requests_back(songs_catalogue: Path) -> None:
    with running_server(songs_catalogue, requests_per_30s=4) as server, client_of(server) as client:
        server.faults.rate_per_30s = 4
        for _ in range(5):
            client.get("search", **SEARCH)
        assert 30 <= sum(server.clock.slept) <= 33
        assert client.response_counts == {"answered": 5}


def test_a_request_counts_until_half_a_minute_after_its_response() -> None:
    """Spotify counts it when it arrives, which may be long after it was sent."""
    clock = Clock()
    window = Window(2, clock, clock.sleep)
    with window.place(), window.place():
        clock.sleep(12)
    with suppress(ZeroDivisionError), window.place():
        raise ZeroDivisionError  # one that failed may have arrived
    with window.place():
        pass
    with window.place():
        pass
    assert clock.slept == pytest.approx([12, 30, 30], abs=0.2)


def test_a_429_does_not_fill_our_own_rate_as_well(songs_catalogue: Path) -> None:
    """Else each would cost the half minute on top of what Spotify asks for."""
    with running_server(songs_catalogue, requests_per_30s=1000) as server, client_of(server) as client:
        server.faults.script.append(Raw(429, b"", {"retry-after": "0"}))
        thread = Thread(target=client.get, args=("search",), kwargs=SEARCH, daemon=True)
        thread.start()
        thread.join(timeout=25)
        assert not thread.is_alive() and client.request_counts["search"] == 2


# -- refusals


def test_what_the_app_may_not_use_is_named(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    with pytest.raises(AccessDenied, match="artists") as denied:
        client.get("artists", ids="0" * 22)
    assert "use artists (403: Forbidden)" in str(denied.value)
    with pytest.raises(AccessDenied) as denied:  # recorded without a message
        client.get("audio-features", ids="0" * 22)
    assert "use audio-features (403)" in str(denied.value)
    assert client.request_counts == {"token": 1, "artist-batches": 1, "audio-features": 1}


def test_a_refused_request_is_not_repeated(client: SpotifyClient) -> None:
    with pytest.raises(BadResponse, match="maximum length") as refused:
        client.get("search", q="x" * 251, type="track")
    assert refused.value.status == 400 and client.request_counts["search"] == 1
    with pytest.raises(BadResponse, match="not found") as refused:
        client.get(f"tracks/{'0' * 22}")
    assert refused.value.status == 404


def test_every_recorded_error_has_a_name_or_passes(spotify_server: SandboxServer, shared: Path) -> None:
    """Each error that Spotify or its users wrote down, answered to a search, five times over."""
    named: dict[str, set[str]] = {}
    for recorded in json.loads((shared / "spotify/errors.json").read_text()):
        spotify_server.reset()
        body = recorded.get("body", "")
        text = Raw(
            recorded["status"], json.dumps(body).encode() if body else b"", recorded.get("headers", {})
        )
        spotify_server.faults.script.extend([text] * 5)
        name = "answer"
        try:
            with client_of(spotify_server) as client:
                client.get("search", **SEARCH)
        except SpotifyError as failure:
            name = type(failure).__name__
        named.setdefault(str(recorded["status"]), set()).add(name)
    assert named == {
        "200": {"answer"},  # a body that is JSON, and no search's
        "400": {"ParameterRefused"},
        "401": {"BadCredentials"},
        "403": {"AccessPaused"},
        "404": {"BadResponse"},
        "429": {"RateLimited"},
        "502": {"BadResponse"},
    }


PREMIUM = (
    b"Active premium subscription required for the owner of the app. When the subscription status changes, "
    b"it can take a few hours before requests are allowed again."
)
REFUSALS = {"a text": Raw(403, PREMIUM), "an object": error(403, "Forbidden"), "nothing": Raw(403)}


@pytest.mark.parametrize(
    "path", ["search", f"tracks/{'a' * 22}", f"albums/{'a' * 22}", f"artists/{'a' * 22}/albums"]
)
@pytest.mark.parametrize("body", REFUSALS)
def test_a_403_that_passes_is_retried_and_one_that_stays_is_a_pause_of_an_hour(
    spotify_server: SandboxServer, client: SpotifyClient, path: str, body: str
) -> None:
    spotify_server.faults.script.append(REFUSALS[body])
    assert found(client) > 0
    spotify_server.faults.script.extend([REFUSALS[body]] * 5)
    began = spotify_server.clock()
    with pytest.raises(AccessPaused) as paused:
        client.get(path, **(SEARCH if path == "search" else {}))
    assert 3600 - 60 < paused.value.until.timestamp() - began <= 3600 + 60
    assert ("Spotify Premium" in str(paused.value)) == (body == "a text")
    sent = dict(client.request_counts)
    with pytest.raises(AccessPaused, match="403"):
        client.get(path)
    assert client.request_counts == sent
    spotify_server.clock.now += 3661
    assert found(client) > 0


def test_a_pause_for_a_403_is_remembered_with_its_reason(
    spotify_server: SandboxServer, ledger: Ledger
) -> None:
    spotify_server.faults.script.extend([Raw(403, PREMIUM)] * 5)
    for _ in range(2):
        client = SpotifyClient(
            spotify_server.settings, ledger, clock=spotify_server.clock, sleep=lambda _: None
        )
        with pytest.raises(AccessPaused, match="Active premium subscription"):
            client.get("search", **SEARCH)
        client.close()
    assert ledger.request_counts() == {"search": 5}


def test_a_batch_refused_for_premium_says_nothing_of_batches(
    spotify_server: SandboxServer, client: SpotifyClient
) -> None:
    spotify_server.faults.script.extend([Raw(403, PREMIUM)] * 5)
    with pytest.raises(AccessPaused):
        client.get("tracks", ids="0" * 22)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"artists/{'a' * 22}/albums", "Invalid limit"),
        (f"artists/{'a' * 22}/albums", None),
        ("search", "Invalid limit"),
        ("search", "Bad search type field track"),
        ("search", "Invalid market code"),
        (f"albums/{'a' * 22}", "Invalid country code"),
        ("tracks", "Too many ids requested"),
    ],
)
def test_a_400_for_a_parameter_is_named_and_is_no_matter_of_this_request(
    spotify_server: SandboxServer, client: SpotifyClient, path: str, message: str | None
) -> None:
    spotify_server.faults.script.append(error(400, message) if message else Raw(400))
    with pytest.raises(ParameterRefused, match=r"limit=50.*400") as refused:
        client.get(path, limit=50, q="x", market="DE")
    assert (message or "no message") in str(refused.value) and "market=DE" in str(refused.value)


@pytest.mark.parametrize("reason", ["QUOTA_EXCEEDED", "quota_exceeded", "Quota-Exceeded"])
def test_a_used_up_quota_is_known_in_any_spelling(
    spotify_server: SandboxServer, client: SpotifyClient, reason: str
) -> None:
    spotify_server.faults.script.append(error(429, "Too many requests", reason))
    with pytest.raises(QuotaExhausted):
        client.get("search", **SEARCH)
    spotify_server.clock.now += 3601
    spotify_server.faults.script.append(Raw(429, json.dumps({"error": reason}).encode()))
    with pytest.raises(QuotaExhausted):
        client.get("search", **SEARCH)


def test_a_search_that_answers_404_is_an_outage(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    spotify_server.faults.script.extend([error(404, "Not found.")] * 4)
    assert found(client) > 0
    spotify_server.faults.script.extend([error(404, "Not found.")] * 25)
    for _ in range(4):
        with pytest.raises(BadResponse, match="404"):
            client.get("search", **SEARCH)
    with pytest.raises(SpotifyUnreachable, match="5 requests in a row failed"):
        client.get("search", **SEARCH)


def test_what_fails_is_counted_by_kind_of_request(
    spotify_server: SandboxServer, client: SpotifyClient
) -> None:
    """Else albums that are answered between the searches would hide that no search is."""
    for _ in range(4):
        spotify_server.faults.script.extend([error(404, "Not found.")] * 5)
        with pytest.raises(BadResponse):
            client.get("search", **SEARCH)
        with pytest.raises(BadResponse, match="not found"):
            client.get(f"albums/{'0' * 22}")
    spotify_server.faults.script.extend([error(404, "Not found.")] * 5)
    with pytest.raises(SpotifyUnreachable):
        client.get("search", **SEARCH)
    assert client.response_counts == {"status 404": 29}


# -- bodies


def gzipped(size: int) -> bytes:
    return gzip.compress(b"0" * size)


BODIES = {
    "too large": (Raw(200, b'{"x": "' + b"0" * 9_000_000 + b'"}'), "more than 8,000,000 bytes"),
    "a bomb": (Raw(200, gzipped(50_000_000), {"content-encoding": "gzip"}), "more than 8,000,000 bytes"),
    "a bomb in a bomb": (
        Raw(200, gzip.compress(gzipped(50_000_000)), {"content-encoding": "gzip, gzip"}),
        "encoding",
    ),
    "no gzip": (Raw(200, b"{}", {"content-encoding": "gzip"}), "damaged"),
    "half a gzip": (Raw(200, gzipped(10_000)[:-9], {"content-encoding": "gzip"}), "breaks off"),
    "deep": (Raw(200, b"[" * 10_000 + b"]" * 10_000), "not a JSON object|nested too deep|not JSON"),
    "a deep object": (Raw(200, b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "nested too deep"),
    "deep, yet not for Python": (Raw(200, b'{"a":' * 500 + b"1" + b"}" * 500), "nested too deep"),
    "a redirect": (Raw(302, b"", {"location": "/v1/search"}), "a redirect to /v1/search"),
    "a list": (Raw(200, b"[1, 2]"), "not a JSON object"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_out_of_bounds_is_no_answer(
    spotify_server: SandboxServer, client: SpotifyClient, kind: str
) -> None:
    raw, reason = BODIES[kind]
    spotify_server.faults.script.append(raw)
    assert found(client) > 0  # it was one of many
    spotify_server.faults.script.extend([raw] * 5)
    with pytest.raises(BadResponse, match=reason) as failure:
        client.get("search", **SEARCH)
    assert failure.value.status == 200 and client.response_counts == {"answered": 1, "no answer": 6}


@pytest.mark.parametrize("kind", ["too large", "deep", "half a gzip"])
def test_the_body_of_an_error_changes_nothing_of_what_it_means(
    spotify_server: SandboxServer, client: SpotifyClient, kind: str
) -> None:
    raw = BODIES[kind][0]
    spotify_server.faults.script.append(Raw(429, raw.body, {**raw.headers, "retry-after": "600"}))
    with pytest.raises(RateLimited):
        client.get("search", **SEARCH)


def test_a_byte_order_mark_and_long_numbers_are_tolerated(
    spotify_server: SandboxServer, client: SpotifyClient
) -> None:
    body = b'\xef\xbb\xbf{"n": ' + b"9" * 400 + b"}"
    for headers in ({}, {"content-type": "application/json; charset=utf-8"}):
        spotify_server.faults.script.append(Raw(200, body, headers))
        assert client.get("search", **SEARCH) == {"n": 10**400 - 1}


HEADER = b"h"


@pytest.mark.parametrize("chunk", [b"0", b"\x1f\x8b\x08", HEADER])
def test_a_response_that_never_ends_is_given_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, chunk: bytes
) -> None:
    """By its time in all: each byte comes within the timeout."""
    monkeypatch.setattr(bounded, "MAX_SECONDS", 0.3)
    with dripping(chunk) as url:
        settings = SpotifySettings("x", "y", base_url=f"{url}/v1/", token_url=f"{url}/token", retries=0)
        client = SpotifyClient(settings, ledger)
        with pytest.raises(BadResponse, match="takes more than|ReadTimeout"):
            client.get("search", **SEARCH)
        client.close()


@contextmanager
def dripping(chunk: bytes, token: bytes = b'{"access_token": "t", "expires_in": 3600}') -> Iterator[str]:
    """A server that gives a token, and then a byte now and then, of a body or of the headers."""
    stopped = Event()

    class Drips(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(token)))
            self.end_headers()
            self.wfile.write(token)

        def do_GET(self) -> None:
            self.send_response(200)
            if chunk not in (b"0", HEADER):
                self.send_header("content-encoding", "gzip")
            (self.flush_headers if chunk == HEADER else self.end_headers)()
            with suppress(OSError):
                while not stopped.wait(0.02):
                    self.wfile.write(chunk)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Drips)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()


def test_the_token_goes_to_no_other_host(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    with dripping(b"0") as other:
        spotify_server.faults.script.extend([Raw(302, b"", {"location": f"{other}/v1/search"})] * 5)
        with pytest.raises(BadResponse, match="a redirect to"):
            client.get("search", **SEARCH)
    assert client.request_counts["search"] == 5  # each of them counted


TOKENS = [b"[1]", b"{}", b'{"access_token": null, "expires_in": 5}', b"[" * 10_000]
TOKENS += [b'{"access_token": "a b", "expires_in": 5}', b'{"access_token": "a", "expires_in": "soon"}']


@pytest.mark.parametrize("body", TOKENS)
def test_what_is_no_token_is_retried_and_named(ledger: Ledger, body: bytes) -> None:
    with dripping(b"0", token=body) as url:
        settings = SpotifySettings("x", "y", base_url=f"{url}/v1/", token_url=f"{url}/token", retries=0)
        client = SpotifyClient(settings, ledger)
        with pytest.raises(BadResponse, match="not a token|not JSON"):
            client.get("search", **SEARCH)
        client.close()


# -- the token


def test_an_expired_token_is_renewed_once(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    assert found(client) > 0
    spotify_server.sandbox.revoke_tokens()
    assert found(client) > 0
    assert client.request_counts == {"token": 2, "search": 3}


def test_new_tokens_that_are_refused_again_and_again_are_the_credentials_fault(
    spotify_server: SandboxServer, client: SpotifyClient
) -> None:
    spotify_server.faults.script.extend([error(401, "The access token expired")] * 2)
    assert found(client) > 0  # withdrawn on the road, by whomever
    spotify_server.faults.script.extend([error(401, "The access token expired")] * 5)
    with pytest.raises(BadCredentials, match="just issued"):
        client.get("search", **SEARCH)


def test_eight_threads_share_one_token(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    together = Barrier(8)

    def ask() -> None:
        together.wait()
        client.get("search", **SEARCH)

    for round_ in (1, 2):
        threads = [Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.request_counts["token"] == round_
        spotify_server.sandbox.revoke_tokens()


def test_wrong_credentials_are_named(spotify_server: SandboxServer) -> None:
    spotify_server.settings = SpotifySettings(**{**vars(spotify_server.settings), "client_secret": "hunter2"})
    with (
        client_of(spotify_server) as client,
        pytest.raises(BadCredentials, match="Invalid client") as refused,
    ):
        client.get("search", **SEARCH)
    assert "SPOTIPY_CLIENT_SECRET" in str(refused.value) and "hunter2" not in str(refused.value)


def test_no_token_is_requested_before_the_first_request(spotify_server: SandboxServer) -> None:
    with client_of(spotify_server):
        assert spotify_server.sandbox.requests == {}


# -- secrets


def test_nothing_secret_is_ever_logged_or_shown(
    spotify_server: SandboxServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    from base64 import b64encode

    caplog.set_level(logging.DEBUG)
    for name in ("spotipy.client", "spotipy.oauth2", "urllib3", "requests", "requests_ratelimiter"):
        caplog.set_level(logging.DEBUG, logger=name)
    settings = {**vars(spotify_server.settings), "requests_per_30s": 1000}
    spotify_server.settings = SpotifySettings(**settings)
    earlier = set(spotify_server.sandbox.tokens)
    errors: list[str] = []
    with client_of(spotify_server) as client:
        client.get("search", **SEARCH)
        spotify_server.faults.script.extend(
            [error(401, "The access token expired"), CUT, BROKEN["string_error"]]
        )
        client.get("search", **SEARCH)
        for path in ("artists", "tracks/!"):
            with pytest.raises((AccessDenied, BadResponse)) as failure:
                client.get(path, ids="x")
            errors.append(f"{failure.value!r} {failure.getrepr(showlocals=False)}")
    tokens = set(spotify_server.sandbox.tokens) - earlier
    server = spotify_server.settings
    basic = b64encode(f"{server.client_id}:{server.client_secret}".encode()).decode()
    shown = "\n".join([caplog.text, *capfd.readouterr(), repr(server), *errors])
    assert len(tokens) == 2 and "Sending GET" in caplog.text and "POST /api/token" in caplog.text
    for secret in (*tokens, server.client_secret, basic):
        assert secret not in shown
