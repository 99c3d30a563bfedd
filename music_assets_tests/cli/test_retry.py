"""`music-assets retry` marks responses of a kind for the next run, and touches no other."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from music_assets.cli.main import cli
from music_assets.settings import Settings
from music_assets.sources.ledger import Key, Response, is_due, open_ledger

NOW = datetime(2026, 11, 22, tzinfo=UTC)
STATES = ("answered", "not_found", "refused", "broken", "denied")


def invoke(data: Path, *options: str) -> Result:
    runner = CliRunner(env={"MUSIC_ASSETS_SPOTIFY": "sandbox"})
    return runner.invoke(cli, ["retry", "--data", str(data), *options])


@pytest.mark.parametrize(
    ("options", "marked"),
    [
        (["--errors"], {"refused", "broken", "denied"}),
        (["--misses"], {"not_found"}),
        (["--errors", "--misses"], {"refused", "broken", "denied", "not_found"}),
    ],
)
def test_what_is_named_is_due_and_nothing_else(tmp_path: Path, options: list[str], marked: set[str]) -> None:
    path = Settings.from_environment({}, data=str(tmp_path)).ledger
    keys = {state: Key("track", f"TR{state}", "search") for state in STATES}
    with closing(open_ledger(path, source="sandbox")) as ledger:
        ledger.put_many(Response(key, state, "q", NOW, "development", {}) for state, key in keys.items())
    said = invoke(tmp_path, *options)
    noun = "response" if len(marked) == 1 else "responses"
    assert said.output == f"{len(marked)} {noun} will be requested again by the next run.\n"
    with closing(open_ledger(path, source="sandbox")) as ledger:
        found = ledger.get_many(keys.values())
        assert {state for state, key in keys.items() if found[key].retry} == marked
        assert all(is_due(found[keys[state]], NOW) for state in marked)
        ledger.put_many([Response(keys["not_found"], "not_found", "q", NOW, "development", {})])
        assert not ledger.get_many([keys["not_found"]])[keys["not_found"]].retry  # it was requested


def test_one_of_the_options_is_needed_and_a_ledger_is_not(tmp_path: Path) -> None:
    assert "--errors, --misses, or both" in invoke(tmp_path).output
    assert invoke(tmp_path, "--misses").output == "0 responses will be requested again by the next run.\n"
    gone = invoke(tmp_path / "gone", "--misses")
    assert gone.exit_code == 2 and f"There is no data in {tmp_path / 'gone'}" in gone.output
    assert list(tmp_path.iterdir()) == []
