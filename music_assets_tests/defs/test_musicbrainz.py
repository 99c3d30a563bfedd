"""Recordings and features as assets: a dump that is missing or damaged costs its own rows alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from music_assets.defs.assets.musicbrainz import acousticbrainz_features, musicbrainz_recordings
from music_assets.defs.stages import Plan, build
from music_assets.defs.wiring import opened_resources
from music_assets.settings import Settings
from music_assets.staging.partitions import Staged, read_rows, write_partition
from music_assets_tests.support.dumps import mbid, recording, write_canonical, write_features
from music_assets_tests.support.staged_rows import row

TRACKS = {"AA": "TRAAAAA128F0000001", "AB": "TRABAAA128F0000002"}


class World:
    """Two partitions of one song each, and a run of the two stages over them."""

    def __init__(self, folder: Path, **overrides: str) -> None:
        self.settings = Settings.from_environment({}, data=str(folder), spotify="off", **overrides)
        self.downloads = self.settings.downloads
        with opened_resources(self.settings) as opened:
            for key, track_id in TRACKS.items():
                song = row(
                    "msd_songs",
                    track_id=track_id,
                    title="Harbour",
                    artist_name="The Ys",
                    artist_mbid=mbid(500),
                )
                staged = Staged([song])
                write_partition(opened.staging.store(), "msd_songs", key, staged, fingerprint="x", run_id="r")

    def run(self) -> dict[str, Any]:
        """By stage: the rows, how many partitions were computed, the reasons, whether all are complete."""
        found = {}
        with opened_resources(self.settings) as opened:
            store = opened.staging.store()
            for stage in (musicbrainz_recordings, acousticbrainz_features):
                plan = Plan(store, {name: getattr(opened, name) for name in stage.resources})
                built = list(build(stage, sorted(TRACKS), plan, run_id="r"))
                files = [one.files[stage.name] for one in built]
                found[stage.name] = {
                    "rows": [each for file in files for each in read_rows(store, file)],
                    "computed": sum(not one.unchanged for one in built),
                    "reasons": {
                        reason for one in built for reason in one.run_metadata[stage.name]["reasons"]
                    },
                    "complete": all(file.complete for file in files),
                }
        return found


def test_without_dumps_there_are_no_rows_and_one_line_says_how_to_get_them(tmp_path: Path) -> None:
    world = World(tmp_path)
    for computed in (2, 0):
        for name, found in world.run().items():
            source = name.partition("_")[0]
            (reason,) = found["reasons"]
            assert f"`music-assets download {source}`" in reason and str(world.downloads) in reason
            assert (found["rows"], found["complete"], found["computed"]) == ([], True, computed)


def test_dumps_that_arrive_bring_rows_and_are_read_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run()
    write_canonical(world.downloads / "musicbrainz", [recording(1, "Harbour")])
    write_features(world.downloads / "acousticbrainz", "rhythm", [(mbid(1), 0, 120, 1.5)])
    first, second = world.run(), world.run()
    recordings, features = first.values()
    assert [one["track_id"] for one in recordings["rows"]] == list(TRACKS.values())
    one = recordings["rows"][0]
    assert (one["recording_mbid"], one["method"], one["source"]) == (
        mbid(1),
        "artist_mbid exact",
        "musicbrainz",
    )
    assert one["fetched_at"] == "2026-11-03T08:00:03" and one["isrcs"] is None
    assert [(one["tempo"], one["source"]) for one in features["rows"]] == [(120.0, "acousticbrainz")] * 2
    assert [found["computed"] for found in (*first.values(), *second.values())] == [2, 2, 0, 0]
    assert recordings["reasons"] == features["reasons"] == set()
    write_canonical(
        world.downloads / "musicbrainz",
        [recording(2, "Harbour")],
        name="musicbrainz-canonical-dump-20261117-080003",
    )
    recordings, features = world.run().values()
    assert {one["recording_mbid"] for one in recordings["rows"]} == {mbid(2)} and features["rows"] == []


def test_a_damaged_dump_is_named_the_rest_goes_on_and_the_next_run_tries_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    file = write_canonical(world.downloads / "musicbrainz", [recording(1, "Harbour")])
    whole = file.read_bytes()
    file.write_bytes(whole[:-30])
    recordings, features = world.run().values()
    (reason,) = recordings["reasons"]
    assert file.name in reason and "download it again" in reason
    assert (recordings["rows"], recordings["complete"], features["complete"]) == ([], False, True)
    file.write_bytes(whole)
    recordings, _ = world.run().values()
    assert (len(recordings["rows"]), recordings["complete"], recordings["computed"]) == (2, True, 2)


def test_odd_rows_of_a_dump_are_said(tmp_path: Path) -> None:
    world = World(tmp_path)
    write_canonical(world.downloads / "musicbrainz", [recording(1, "Harbour")], more=b"1,2,3\n")
    recordings, _ = world.run().values()
    assert recordings["reasons"] == {"1 odd row of the dump was set aside"} and len(recordings["rows"]) == 2


def test_sources_that_are_skipped_are_neither_read_nor_missed(tmp_path: Path) -> None:
    world = World(tmp_path, skip_sources="musicbrainz,acousticbrainz")
    write_canonical(world.downloads / "musicbrainz", [recording(1, "Harbour")])
    for found in world.run().values():
        assert (found["rows"], found["reasons"], found["complete"]) == ([], set(), True)
