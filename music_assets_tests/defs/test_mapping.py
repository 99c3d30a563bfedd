"""Mapping, through the asset graph: every status, corrections, and what a re-scoring says and costs.

The answers of Spotify are staged by hand, so that each case is there; from there on everything is real: the
assets, validation, DuckDB, the published tables and their checks. Nothing selected here can ask Spotify.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance, ExecuteInProcessResult

from music_assets.definitions import build_defs
from music_assets.defs.assets import mapped_rows, mapping
from music_assets.defs.wiring import resources
from music_assets.settings import Settings
from music_assets.sources.corrections import CorrectionsError
from music_assets.staging.partitions import Staged, read_rows, write_partition
from music_assets.staging.store import StagedFile, StagingStore
from music_assets.tables import METADATA
from music_assets_tests.support.staged_rows import row

AA, AB = "AA", "AB"
KINDS = ("msd_songs", "spotify_tracks", "mapped_songs", "artist_votes")
BY_PARTITION = [
    "spotify_tracks",
    "mapped_songs",
    "artist_votes",
    "staged_json",
    *(f"warehouse/staging/{kind}" for kind in KINDS),
]
TABLES = ["warehouse/msd/songs", "warehouse/spotify/tracks", "warehouse/mapped/songs"]
MADE_AT = "2026-11-22T12:00:00"
ELSEWHERE = "9" * 22  # a Spotify track that no search has shown


def track_id(letters: str, number: int) -> str:
    return f"TR{letters}{number:03d}128F429D538"


def spotify_id(number: int) -> str:
    return f"{number:022d}"


def hit(number: int, name: str = "Harbour Lights", seconds: float = 200.0, **values: Any) -> dict[str, Any]:
    artist = {"spotify_artist_id": spotify_id(900), "name": "The Paper Lanterns"}
    known = {
        "spotify_track_id": spotify_id(number),
        "name": name,
        "artists": [artist],
        "duration_ms": int(seconds * 1000),
        "source": "sandbox",
        "fetched_at": MADE_AT,
    }
    return row("spotify_tracks", **{**known, **values})


# What the search said of each song: its status and its hits.
ANSWERS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "matched": ("answered", [hit(1), hit(2, "Harbour Lights - Live")]),
    "ambiguous": ("answered", [hit(3, seconds=195.5), hit(4, seconds=204.5)]),
    "below_floor": ("answered", [hit(5, "Wheels")]),
    "no_candidates": ("answered", []),
    "pending": ("pending", []),
    "error": ("error", []),
}
NUMBER = {status: number for number, status in enumerate(ANSWERS, start=1)}


class Deployment:
    """A data folder with staged inputs of two partitions, and the graph to run over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = {"data": str(folder / "data"), "spotify": "sandbox"}
        self.instance = DagsterInstance.ephemeral()
        self._runs = itertools.count(1)
        for letters in (AA, AB):
            self._stage(letters)

    @property
    def store(self) -> StagingStore:
        return StagingStore(Settings.from_environment({}, **self.settings).staging)

    def file(self, setting: str, text: str) -> None:
        """Write a file of corrections and name it in the settings."""
        path = self.folder / f"{setting}.txt"
        path.write_text(text)
        self.settings[setting] = str(path)

    def run(self, *keys: str) -> ExecuteInProcessResult:
        """Make what follows from the answers: these partitions, then the tables."""
        result = self._execute(BY_PARTITION, {_range("start"): min(keys), _range("end"): max(keys)})
        self._execute(TABLES, {})
        return result

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table of the warehouse."""
        warehouse = resources(Settings.from_environment({}, **self.settings))["warehouse"].open()
        with warehouse.transaction("looking") as connection:
            return [dict(one) for one in connection.execute(METADATA.tables[table].select()).mappings()]

    def mapped(self, status: str, letters: str = AA) -> list[dict[str, Any]]:
        """The rows of `mapped.songs` of the song that the matcher gives this status, best first."""
        found = [
            one for one in self.rows("mapped.songs") if one["track_id"] == track_id(letters, NUMBER[status])
        ]
        return sorted(found, key=lambda one: one["rank"] or 0)

    def staged(self, kind: str, key: str) -> list[dict[str, Any]]:
        """The rows of a staged file."""
        file = self.store.staged_file(kind, key)
        return [] if file is None else read_rows(self.store, file)

    def made(self, key: str) -> StagedFile:
        receipt = self.store.staged_file("mapped_songs", key)
        assert receipt is not None
        return receipt

    def _execute(self, assets: list[str], tags: dict[str, str]) -> ExecuteInProcessResult:
        job = build_defs(settings=Settings.from_environment({}, **self.settings)).resolve_job_def("music_etl")
        selection = [AssetKey(asset.split("/")) for asset in assets]
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=selection,
            tags=tags,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )

    def _stage(self, letters: str) -> None:
        songs, searches = [], []
        for status, (answer, hits) in ANSWERS.items():
            id_ = track_id(letters, NUMBER[status])
            of_song = {"title": "Harbour Lights", "artist_name": "The Paper Lanterns", "duration": 200.0}
            songs.append(row("msd_songs", track_id=id_, artist_id="AR" + "A" * 16, **of_song))
            asked = {"question": "harbour", "fetched_at": MADE_AT} if answer == "answered" else {}
            why = None if answer == "answered" else "the quota is used up"
            search = row("spotify_search", track_id=id_, status=answer, reason=why, source="sandbox", **asked)
            searches.append({**search, "tracks": hits})
        for kind, rows in (("msd_songs", songs), ("spotify_search", searches)):
            write_partition(self.store, kind, letters, Staged(rows), fingerprint="", run_id="")


def _range(end: str) -> str:
    return f"dagster/asset_partition_range_{end}"


def metadata(result: ExecuteInProcessResult, key: str) -> dict[str, Any]:
    """What a run reported of one partition of `mapped_songs`."""
    (event,) = [one for one in result.asset_materializations_for_node("mapped_songs") if one.partition == key]
    return {name: value.value for name, value in event.metadata.items()}


def rescoring(result: ExecuteInProcessResult) -> Any:
    (check,) = [
        one for one in result.get_asset_check_evaluations() if one.check_name == "rescoring_keeps_matches"
    ]
    return check


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path)


@pytest.fixture
def another_matcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """As if the matcher's code had changed."""
    version = "2-0123456789"
    monkeypatch.setattr(mapped_rows, "matcher_version", lambda: version)
    monkeypatch.setattr(mapping.mapped_songs, "version", version)
    yield version


def test_every_status_reaches_the_tables_with_its_reasons(deployment: Deployment) -> None:
    told = metadata(deployment.run(AA), AA)
    for status, (_, hits) in ANSWERS.items():
        rows = deployment.mapped(status)
        assert {one["status"] for one in rows} == {status}
        assert len(rows) == max(len(hits), 1)
        assert sum(one["accepted"] for one in rows) == (status == "matched")
        assert told[status] == 1
    assert deployment.mapped("matched")[0]["spotify_track_id"] == spotify_id(1)
    assert deployment.mapped("pending")[0]["reasons"] == ["the quota is used up"]


def test_a_better_matcher_makes_all_again_and_says_what_changed(
    deployment: Deployment, another_matcher: str
) -> None:
    with pytest.MonkeyPatch.context() as as_before:
        as_before.setattr(mapped_rows, "matcher_version", lambda: "1-0000000000")
        as_before.setattr(mapping.mapped_songs, "version", "1-0000000000")
        first = deployment.run(AA, AB)
    assert "rescored" not in metadata(first, AA)
    assert rescoring(first).passed
    again = deployment.run(AA, AB)
    assert {one["matcher_version"] for one in deployment.rows("mapped.songs")} == {another_matcher}
    for key in (AA, AB):
        told = metadata(again, key)
        assert (told["unchanged"], told["newly_matched"], told["lost"], told["switched"]) == (False, 0, 0, 0)
        assert told["rescored"]["matched_before"] == 1
    assert rescoring(again).passed
    assert {one["status"] for one in deployment.mapped("matched")} == {"matched"}


def test_a_rescoring_that_loses_matches_is_warned_of_and_named(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, another_matcher: str
) -> None:
    with pytest.MonkeyPatch.context() as as_before:
        as_before.setattr(mapping.mapped_songs, "version", "1-0000000000")
        deployment.run(AA, AB)
    monkeypatch.setattr(mapped_rows, "song_of", lambda song: mapped_rows.Song("Wheels", song["artist_name"]))
    result = deployment.run(AA, AB)
    told = metadata(result, AA)
    # "Harbour Lights" is lost, and the song whose only hit is "Wheels" is found.
    assert (told["lost"], told["newly_matched"]) == (1, 1)
    assert told["rescored"]["such_as"]["lost"] == [track_id(AA, NUMBER["matched"])]
    check = rescoring(result)
    assert not check.passed
    assert check.severity.value == "WARN"
    assert not check.blocking
    assert "of 2 songs matched before, 2 no longer are and 0 have another track" in (check.description or "")
    assert deployment.mapped("matched")[0]["status"] == "below_floor"  # loaded all the same


def test_what_is_made_of_the_same_is_kept(deployment: Deployment) -> None:
    deployment.run(AA, AB)
    again = deployment.run(AA, AB)
    assert metadata(again, AA)["unchanged"]
    assert rescoring(again).passed


def test_an_override_wins_and_makes_its_partition_again_and_no_other(deployment: Deployment) -> None:
    deployment.run(AA, AB)
    kept, remade = deployment.made(AB), deployment.made(AA)
    named = {status: track_id(AA, NUMBER[status]) for status in ANSWERS}
    deployment.file(
        "overrides",
        "track_id,spotify_track_id,note\n"
        f"{named['matched']},{spotify_id(2)},it is the live one\n"
        f"{named['ambiguous']},none,neither of them\n"
        f"{named['below_floor']},{ELSEWHERE},\n"
        f"{named['no_candidates']},NONE,not there\n"
        f"{named['pending']},{ELSEWHERE},known\n"
        f"{track_id(AA, 99)},none,no such song\n",
    )
    result = deployment.run(AA, AB)
    assert deployment.made(AB) == kept
    assert deployment.made(AA).checksum != remade.checksum
    told = metadata(result, AA)
    # Nobody is to look for a better matcher's losses among what a person decided.
    assert (told["by_hand"], told["newly_matched"], told["lost"], told["switched"]) == (5, 0, 0, 0)
    assert told["overrides_without_song"] == [track_id(AA, 99)]

    live, studio = deployment.mapped("matched")
    assert (live["spotify_track_id"], live["accepted"], live["by_hand"]) == (spotify_id(2), True, True)
    assert live["reasons"][:2] == ["set by hand: it is the live one", "title equal"]
    assert live["score"] < studio["score"] and not studio["accepted"] and not studio["equivalent"]
    for one in deployment.mapped("ambiguous"):
        assert (one["status"], one["accepted"], one["by_hand"]) == ("rejected", False, True)
        assert one["reasons"][0] == "set by hand: neither of them"
    (none,) = deployment.mapped("no_candidates")
    assert (none["status"], none["by_hand"], none["reasons"]) == (
        "rejected",
        True,
        ["set by hand: not there"],
    )
    elsewhere, refused = deployment.mapped("below_floor")
    assert (elsewhere["spotify_track_id"], elsewhere["source"]) == (ELSEWHERE, "overrides")
    assert (elsewhere["score"], elsewhere["reasons"]) == (None, ["set by hand"])
    assert (refused["rank"], refused["accepted"]) == (2, False)
    assert [one["status"] for one in deployment.mapped("pending")] == ["matched"]
    assert {one["by_hand"] for one in deployment.mapped("matched", AB)} == {False}


def test_a_track_set_by_hand_that_no_search_showed_is_no_orphan(deployment: Deployment) -> None:
    deployment.file(
        "overrides", f"track_id,spotify_track_id\n{track_id(AA, NUMBER['no_candidates'])},{ELSEWHERE}\n"
    )
    deployment.run(AA)  # the blocking checks of the tables are among what runs
    (stub,) = [one for one in deployment.rows("spotify.tracks") if one["spotify_track_id"] == ELSEWHERE]
    assert {name for name, value in stub.items() if value is not None} == {"spotify_track_id", "source"}
    assert stub["source"] == "overrides"
    met = [one for one in deployment.rows("spotify.tracks") if one["spotify_track_id"] == spotify_id(1)]
    assert [one["name"] for one in met] == ["Harbour Lights"]


def test_taking_an_override_back_gives_the_matcher_its_say(deployment: Deployment) -> None:
    deployment.file("overrides", f"track_id,spotify_track_id\n{track_id(AA, NUMBER['matched'])},none\n")
    deployment.run(AA)
    deployment.file("overrides", "track_id,spotify_track_id\n")
    assert metadata(deployment.run(AA), AA)["matched"] == 1
    assert not deployment.mapped("matched")[0]["by_hand"]


def test_known_bad_links_are_flagged_and_no_evidence_for_the_artist(deployment: Deployment) -> None:
    deployment.run(AA, AB)
    assert [len(deployment.staged("artist_votes", key)) for key in (AA, AB)] == [1, 1]
    bad = track_id(AA, NUMBER["matched"])
    deployment.file("sid_mismatches", f"ERROR: <SOUMNSI12AB0182807 {bad}> a - b != c - d\nnot a line of it\n")
    told = metadata(deployment.run(AA, AB), AA)
    assert told["known_mismatch"] == 1
    assert told["reasons"] == [
        "sid_mismatches.txt: line 2, 'not a line of it', cannot be parsed and was left out."
    ]
    assert [len(deployment.staged("artist_votes", key)) for key in (AA, AB)] == [0, 1]
    match = deployment.mapped("matched")[0]
    assert (match["status"], match["known_mismatch"], match["accepted"]) == ("matched", True, True)
    assert mapped_rows.MISMATCHED in match["reasons"]
    assert not deployment.mapped("matched", AB)[0]["known_mismatch"]


def test_duplicates_are_grouped(deployment: Deployment) -> None:
    one, two = (track_id(letters, NUMBER["matched"]) for letters in (AA, AB))
    deployment.file("msd_duplicates", f"# made up\n%1 2 - Harbour Lights\n{two}\n{one}\n")
    deployment.run(AA, AB)
    grouped = {row["track_id"]: row["duplicate_group"] for row in deployment.rows("mapped.songs")}
    assert {track: group for track, group in grouped.items() if group} == {one: one, two: one}


def test_a_file_that_is_not_there_is_named_with_its_setting(deployment: Deployment) -> None:
    deployment.settings["sid_mismatches"] = "/nowhere/sid_mismatches.txt"
    with pytest.raises(CorrectionsError, match="MUSIC_ASSETS_SID_MISMATCHES names /nowhere/sid_mismatches"):
        deployment.run(AA)
