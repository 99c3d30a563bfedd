"""The benchmarks still run, quickly and one by one; what they measure is not judged here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from music_assets_tests.conftest import SHARED

ROOT = Path(__file__).resolve().parents[1]


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_benchmark_runs() -> None:
    ran = _run("--quick")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for heading in ("== reader", "== lowlevel", "== cores", "== growth", "== encoding", "== main_job"):
        assert heading in ran.stdout
    assert ("Left out" in ran.stdout) == (not (SHARED / "data").is_dir())


@pytest.mark.slow
def test_a_benchmark_that_is_not_there_is_named() -> None:
    ran = _run("--quick", "raeder")
    assert ran.returncode == 2
    assert "there is no benchmark 'raeder'; there are reader, " in ran.stderr
