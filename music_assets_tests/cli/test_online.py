"""`music-assets doctor --online`: what each source answers is compared with what is read of it, and kept."""

from __future__ import annotations

import copy
import socket
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
import requests
from click.testing import CliRunner

from music_assets.cli.doctor import NOTE, OK, PROBLEM, Finding, doctor
from music_assets.cli.online import (
    FEATURES,
    HITS,
    IDS,
    REAL,
    TRACKS,
    Known,
    Sources,
    differences,
    examine_sources,
    examine_spotify,
)
from music_assets.settings import Settings
from music_assets_tests.support.faults import NONSENSE, Faults
from music_assets_tests.support.sandbox import SandboxServer, songs_frame

ALL = ["reccobeats", "listenbrainz", "labs", "musicbrainz", "acousticbrainz"]


@pytest.fixture(scope="module")
def songs() -> pd.DataFrame:
    return songs_frame(30)


def examined(server: SandboxServer, **urls: str) -> tuple[dict[str, Finding], list[dict[str, Any]]]:
    known = Known(**requests.get(server.address.examples_url, timeout=10).json())
    sources = Sources(server.address.source_urls | urls, known, rates=())
    return {finding.subject: finding for finding in sources.examine()}, sources.recorded


def test_every_source_of_the_sandbox_answers_as_expected_to_a_few_requests(server: SandboxServer) -> None:
    found, recorded = examined(server)
    assert list(found) == ALL and {one.state for one in found.values()} == {OK}, found
    assert len(recorded) < 20 and {record["source"] for record in recorded} == set(ALL)
    # Recorded as fixtures: what was requested and what came, files by their size alone.
    assert all(record["status"] in (200, 206, 400) for record in recorded)
    track = recorded[0]
    assert track["request"]["path"] == "track" and track["body"]["content"][0]["trackTitle"]
    archive = next(record for record in recorded if record["request"]["path"].endswith(".tar.zst"))
    assert archive["body"].endswith("bytes of a file")
    assert len(orjson.dumps(recorded)) < 100_000


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("answer", [*NONSENSE, "html", "empty", "503"])
def test_another_shape_is_a_problem_of_that_source_alone(
    server: SandboxServer, source: str, answer: str
) -> None:
    server.sandbox.faults_of = {source: Faults(broken_rate=1, broken=(answer,))}
    found, _ = examined(server)
    assert found[source].state == PROBLEM and f"MUSIC_ASSETS_SKIP_SOURCES={source}" in found[source].advice
    assert {one.state for name, one in found.items() if name != source} == {OK}


@pytest.mark.parametrize("shape", [TRACKS, FEATURES, IDS, HITS])
def test_each_field_that_is_relied_on_is_missed(shape: Any) -> None:
    def example(of: Any) -> Any:
        if isinstance(of, dict):
            return {key: example(each) for key, each in of.items()}
        return [example(of[0])] if isinstance(of, list) else (of[0] if isinstance(of, tuple) else of)()

    def fields(of: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        inner = of.items() if isinstance(of, dict) else enumerate(of) if isinstance(of, list) else ()
        return [path for key, each in inner for path in [(*at, key), *fields(each, (*at, key))]]

    whole = example(shape)
    assert list(differences(whole, shape)) == []
    for *above, last in fields(whole):
        for change in ("gone", "other"):
            changed = copy.deepcopy(whole)
            parent = changed
            for key in above:
                parent = parent[key]
            if change == "gone":
                del parent[last]
            else:
                parent[last] = True
            if change == "other" or above[-1:] != ["spotify_track_ids"]:  # a song may have no ids
                assert len(list(differences(changed, shape))) == 1, (above, last, change)


def test_a_source_that_is_down_is_a_note_and_the_others_are_tried(server: SandboxServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}/"
    found, _ = examined(server, labs=nowhere)
    assert found["labs"].state == NOTE and "Runs go on without it" in found["labs"].advice
    assert {one.state for name, one in found.items() if name != "labs"} == {OK}


def test_sources_that_cannot_be_reached_are_counted_and_all_of_them_are_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    schemes = {name: url.partition(":")[0] for name, url in REAL.items()}
    assert set(schemes) == set(ALL)
    for name, scheme in schemes.items():
        monkeypatch.setitem(REAL, name, f"{scheme}://127.0.0.1:{port}/")
    *each, archive, last = examine_sources(Settings.from_environment({}, spotify="off"), [])
    assert [one.subject for one in each] == ALL and {one.state for one in each} == {NOTE}
    assert (last.state, last.message) == (PROBLEM, "5 of 5 sources did not answer")
    assert (archive.subject, archive.message[:9]) == ("echonest", "not tried")


def test_a_dump_without_a_column_is_told_by_its_beginning(server: SandboxServer) -> None:
    found, _ = examined(server, acousticbrainz=f"{server.address.dumps_url}musicbrainz/")
    assert found["acousticbrainz"].state == PROBLEM
    assert "sha256sums names no rhythm archive" in found["acousticbrainz"].message


def test_spotifys_search_is_compared_too(server: SandboxServer) -> None:
    recorded: list[dict[str, Any]] = []
    (found,) = examine_spotify(server.settings, recorded)
    assert found.state == PROBLEM and "tracks.items is empty" in found.message  # the sandbox has no such song
    assert recorded[0]["body"]["tracks"]["items"] == []
    assert server.settings.client_secret not in repr(recorded) and "Bearer" not in repr(recorded)


def test_the_command_tries_the_sandbox_in_use_and_writes_what_it_answered(
    server: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.address.base_url.removesuffix("/v1/")
    for name, value in {"SPOTIFY": "off", "SANDBOX_URL": url, "SKIP_SOURCES": "labs"}.items():
        monkeypatch.setenv(f"MUSIC_ASSETS_{name}", value)
    file = tmp_path / "responses.json"
    command = ["--data", str(tmp_path / "data"), "--online", "--record", str(file)]
    done = CliRunner().invoke(doctor, command)
    assert done.exit_code == 0, done.output
    lines = [line for line in done.output.splitlines() if "requests, " in line]
    assert lines and all("requests, the sandbox answered as expected" in line for line in lines)
    assert "answered as expected" in done.output and "labs" not in done.output
    sources = {record["source"] for record in orjson.loads(file.read_bytes())}
    assert sources == set(ALL) - {"labs"}
    assert server.sandbox.requests["search"] == 0


@pytest.mark.parametrize("options", [["--online", "--offline"], ["--record", "x.json"]])
def test_options_that_make_no_sense_together_are_refused(options: list[str]) -> None:
    assert CliRunner().invoke(doctor, options).exit_code == 2
