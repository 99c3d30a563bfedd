"""Companion sets as an asset: files that are missing, arrive, are replaced or damaged cost nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from music_assets.defs.assets.companion import companion_songs
from music_assets.defs.stages import Plan, build
from music_assets.defs.wiring import opened_resources
from music_assets.settings import Settings
from music_assets.staging.partitions import Staged, read_rows, write_partition
from music_assets_tests.sources.companion.test_companion import every_set
from music_assets_tests.support.companion import write_genres, write_tag_archive, zipped
from music_assets_tests.support.staged_rows import row

ONE, TWO, SONG = "TRAAAAW128F429D538", "TRBBBBW128F429D539", "SOAAAAA12A8C1416C0"


def run(settings: Settings) -> tuple[list[dict[str, Any]], list[bool], list[Any], list[Any]]:
    """The rows of both partitions; of each whether it was computed, its metadata and its reasons."""
    with opened_resources(settings) as opened:
        store = opened.staging.store()
        for track in (ONE, TWO):
            songs = Staged([row("msd_songs", track_id=track, song_id=SONG)])
            write_partition(store, "msd_songs", track[2:4], songs, fingerprint="x", run_id="r")
        plan = Plan(store, {name: getattr(opened, name) for name in companion_songs.resources})
        built = list(build(companion_songs, ["AA", "BB"], plan, run_id="r"))
        files = [one.files["companion_songs"] for one in built]
        rows = [each for file in files for each in read_rows(store, file)]
        reasons = [one.run_metadata.get("companion_songs", {}).get("reasons", []) for one in built]
        return rows, [not one.unchanged for one in built], [file.metadata for file in files], reasons


def test_files_that_arrive_bring_rows_and_are_read_once(tmp_path: Path) -> None:
    settings = Settings.from_environment({}, data=str(tmp_path), spotify="off")
    rows, computed, metadata, reasons = run(settings)
    assert (rows, computed, reasons) == ([], [True, True], [[], []])
    assert f"no file is in {tmp_path}/downloads/companion" in metadata[0]["missing"]
    folder = settings.downloads / "companion"
    for file in every_set(folder):
        zipped(file)
    write_tag_archive(folder, "subset", {TWO: [["soul", "100"]]})
    (one, two), computed, metadata, reasons = run(settings)
    assert computed == [True, True] and reasons == [[], []]
    assert metadata[0]["sets"] == {"tagtraum": 1, "secondhandsongs": 1, "musixmatch": 1, "taste_profile": 1}
    expected = {
        "track_id": ONE,
        "tagtraum_cd1": "Pop_Rock",
        "tagtraum_cd2": "Rock",
        "tagtraum_cd2_other": "Metal",
        "shs_clique": ONE,
        "shs_works": [72636, 4253],
        "shs_performance": 2,
        "shs_split": "train",
        "taste_plays": 6,
        "taste_users": 2,
        "mxm_tid": 3811449,
        "mxm_split": "train",
        "mxm_words": [{"word": "i", "count": 3}, {"word": "you", "count": 2}],
    }
    assert {name: value for name, value in one.items() if value is not None and name != "slice"} == expected
    assert (two["tagtraum_cd1"], two["tagtraum_cd1_minority"], two["tagtraum_cd2c"]) == (
        "Jazz",
        "Blues",
        "Jazz",
    )
    assert two["lastfm_tags"] == [{"tag": "soul", "weight": 100}]
    assert run(settings)[1] == [False, False]


def test_a_damaged_file_is_named_and_the_next_run_tries_again(tmp_path: Path) -> None:
    settings = Settings.from_environment({}, data=str(tmp_path), spotify="off")
    folder = settings.downloads / "companion"
    packed = zipped(write_genres(folder, "cd1", {ONE: ["Jazz"], "odd": ["Jazz"]}))
    whole = packed.read_bytes()
    packed.write_bytes(whole[:40])
    rows, computed, _, reasons = run(settings)
    assert (rows, computed) == ([], [True, True])
    assert "msd_tagtraum_cd1.cls.zip cannot be used" in reasons[0][0]
    packed.write_bytes(whole)
    rows, computed, _, reasons = run(settings)
    assert ([one["tagtraum_cd1"] for one in rows], computed) == (["Jazz"], [True, True])
    assert reasons[0] == ["tagtraum: 1 odd line was set aside"]
