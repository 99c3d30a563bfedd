"""Companion sets from files in their sites' forms, whole, zipped, in part, odd and damaged."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music_assets.sources.companion import SETS, Companion, find_files
from music_assets.sources.companion.readers import READERS
from music_assets.sources.dumps import DumpDamaged, IndexUnusable
from music_assets_tests.support.companion import (
    SHS_HEADER,
    write_covers,
    write_genres,
    write_lyrics,
    write_plays,
    write_tag_archive,
    write_tag_database,
    zipped,
)

ONE, TWO, THREE = "TRAAAAW128F429D538", "TRBBBBW128F429D539", "TRZZZZW128F429D530"
SONG, OTHER = "SOAAAAA12A8C1416C0", "SOBBBBB12A8C1416C1"
USER = "b80344d063b5ccb3212f76538f3d9e43d87dca9e"  # pragma: allowlist secret


def opened(folder: Path) -> Companion:
    return Companion.open(find_files(folder), folder / "index")


def known(folder: Path, **songs: str | None) -> dict[str, Any]:
    with opened(folder) as companion:
        return companion.rows(songs or {ONE: SONG, TWO: SONG, THREE: OTHER})


def every_set(folder: Path) -> list[Path]:
    return [
        write_genres(folder, "cd1", {ONE: ["Pop_Rock"], TWO: ["Jazz", "Blues"]}),
        write_genres(folder, "cd2", {ONE: ["Rock", "Metal"]}),
        write_genres(folder, "cd2c", {TWO: ["Jazz"]}),
        write_covers(folder, "train", [("72636,4253, My Sweet Lord", [TWO, ONE])]),
        write_covers(folder, "test", [("-21,  1999", [THREE])]),
        write_lyrics(folder, "train", "i,the,you", [f"{ONE},3811449,1:3,3:2"]),
        write_lyrics(folder, "test", "i,the,naïve,", [f"{TWO},12,3:1"]),
        write_plays(folder, [(USER, SONG, 3), ("u2", SONG, 2), (USER, SONG, 1), (USER, OTHER, 1)]),
    ]


EXPECTED: dict[str, Any] = {
    ONE: {
        "tagtraum": {"cd1": ["Pop_Rock"], "cd2": ["Rock", "Metal"]},
        "secondhandsongs": {"clique": ONE, "works": [72636, 4253], "performance": 2, "split": "train"},
        "musixmatch": {
            "mxm_tid": 3811449,
            "split": "train",
            "words": [{"word": "i", "count": 3}, {"word": "you", "count": 2}],
        },
        "taste_profile": {"plays": 6, "users": 2},
    },
    TWO: {
        "tagtraum": {"cd1": ["Jazz", "Blues"], "cd2c": ["Jazz"]},
        "secondhandsongs": {"clique": ONE, "works": [72636, 4253], "performance": 1, "split": "train"},
        "musixmatch": {"mxm_tid": 12, "split": "test", "words": [{"word": "naïve", "count": 1}]},
        "taste_profile": {"plays": 6, "users": 2},
    },
    THREE: {
        "secondhandsongs": {"clique": THREE, "works": [-21], "performance": 1, "split": "test"},
        "taste_profile": {"plays": 1, "users": 1},
    },
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_the_files_have_of_a_track(tmp_path: Path, packed: bool, ends: str) -> None:
    for file in every_set(tmp_path):
        file.write_bytes(file.read_bytes().replace(b"\n", ends.encode()))
        if packed:
            zipped(file)
    assert known(tmp_path) == EXPECTED
    with opened(tmp_path) as companion:
        assert companion.set_aside == {}
        assert companion.rows({"TRCCCCC128F429D538": None}) == {} == companion.rows({})


def test_tags_come_best_first_from_the_database_or_the_archives(tmp_path: Path) -> None:
    best_first = [
        {"tag": "rock", "weight": 100.0},
        {"tag": "90s", "weight": 12.0},
        {"tag": "été", "weight": 12.0},
    ]
    write_tag_archive(tmp_path, "train", {ONE: [["été", "12"], ["rock", "100"], ["90s", "12"]], TWO: []})
    write_tag_archive(tmp_path, "test", {THREE: [["jazz", "50"]]})
    found = known(tmp_path)
    assert found == {
        ONE: {"lastfm": {"tags": best_first}},
        THREE: {"lastfm": {"tags": [{"tag": "jazz", "weight": 50}]}},
    }
    write_tag_database(tmp_path, {ONE: {"été": 12.0, "rock": 100.0, "90s": 12.0}, TWO: {"pop": 1.0}})
    found = known(tmp_path)
    assert found[ONE]["lastfm"]["tags"] == best_first  # once, though both have it
    assert found.keys() == {ONE, TWO, THREE}


def test_without_files_there_is_nothing(tmp_path: Path) -> None:
    assert find_files(tmp_path) == find_files(tmp_path / "none") == []
    assert {name for one in SETS.values() for name in [one.name]} == {*READERS, "taste_profile"}


def test_a_file_that_is_added_or_replaced_is_seen(tmp_path: Path) -> None:
    write_genres(tmp_path, "cd1", {ONE: ["Jazz"]})
    assert known(tmp_path) == {ONE: {"tagtraum": {"cd1": ["Jazz"]}}}
    write_genres(tmp_path, "cd1", {ONE: ["Pop_Rock"]})
    write_genres(tmp_path, "cd2c", {ONE: ["Rock"]})
    assert known(tmp_path) == {ONE: {"tagtraum": {"cd1": ["Pop_Rock"], "cd2c": ["Rock"]}}}


ODD: dict[str, tuple[Callable[[Path], Path], dict[str, int]]] = {
    "genres": (
        lambda at: write_genres(
            at, "cd1", {ONE: ["Jazz"], "TR1": ["Jazz"], TWO: ["A", "B", "C"], THREE: [""]}
        ),
        {"tagtraum": 3},
    ),
    "a genre of a page": (
        lambda at: write_genres(at, "cd1", {ONE: ["Jazz"], TWO: ["x" * 33]}),
        {"tagtraum": 1},
    ),
    "covers before a group": (
        lambda at: _text(
            at / "shs_dataset_train.txt", f"{TWO}<SEP>AR<SEP>1\n%1, A\n{ONE}<SEP>AR<SEP>-1\n{TWO}\n"
        ),
        {"secondhandsongs": 2},
    ),
    "a group without a work": (
        lambda at: _text(
            at / "shs_dataset_train.txt", f"%1, A\n{ONE}<SEP>AR<SEP>-1\n%A\n{TWO}<SEP>AR<SEP>2\n"
        ),
        {"secondhandsongs": 2},
    ),
    "words": (
        lambda at: write_lyrics(
            at,
            "train",
            "i,you",
            [
                f"{ONE},1,1:1",
                f"{TWO},1,3:1",
                f"{TWO},1,0:1",
                f"{TWO},1,x",
                f"{TWO},x",
                "TR,1,1:1",
                f"{THREE}",
            ],
        ),
        {"musixmatch": 6},
    ),
    "plays": (
        lambda at: _text(
            at / "train_triplets.txt",
            f"{USER}\t{SONG}\t2\n{USER}\tSO1\t2\n{USER}\t{OTHER}\tmany\n{USER}\t{OTHER}\t0\n{USER}\t{OTHER}\n",
        ),
        {"taste_profile": 4},
    ),
    "tags": (
        lambda at: write_tag_archive(
            at,
            "train",
            {ONE: [["rock", "50"]], TWO: [["a", "101"]], THREE: [["a", "x"]], "TRAAA.": [["a", "1"]]},
        ),
        {"lastfm": 3},
    ),
}


def _text(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


@pytest.mark.parametrize("kind", ODD)
def test_odd_lines_are_counted_and_the_others_read(tmp_path: Path, kind: str) -> None:
    write, odd = ODD[kind]
    write(tmp_path)
    with opened(tmp_path) as companion:
        assert companion.set_aside == odd
        assert companion.rows({ONE: SONG, TWO: OTHER, THREE: OTHER}).keys() == {ONE}


def test_of_what_is_named_twice_the_first_file_counts(tmp_path: Path) -> None:
    write_covers(tmp_path, "train", [("1, A", [ONE, TWO])])
    write_covers(tmp_path, "test", [("2, B", [ONE, THREE])])
    found = known(tmp_path)
    assert [found[track]["secondhandsongs"]["split"] for track in (ONE, TWO, THREE)] == [
        "train",
        "train",
        "test",
    ]


@pytest.mark.parametrize("name", [file for one in SETS.values() for file in one.files])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\3\4 cut short", bytes(range(256)) * 50])
def test_a_file_that_is_another_is_named_or_counted(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    try:
        with opened(tmp_path) as companion:
            assert companion.rows({ONE: SONG}) == {}
    except (DumpDamaged, IndexUnusable) as error:
        assert name in str(error)


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_zip_that_is_cut_short_is_named(tmp_path: Path, keep: float) -> None:
    write_genres(tmp_path, "cd1", {ONE: ["Jazz"]})
    packed = zipped(write_lyrics(tmp_path, "train", "i", [f"{ONE},1,1:{n}" for n in range(2000)]))
    packed.write_bytes(packed.read_bytes()[: int(packed.stat().st_size * keep)])
    with pytest.raises(DumpDamaged, match=r"mxm_dataset_train.txt.zip cannot be used.*download it again"):
        opened(tmp_path)


@given(
    text=st.text(st.characters(codec="utf-8"), max_size=200),
    name=st.sampled_from(sorted(READERS)),
    seed=st.integers(),
)
@settings(max_examples=150)
def test_readers_take_any_text(tmp_path: Path, text: str, name: str, seed: int) -> None:
    """Lines of any signs among good ones, and good ones with signs taken from them."""
    file = tmp_path / next(one for one in SETS[name].files if one.endswith((".cls", ".txt", ".db")))
    good = [f"{ONE}\tJazz", "%1,2, T", f"{ONE}<SEP>AR<SEP>1", "%i,you", f"{ONE},1,1:1", SHS_HEADER, text]
    random.Random(seed).shuffle(good)
    file.write_bytes("\n".join(good).encode()[: seed % 300])
    try:
        for row in READERS[name](file):
            assert row is None or set(row) > {"track_id"}
    except DumpDamaged:
        assert name == "lastfm"
