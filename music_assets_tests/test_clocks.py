"""The clock jumps: no wait without end, no request beyond a limit, no day left out.

An hour back, a day forward and back, a year ahead; a machine that slept is one whose clock went forward.
Time zones, and the nights the clocks change, are in `defs/automation/test_day`.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from music_assets.definitions import build_defs
from music_assets.defs.automation.day import day_of
from music_assets.defs.automation.facts import Loads, to_fill, to_resolve_first
from music_assets.defs.automation.sensors import _attempts, _refresh_due
from music_assets.defs.instance import dagster_instance
from music_assets.defs.stages import Plan
from music_assets.settings import Settings
from music_assets.sources.http import HttpClient, HttpPolicy, Unavailable, make_session, recorded_pause
from music_assets.sources.ledger import Ledger
from music_assets.sources.spotify.budget import Budget
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.sources.spotify.errors import AccessPaused, QuotaExhausted, RateLimited
from music_assets.staging.store import StagingStore
from music_assets_tests.support.clock import MovedClock, moved
from music_assets_tests.support.daemon import Daemon
from music_assets_tests.support.faults import Raw
from music_assets_tests.support.sandbox import SandboxServer
from music_assets_tests.support.webhook import listening

HOUR, DAY, YEAR = 3600.0, 86_400.0, 365 * 86_400.0
NOW = 1_800_000_000.0
PERIOD = 1.5  # seconds
AHEAD = pytest.mark.parametrize(
    ("ahead", "holds"), [(0.0, True), (HOUR / 2, True), (DAY, False), (YEAR, False)]
)


class Clock:
    """A wall clock that is put forward and back."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def budget(ledger: Ledger, clock: Clock) -> Budget:
    """As a process has it that has just started."""
    return Budget(ledger, app="one", per_day=5, clock=clock)


def spend(budget: Budget) -> int:
    """All that may be requested now; how much that was."""
    count = 0
    while budget.over("search") is None:
        budget.take("search")
        count += 1
    return count


@pytest.mark.parametrize("jump", [-HOUR, -DAY, DAY, YEAR])
def test_a_pause_between_requests_is_as_long_as_was_asked_for(
    server: SandboxServer, ledger: Ledger, jump: float
) -> None:
    """With the clock put back in between, a thread would wait as much longer."""
    clock = Clock()
    client = SpotifyClient(server.settings, ledger, clock=clock)
    server.faults.script.append(Raw(429, b"", {"retry-after": "0"}))
    hold = client._hold_all

    def jump_after(state: object) -> None:
        hold(state)  # type: ignore[arg-type]
        clock.now += jump

    client._retrying = client._retrying.copy(before_sleep=jump_after)
    asking = Thread(target=client.get, args=("search",), kwargs={"q": "a", "type": "track"}, daemon=True)
    asking.start()
    asking.join(timeout=30)
    assert not asking.is_alive() and clock.now == NOW + jump
    client.close()


@pytest.mark.parametrize("jump", [-HOUR, DAY])
def test_the_rate_is_the_same(server: SandboxServer, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    session = make_session(server.address.base_url, [(2, PERIOD)])
    sent: list[float] = []

    def send() -> None:
        session.get(server.address.base_url)
        sent.append(time.monotonic())

    began = time.monotonic()
    send()
    send()
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() + jump)
    third = Thread(target=send, daemon=True)
    third.start()
    third.join(timeout=30)
    assert len(sent) == 3 and sent[2] - began >= PERIOD


@pytest.mark.parametrize("new_process", [True, False])
def test_a_clock_put_back_frees_nothing_of_the_days_limit(ledger: Ledger, new_process: bool) -> None:
    clock = Clock()
    one = budget(ledger, clock)
    assert spend(one) == 5
    for jump in (-HOUR, DAY + 2 * HOUR, -DAY):  # the second frees what was spent; the third is right again
        clock.now += jump
        one = budget(ledger, clock) if new_process else one
        assert spend(one) == (5 if jump > 0 else 0)


def test_a_clock_that_was_far_ahead_closes_the_budget_for_a_day_at_most(ledger: Ledger) -> None:
    clock = Clock()
    clock.now += YEAR
    assert spend(budget(ledger, clock)) == 5
    clock.now = NOW
    one = budget(ledger, clock)
    spend(one)
    clock.now += DAY + 60
    assert one.left("search") == budget(ledger, clock).left("search") == 5


@AHEAD
@pytest.mark.parametrize("why", [RateLimited, QuotaExhausted, AccessPaused])
def test_a_pause_recorded_by_a_clock_far_ahead_is_not_waited_for(
    ledger: Ledger, why: type[RateLimited], ahead: float, holds: bool
) -> None:
    clock = Clock()
    clock.now += ahead
    until = datetime.fromtimestamp(clock.now + HOUR, UTC)
    budget(ledger, clock).pause("search", why(until, "no") if why is AccessPaused else why(until))  # type: ignore[call-arg]
    clock.now = NOW
    assert (budget(ledger, clock).over("search") is not None) == holds
    clock.now = NOW + 2 * HOUR
    assert budget(ledger, clock).over("search") is None


@AHEAD
def test_a_keyless_sources_pause_is_not_either(
    server: SandboxServer, ledger: Ledger, ahead: float, holds: bool
) -> None:
    clock = Clock()
    where = server.address.base_url
    policy = HttpPolicy(service="A service", kind="labs", base_url=where, requests_per_second=None)
    server.faults.script.append(Raw(429, b"", {"retry-after": str(int(HOUR))}))
    clock.now += ahead
    with HttpClient(policy, ledger, clock=clock) as client, pytest.raises(Unavailable):
        client.get("search")
    clock.now = NOW
    pause = recorded_pause(policy, ledger, datetime.fromtimestamp(clock.now, UTC))
    assert (pause is not None) == holds


def test_a_day_goes_on_after_the_clock_was_ahead(tmp_path: Path) -> None:
    """The sensor looked tomorrow, as it took it: it looks again, and tells of today's tables when due."""
    due = day_of(datetime.now(UTC), "03:00", "UTC").due
    with listening() as listener, dagster_instance(tmp_path / "dagster") as instance:
        told = {"timezone": "UTC", "alert_webhook": listener.url}
        daemon = Daemon(Settings.from_environment({}, data=str(tmp_path), **told), instance)
        for moment in (due + timedelta(hours=20), due - timedelta(minutes=1), due + timedelta(minutes=1)):
            with moved(MovedClock(moment)):
                daemon.tick("keep_going")
            looked = datetime.fromisoformat(json.loads(daemon.cursors["keep_going"] or "")["looked"])
            assert timedelta() <= looked - moment < timedelta(minutes=1)
    assert len([body for _, _, body in listener.got if "due at 07:00" in body["text"]]) == 1


def test_what_ends_after_a_run_that_ended_ahead_is_noticed(tmp_path: Path) -> None:
    """As where runs are on a machine whose clock was ahead of the daemon's."""
    with dagster_instance(tmp_path / "dagster") as instance:
        daemon = Daemon(Settings.from_environment({}, data=str(tmp_path)), instance)
        looked, ended = (datetime.now(UTC) + passed for passed in (timedelta(0), timedelta(days=1)))
        daemon.cursors["keep_going"] = json.dumps({"looked": f"{looked}", "ended": f"{ended}"})
        fail(instance, "extract")
        daemon.tick("keep_going")
    assert daemon.said == ["All that is there is matched, loaded and published."]


def fail(instance: DagsterInstance, job: str) -> None:
    """A run of a job that fails as soon as it began."""
    failed = instance.create_run_for_job(build_defs().resolve_job_def(job), status=DagsterRunStatus.STARTED)
    instance.report_run_failed(failed)


@pytest.mark.parametrize(("ahead", "waits"), [(0.0, True), (DAY, False)])
def test_a_step_that_failed_by_a_clock_ahead_is_tried_again_now(
    tmp_path: Path, ahead: float, waits: bool
) -> None:
    now = datetime.now(UTC)
    with dagster_instance(tmp_path / "dagster") as instance:
        with moved(MovedClock(now + timedelta(seconds=ahead))):
            fail(instance, "ask_first")
        attempts, again = _attempts(instance, now - timedelta(hours=1), now + timedelta(minutes=1))
    assert (attempts["ask_first"], again is not None) == ((0, True) if waits else (1, False))


@pytest.mark.parametrize(("ahead", "due"), [(0.0, False), (DAY, True)])
def test_a_refresh_of_a_clock_ahead_is_not_todays(tmp_path: Path, ahead: float, due: bool) -> None:
    now = datetime.now(UTC)
    plan = Plan(StagingStore(str(tmp_path / "staging")), {})
    loads = Loads({}, last=now - timedelta(days=1), first=now - timedelta(days=9))
    with dagster_instance(tmp_path / "dagster") as instance:
        with moved(MovedClock(now + timedelta(seconds=ahead))):
            fail(instance, "refresh")
        found = _refresh_due(instance, plan, loads, now - timedelta(hours=1), now + timedelta(minutes=1))
    assert (found is not None) == due


@pytest.mark.parametrize(("ahead", "due"), [(timedelta(0), False), (timedelta(days=1), True)])
def test_tables_filled_by_a_clock_ahead_are_filled_again(ahead: timedelta, due: bool) -> None:
    now = datetime(2026, 11, 23, 5, tzinfo=UTC)
    loaded, since = now - timedelta(hours=1), now - timedelta(hours=2)
    assert (to_fill(Loads({}, loaded), now + ahead, since, now) is not None) == due


@pytest.mark.parametrize(("ahead", "due"), [(timedelta(0), False), (timedelta(days=1), True)])
def test_a_budget_that_a_clock_ahead_found_empty_is_tried(
    tmp_path: Path, ahead: timedelta, due: bool
) -> None:
    now = datetime(2026, 11, 23, 5, tzinfo=UTC)
    asked = now + ahead
    go_on_at = (asked + timedelta(hours=3)).isoformat()
    state = {"partitions": {}, "asked_at": asked.isoformat(), "go_on_at": go_on_at}
    plan = Plan(StagingStore(str(tmp_path)), {})
    assert (to_resolve_first(plan, [], state, now) is not None) == due
