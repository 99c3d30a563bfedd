"""AcousticBrainz's dump: the median of what was submitted, and what is no value left out."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music_assets.sources.acousticbrainz import AcousticBrainz, find_files
from music_assets.sources.dumps import DumpDamaged
from music_assets_tests.support.dumps import mbid, write_features


def features(folder: Path, *mbids: str) -> list[dict[str, object]]:
    with AcousticBrainz.open(find_files(folder), folder / "cache") as acousticbrainz:
        return acousticbrainz.features(mbids)


def test_each_value_is_the_median_of_its_submissions_and_the_key_the_most_frequent(tmp_path: Path) -> None:
    write_features(
        tmp_path, "rhythm", [(mbid(1), n, bpm, 1 + n / 10) for n, bpm in enumerate((100, 240, 102, 104))]
    )
    keys = [("A#", "minor"), ("Bb", "minor"), ("C", "major")]
    write_features(tmp_path, "tonal", [(mbid(1), n, *key) for n, key in enumerate(keys)])
    write_features(tmp_path, "lowlevel", [(mbid(1), 0, 0.25), (mbid(1), 1, 0.75)])
    assert features(tmp_path, mbid(1), mbid(2), "nonsense") == [
        {
            "recording_mbid": mbid(1),
            "tempo": 103.0,
            "key": "Bb",  # which some versions of the extractor call A#
            "scale": "minor",
            "danceability": 1.15,
            "loudness": 0.5,
            "submissions": 4,
        }
    ]


def test_what_is_no_value_is_null_and_what_names_no_recording_is_set_aside(tmp_path: Path) -> None:
    rows = [
        (mbid(1), 0, "nan", -1),
        (mbid(2), 0, "inf", "x"),
        (mbid(2), 1, 90, "1e9"),
        ("nobody", 0, 90, 1),
        (mbid(3).upper(), 0, 80.5, ""),
        (mbid(4),),
    ]
    write_features(tmp_path, "rhythm", rows)
    write_features(tmp_path, "tonal", [(mbid(2), 0, "H", "dur"), (mbid(2), 1, "E", "major")])
    found = features(tmp_path, *map(mbid, range(1, 5)))
    assert [
        (row["recording_mbid"], row["tempo"], row["key"], row["danceability"]) for row in found
    ] == sorted([(mbid(2), 90.0, "E", None), (mbid(3), 80.5, None, None)])
    with AcousticBrainz.open(find_files(tmp_path), tmp_path / "cache") as acousticbrainz:
        assert acousticbrainz.set_aside == 2


def test_a_file_without_the_columns_or_without_a_csv_is_refused(tmp_path: Path) -> None:
    file = write_features(tmp_path, "rhythm", [(mbid(1), 0)], columns=("mbid", "bpm"))
    with pytest.raises(DumpDamaged, match="lacks the column danceability"):
        features(tmp_path, mbid(1))
    write_features(tmp_path, "rhythm", [(mbid(1), 0)], columns=("mbid", "x" * 60_000))
    with pytest.raises(DumpDamaged, match="it has mbid, xxx") as damage:
        features(tmp_path, mbid(1))
    assert len(str(damage.value)) < 1_000
    file.write_bytes(b"<html>")
    with pytest.raises(DumpDamaged, match="rhythm"):
        features(tmp_path, mbid(1))


@settings(max_examples=8)
@given(st.lists(st.tuples(st.integers(1, 20), st.floats(40, 220, width=32)), min_size=1, max_size=40))
def test_medians_are_those_of_the_standard_library(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float]]
) -> None:
    folder = tmp_path_factory.mktemp("medians")
    write_features(folder, "rhythm", [(mbid(n), at, bpm, 1) for at, (n, bpm) in enumerate(rows)])
    found = {row["recording_mbid"]: row["tempo"] for row in features(folder, *map(mbid, range(1, 21)))}
    by_mbid = {mbid(n): [bpm for m, bpm in rows if m == n] for n, _ in rows}
    assert found == pytest.approx({one: median(values) for one, values in by_mbid.items()})
