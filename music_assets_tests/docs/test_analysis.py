"""The examples of docs/analysis.md, run as they are written there, and its table against the arrays."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.sources.msd.layout import ANALYSIS_ARRAYS

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "analysis.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.S)


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With some songs of the sample, in the root that the page names."""
    (root,) = re.findall(r"MUSIC_ASSETS_MSD=([\w/]+)", DOCUMENT)
    (track_id,) = re.findall(r"\"(TR\w{16})\"", DOCUMENT)
    sample = sample_songs()
    songs = [*(one for one in sample if one["track_id"] == track_id), *sample[:4]]
    write_sample(tmp_path / root, songs)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUSIC_ASSETS_MSD", root)
    names: dict[str, Any] = {}
    for code in EXAMPLES:
        exec(code, names)
    beats, timbre = len(names["song"]["beats_start"]), names["song"]["segments_timbre"]
    assert names["chroma"].shape == (beats - 1, 12)
    assert names["chroma"].min() >= 0 and names["chroma"].max() <= 1
    assert {len(found) for found in names["features"].values()} == {90}
    np.testing.assert_allclose(names["features"][track_id][:12], timbre.mean(axis=0))
    in_all = {one["track_id"] for one in songs}
    assert {*names["features"]} == {*names["songs"]["track_id"]} == in_all
    assert len(names["artists"]) and names["set_aside"] == []


def test_a_beat_within_a_segment_has_that_segments_values() -> None:
    (code,) = (
        one for one in re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.S) if "def by_beat" in one
    )
    song = {"beats_start": np.array([0.0, 1, 3]), "segments_start": np.array([0.0, 2]), "x": np.eye(2)}
    names: dict[str, Any] = {"song": {**song, "segments_pitches": np.eye(2)}}
    exec(code, names)
    np.testing.assert_allclose(names["by_beat"](song, "x"), [[1, 0], [0.5, 0.5]])


def test_the_table_has_every_array_with_its_shape() -> None:
    for name, item in ANALYSIS_ARRAYS.items():
        kind = name if item.width else name.replace("bars_c", "segments_c").replace("beats_c", "segments_c")
        kind = kind.replace("tatums_c", "segments_c")
        shape = r"\(n, 12\)" if item.width else r"\(n,\)"
        assert re.search(rf"^\|[^|]*`{kind}`[^|]*\| {shape} \|", DOCUMENT, flags=re.M), name
