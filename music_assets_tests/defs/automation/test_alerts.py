"""Reporting a failed run to a real HTTP server."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from dagster import (
    DagsterInstance,
    Definitions,
    Failure,
    asset,
    build_run_status_sensor_context,
    define_asset_job,
)

from music_assets.defs.automation.alerts import FailedRun, redacted, report_failure
from music_assets.defs.automation.jobs import build_jobs
from music_assets.defs.automation.sensors import build_sensors
from music_assets.defs.partitions import KEYS, msd_directories
from music_assets.defs.run_launcher import COMMAND, COMMAND_LINE
from music_assets.settings import Settings
from music_assets_tests.support.webhook import Listener

FAILED = FailedRun(
    "match_and_load",
    "5f1c2d3e-0000",
    KEYS[:3],
    ["staging: the bucket b does not exist: create it."],
)
LOG = logging.getLogger("music_assets_tests.alerts")


def settings(**values: Any) -> Settings:
    return Settings.from_environment({}, **values)


def test_a_message_says_what_failed_why_and_how_to_try_again() -> None:
    text = FAILED.message()
    assert text.startswith("Music Assets: match_and_load (AA...AC) failed.\n")
    assert "the bucket b does not exist: create it" in text
    assert "music-assets run --partitions AA...AC" in text
    assert "5f1c2d3e" in text


def test_the_command_fits_the_partitions() -> None:
    assert FailedRun("extract", "id", ["AB"], []).retry == "music-assets run --partitions AB"
    assert FailedRun("tables", "id", [], []).retry == "music-assets run"
    assert FailedRun("tables", "id", [], ["why"]).message().startswith("Music Assets: tables failed.")


def test_a_hundred_causes_are_not_a_hundred_lines() -> None:
    text = FailedRun("tables", "id", [], [f"cause {n}" for n in range(100)]).message()
    assert "and 95 more" in text
    assert len(text.splitlines()) < 12


def test_a_webhook_is_posted_json(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    report_failure(FAILED, listener.url, LOG)
    ((path, kind, body),) = listener.got
    assert path == "/hooks/very-secret"
    assert kind == "application/json"
    assert body["text"] == FAILED.message()
    assert body["partitions"] == ["AA", "AB", "AC"]
    assert body["retry"] == "music-assets run --partitions AA...AC"
    assert FAILED.message() in caplog.text


@pytest.mark.parametrize("broken", ["answers 500", "is gone"])
def test_a_webhook_that_fails_is_logged_and_raises_nothing(
    broken: str, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    listener.status = 500
    # Nothing listens on the port of a server of ten years ago.
    url = listener.url if broken == "answers 500" else "http://127.0.0.1:9/hooks/very-secret"
    report_failure(FAILED, url, LOG)
    assert "The webhook on 127.0.0.1 was not reached" in caplog.text
    assert "very-secret" not in caplog.text


def test_no_secret_is_told(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", "f00df00d")
    cause = "refused: f00df00d at redshift+redshift_connector://reader:hunter2@host/db"
    report_failure(FailedRun("ask", "id", [], [cause]), listener.url, LOG)
    said = json.dumps(listener.got) + caplog.text
    assert "f00df00d" not in said
    assert "hunter2" not in said
    assert "redshift+redshift_connector://***@host/db" in said


def test_an_address_without_a_password_stays() -> None:
    text = "see https://example.org/a and write to someone@example.org"
    assert redacted(text, {}) == text


@pytest.mark.parametrize("tags", [{}, {COMMAND: "1f"}, {COMMAND: "1f", COMMAND_LINE: "77"}], ids=len)
def test_the_sensor_tells_of_a_failed_run_in_the_words_of_what_failed(
    listener: Listener, tags: dict[str, str]
) -> None:
    """A command has told of its own runs; what the UI made of one when it was executed again is not one."""

    @asset(partitions_def=msd_directories)
    def broken() -> None:
        raise Failure("the disk is full: make room")

    job_name = "extract"
    definitions = Definitions(assets=[broken], jobs=[define_asset_job(job_name, [broken])])
    job = definitions.resolve_job_def(job_name)
    alerting = settings(alert_webhook=listener.url)
    sensors = build_sensors(alerting, build_jobs(alerting))
    (run_failed,) = [one for one in sensors if one.name == "run_failed"]
    with DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            partition_key="AB", tags=tags, instance=instance, raise_on_error=False
        )
        context = build_run_status_sensor_context(
            sensor_name="run_failed",
            dagster_event=next(event for event in result.all_events if event.is_run_failure),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        run_failed(context)
    if COMMAND_LINE in tags:
        assert listener.got == []
        return
    ((_, _, body),) = listener.got
    assert body["job"] == "extract"
    assert body["partitions"] == ["AB"]
    assert body["causes"] == ["broken: the disk is full: make room"]
