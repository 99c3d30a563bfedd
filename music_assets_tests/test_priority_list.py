"""The priority list, as people write it down."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.ids import MSD_TRACK_ID, SPOTIFY_ID, Id, find_ids, ids_as_written, parse_id
from music_assets.priority_list import PriorityListError, listed_ids, misspelt, read_priority_list

TRACK, SONG, ARTIST = "TRAAAAW128F429D538", "SOMZWCG12A8C13C480", "ARD7TVE1187B99BFB1"
SPOTIFY, ISRC, MBID = "0OdUWJ0sBjDrqHygGUXeCF", "USRC17607839", "5b11f4ce-a62d-471e-81fc-a69a8278c7da"


@pytest.mark.parametrize(
    "text",
    [
        f"{TRACK}\n{SONG}\n{ARTIST}\n",
        f"track_id,note\r\n{TRACK},first\r\n{SONG},\r\n{ARTIST},{TRACK}\r\n",
        f"We used ({TRACK}), {SONG}<SEP>{ARTIST}; not TRAAAAW128, nor XTRAAAAW128F429D538.",
        f"{TRACK.lower()}\nmsd_{SONG}_feat\n{ARTIST.title()}",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_ids_are_found_in_any_text_once_and_in_order(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(f"{text}\nDéjà vu".encode(encoding))
    assert read_priority_list(path) == [TRACK, SONG, ARTIST]


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        (f"spotify:track:{SPOTIFY}", Id("spotify", SPOTIFY)),
        (f"https://open.spotify.com/intl-de/track/{SPOTIFY}?si=0123456789abcdef", Id("spotify", SPOTIFY)),
        (SPOTIFY, Id("spotify", SPOTIFY)),
        ("US-RC1-76-07839", Id("isrc", ISRC)),
        (ISRC.lower(), Id("isrc", ISRC)),
        (MBID.upper(), Id("mbid", MBID)),
        (f"https://musicbrainz.org/recording/{MBID}", Id("mbid", MBID)),
        ("aaaaaaaa-bbbb-cccc-dddd-ab1234567890", Id("mbid", "aaaaaaaa-bbbb-cccc-dddd-ab1234567890")),
        (f"A/A/A/{TRACK}.h5", Id("track", TRACK)),
        (f"msd_{TRACK}_feat", Id("track", TRACK)),
    ],
)
def test_ids_of_every_source_are_taken_as_people_have_them(written: str, id_: Id) -> None:
    assert find_ids(f"see {written}, please") == [id_]
    assert parse_id(f" {written}\n") == id_
    ((_, spelt),) = ids_as_written(f"see {written}, please")
    assert spelt in written and parse_id(spelt) == id_


@pytest.mark.parametrize("word", ["transubstantiation", "counterrevolutionaries", "COUNTERREVOLUTIONARIES"])
def test_long_words_are_no_ids(word: str) -> None:
    assert find_ids(f"{word.capitalize()}, {word}") == []


@given(st.from_regex(MSD_TRACK_ID, fullmatch=True), st.sampled_from([",", "\t", " ", "_", "<SEP>", '"', "/"]))
def test_any_id_is_found_beside_any_separator(track: str, beside: str) -> None:
    assert find_ids(f"x{beside}{track}{beside}y") == [Id("track", track)]


@given(st.from_regex(SPOTIFY_ID, fullmatch=True))
def test_a_spotify_id_by_itself_is_one_however_it_looks(id_: str) -> None:
    assert parse_id(id_) == Id("spotify", id_)


def test_in_a_table_of_tracks_the_other_ids_only_describe_them(tmp_path: Path) -> None:
    """Who lists three tracks does not mean every song of their artists."""
    path = tmp_path / "paper.csv"
    tracks = [f"TRAAAAW128F429D53{n}" for n in range(3)]
    lines = [f"{ARTIST},{SONG},{track},{SPOTIFY}" for track in tracks]
    path.write_text("\n".join(["artist,song,track,spotify", *lines]))
    assert listed_ids(path) == [Id("track", track) for track in tracks]
    path.write_text("\n".join(["artist,song", *(f"{ARTIST},{SONG}" for _ in tracks)]))
    assert listed_ids(path) == [Id("song", SONG)]


def test_a_list_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    with pytest.raises(PriorityListError, match="--tracks"):
        read_priority_list(tmp_path / "none.txt")
    for content in (b"\xff\xfe\x00", b"PK\x03\x04 a spreadsheet \x00\x00"):
        (tmp_path / "bytes").write_bytes(content)
        with pytest.raises(PriorityListError, match="it is not text. Save it as text or CSV"):
            read_priority_list(tmp_path / "bytes")
    (tmp_path / "prose").write_text("nothing here")
    with pytest.raises(PriorityListError, match="names no id"):
        read_priority_list(tmp_path / "prose")


@pytest.mark.parametrize(
    "word",
    [
        TRACK[:-1],
        TRACK + "9",
        SONG[:-1],
        ARTIST + "0",
        f"Bogus{TRACK}",
        SPOTIFY[:-1],
        SPOTIFY + "x",
        TRACK[:-2],
    ],
)
def test_words_that_are_nearly_ids_are_named(tmp_path: Path, word: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"id,title\n{TRACK},Song\n{word},Another\n{word},\n{SPOTIFY},\n{ISRC},\n{MBID},\n")
    assert misspelt(path) == [word]


def test_titles_names_years_and_links_are_not_taken_for_misspelt_ids(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        f"{TRACK},Supercalifragilisticexpialidocious,SOMETHINGBEAUTIFUL,ARTISTS UNITED,2003-04-05\n"
        "99 Luftballons (1999 Remastered),TRANSMISSIONS 1984,2011,1298371298371298371298\n"
        "https://example.org/watch?v=aB3dE5gH7jK9mN1pQ3sT5,www.example.com/AR1234567890ABCDE12\n"
        "d41d8cd98f00b204e9800998ecf8427e,TrackFromTheOlderAlbum,msd_TRAAAAW128F429D538_feat.h5\n"
    )
    assert misspelt(path) == []
