"""However Spotify misbehaves: nearly every song is found, no wrong one, for hardly more requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.shape import full_scale
from music_assets.resolution.steps import BARREN
from music_assets_tests.support.degraded import CASES, Case, Outcome, resolved
from music_assets_tests.support.sandbox import SandboxServer, catalogue, running_server, truth

SONGS = full_scale(400)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("catalogue"), SONGS)


@pytest.fixture(scope="module")
def right(path: Path) -> dict[str, set[str]]:
    return truth(path)


@pytest.fixture(scope="module")
def server(path: Path) -> Iterator[SandboxServer]:
    with running_server(path) as listening:
        yield listening


@pytest.fixture(scope="module")
def undisturbed(server: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return resolved(server, SONGS, tmp_path_factory.mktemp("undisturbed") / "data", Case())


def test_undisturbed_every_song_that_is_there_is_found(
    undisturbed: Outcome, right: dict[str, set[str]]
) -> None:
    assert len(undisturbed.right(right)) == len(undisturbed.matches) >= 0.99 * sum(map(bool, right.values()))
    assert undisturbed.requests.total() < 0.5 * len(SONGS)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.behaviours])
def test_as_many_are_found_for_hardly_more_requests(
    name: str,
    server: SandboxServer,
    undisturbed: Outcome,
    right: dict[str, set[str]],
    tmp_path: Path,
) -> None:
    outcome = resolved(server, SONGS, tmp_path / "data", CASES[name])
    found = outcome.right(right)
    assert len(found) == len(outcome.matches)
    assert len(found) >= 0.99 * len(undisturbed.right(right))
    most = 2.0 if name == "all of it" else 1.5
    # So many searches show that `album:` finds nothing, however many songs there are.
    to_know = BARREN if name == "no hits for a release" else 0
    assert outcome.requests.total() - to_know <= most * undisturbed.requests.total()
