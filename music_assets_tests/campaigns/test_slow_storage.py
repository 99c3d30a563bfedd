"""Slow storage: S3 that lets wait, trickles, and stalls now and then; a run ends as on one that is quick.

A slow folder would take a file system of our own (FUSE); what is read from one waits for the system alone.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from werkzeug.wrappers import Request

from music_assets.cli.job import run_job
from music_assets.settings import Settings
from music_assets.staging import s3
from music_assets_tests.campaigns.world import LONG, settings_for, tables
from music_assets_tests.support.s3_server import PLACE, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * 3600 if LONG else 900)]

ROUNDS = 10 if LONG else 1
PATIENCE = 2.0  # seconds, instead of a minute
# Seconds that a request waits, and how many of a thousand do.
WAITS = {0.0: 890, 0.3: 100, 1.5: 5, PATIENCE + 0.5: 5}


def test_a_run_on_slow_s3_ends_the_same(
    url: str, msd: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "READ_TIMEOUT_S", PATIENCE)
    with running(monkeypatch) as server:

        def on_s3(name: str) -> Settings:
            place = {"staging": f"{PLACE}/{name}", "s3_endpoint": server.endpoint}
            return settings_for(tmp_path / name, url, msd=msd, **place)

        calm, dice, stalled = on_s3("calm"), random.Random(23), []
        assert run_job(calm).failed == []

        def wait(request: Request) -> None:
            (seconds,) = dice.choices([*WAITS], [*WAITS.values()])
            if seconds > PATIENCE:
                stalled.append(request.path)
            time.sleep(seconds)

        server.fault, server.trickle = wait, 0.02
        for round_ in range(ROUNDS):
            slow = on_s3(f"slow {round_}")
            summary = run_job(slow)
            assert (summary.failed, summary.pending, summary.error) == ([], 0, 0)
            assert tables(slow) == tables(calm)
        assert stalled
