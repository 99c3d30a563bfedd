"""One request and what may come of it: each kind of answer has a name, and patience has an end."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread
from typing import Any

import pytest

from music_assets.sources.ledger import open_ledger
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
from music_assets_tests.support.faults import BROKEN, CUT, Raw, error
from music_assets_tests.support.sandbox import SandboxServer, running_server

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
    for _ in range(10):
        with pytest.raises((BadResponse, SpotifyUnreachable)) as failure:
            client.get("search", **SEARCH)
        raised.append(failure.type)
    assert raised == [BadResponse] * 9 + [SpotifyUnreachable]


def test_one_answer_among_the_failures_shows_that_spotify_is_up(
    spotify_server: SandboxServer, client: SpotifyClient
) -> None:
    for _ in range(3):
        spotify_server.faults.script.extend([BROKEN["503"]] * 5 * 6)
        for _ in range(6):
            with pytest.raises(BadResponse):
                client.get("search", **SEARCH)
        assert found(client) > 0


def test_nobody_listening_is_unreachable_and_says_where(spotify_server: SandboxServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        where = f"http://127.0.0.1:{taken.getsockname()[1]}"
        settings = {
            **vars(spotify_server.settings),
            "base_url": f"{where}/v1/",
            "token_url": f"{where}/api/token",
        }
        spotify_server.settings = SpotifySettings(**settings)
        with client_of(spotify_server) as client, pytest.raises(SpotifyUnreachable, match=where) as failure:
            client.get("search", **SEARCH)
    assert "refused" in str(failure.value)


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


@pytest.mark.parametrize("seconds", [61, 48925, 86207])
def test_a_long_wait_ends_the_budget_until_then(
    spotify_server: SandboxServer, client: SpotifyClient, seconds: int
) -> None:
    spotify_server.faults.script.append(
        error(429, "API rate limit exceeded", **{"retry-after": str(seconds)})
    )
    began = spotify_server.clock()
    for _ in range(2):
        with pytest.raises(RateLimited) as ended:
            client.get("search", **SEARCH)
        assert ended.value.until == datetime.fromtimestamp(began + seconds, UTC)
    assert client.request_counts["search"] == 1 and spotify_server.clock.slept == []
    spotify_server.clock.now += seconds
    assert found(client) > 0


@pytest.mark.parametrize("text", ["inf", "nan", "1e400", "-5", "soon", "3600, 3600"])
def test_a_retry_after_that_cannot_be_meant_is_taken_for_none(
    spotify_server: SandboxServer, client: SpotifyClient, text: str
) -> None:
    spotify_server.faults.script.append(Raw(429, b"", {"retry-after": text}))
    assert found(client) > 0 and sum(spotify_server.clock.slept) < 1


def test_a_retry_after_may_be_a_date(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    until = datetime.fromtimestamp(spotify_server.clock() + 3600, UTC)
    date = format_datetime(until, usegmt=True)
    spotify_server.faults.script.append(Raw(429, b"", {"retry-after": date}))
    with pytest.raises(RateLimited) as ended:
        client.get("search", **SEARCH)
    assert ended.value.until == until


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
    assert wait == (86400 if says_when else 3600)
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
    """The limiter keeps real time: eleven requests at ten a half minute would take half a minute."""
    with running_server(songs_catalogue, requests_per_30s=10) as server, client_of(server) as client:
        for _ in range(9):
            client.get("search", **SEARCH)

        def ask_two_more() -> None:
            with suppress(SpotifyUnreachable):  # the server is gone when the second may leave
                for _ in range(2):
                    client.get("search", **SEARCH)

        thread = Thread(target=ask_two_more, daemon=True)
        thread.start()
        thread.join(timeout=1)
        assert thread.is_alive() and server.sandbox.requests["search"] <= 10


def test_a_429_does_not_fill_our_own_rate_as_well(songs_catalogue: Path) -> None:
    """Else each would cost the half minute on top of what Spotify asks for."""
    with running_server(songs_catalogue, requests_per_30s=1000) as server, client_of(server) as client:
        server.faults.script.append(Raw(429, b"", {"retry-after": "0"}))
        thread = Thread(target=client.get, args=("search",), kwargs=SEARCH, daemon=True)
        thread.start()
        thread.join(timeout=15)
        assert not thread.is_alive() and client.request_counts["search"] == 2


# -- refusals


def test_what_the_app_may_not_use_is_named(spotify_server: SandboxServer, client: SpotifyClient) -> None:
    with pytest.raises(AccessDenied, match="artists") as denied:
        client.get("artists", ids="0" * 22)
    assert denied.value.feature == "artists" and "Forbidden" in str(denied.value)
    with pytest.raises(AccessDenied) as denied:  # recorded without a message
        client.get("audio-features", ids="0" * 22)
    assert denied.value.feature == "audio-features" and "None" not in str(denied.value)
    assert client.request_counts == {"token": 1, "artist-batches": 1, "audio-features": 1}


def test_a_refused_request_is_not_repeated(client: SpotifyClient) -> None:
    with pytest.raises(BadResponse, match="maximum length") as refused:
        client.get("search", q="x" * 251, type="track")
    assert refused.value.refused and client.request_counts["search"] == 1
    with pytest.raises(BadResponse, match="not found") as refused:
        client.get(f"tracks/{'0' * 22}")
    assert refused.value.refused


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
        "400": {"BadResponse"},
        "401": {"BadCredentials"},
        "403": {"AccessDenied"},
        "404": {"BadResponse"},
        "429": {"RateLimited"},
        "502": {"BadResponse"},
    }


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
