"""The researcher's overrides: read whole, or refused with the line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sources.corrections import CorrectionsError, Override, read_overrides

TRACK, OTHER = "TRAAAAW128F429D538", "TRABAAB128F429CF47"
SPOTIFY = "4uLU6hMCjMI75M1A2tKUQC"
HEADER = "track_id,spotify_track_id,note\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "overrides.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_track_is_what_the_file_says_or_none(tmp_path: Path) -> None:
    text = f'{HEADER}{TRACK},{SPOTIFY},"heard it, twice"\n\n{OTHER}, None ,\n'
    assert read_overrides(written(tmp_path, text)) == {
        TRACK: Override(TRACK, SPOTIFY, "heard it, twice"),
        OTHER: Override(OTHER, None, ""),
    }


def test_columns_may_be_in_any_order_and_the_note_may_be_missing(tmp_path: Path) -> None:
    text = f"\ufeffspotify_track_id,track_id\n{SPOTIFY},{TRACK}\n"
    assert read_overrides(written(tmp_path, text)) == {TRACK: Override(TRACK, SPOTIFY, "")}


def test_a_file_of_the_header_alone_overrides_nothing(tmp_path: Path) -> None:
    assert read_overrides(written(tmp_path, HEADER)) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the columns must be track_id, spotify_track_id, note .*, not none"),
        (f"{TRACK},{SPOTIFY},\n", f"line 1: the columns must be .*, not {TRACK}, {SPOTIFY}"),
        (
            "track_id,spotify_track_id,why\n",
            "line 1: the columns must be .*, not .*, why",
        ),
        ("track_id,spotify_track_id,track_id\n", "line 1: the columns must be .*, each once"),
        (f"{HEADER}TRAAA,{SPOTIFY},\n", "line 2: 'TRAAA' is not an MSD track id"),
        (
            f"{HEADER}{TRACK},spotify:track:{SPOTIFY},\n",
            "line 2: 'spotify:track:.*' is not a Spotify track id",
        ),
        (
            f"{HEADER}{TRACK},,\n",
            "line 2: '' is not a Spotify track id: give its 22 letters and digits, or none",
        ),
        (f"{HEADER}\n{TRACK},{SPOTIFY},\n{TRACK},none,\n", f"line 4: {TRACK} is on an earlier line already"),
        (f"{HEADER}{TRACK},{SPOTIFY},one, two\n", "line 2: 4 values for 3 columns"),
        (f'{HEADER}{TRACK},{SPOTIFY},"open\n', "line 2: it is not CSV"),
        (HEADER + "x,y,\n" * 9, "line 2: .*; and 4 more"),
    ],
)
def test_what_is_invalid_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(CorrectionsError, match=said) as caught:
        read_overrides(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(f"{HEADER}{TRACK},{SPOTIFY},caf\xe9\n".encode("latin-1"))
    with pytest.raises(CorrectionsError, match="line 2: it is not UTF-8"):
        read_overrides(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorrectionsError, match="No such file"):
        read_overrides(tmp_path / "missing.csv")


@given(st.text())
def test_any_text_is_read_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "overrides.csv"
    path.write_bytes((HEADER + text).encode("utf-8", "surrogatepass"))
    try:
        found = read_overrides(path)
    except CorrectionsError as error:
        assert str(path) in str(error)
    else:
        assert all(track == one.track_id for track, one in found.items())
