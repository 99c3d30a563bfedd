"""Candidates for songs: by the artist's id or name, however the dump spells them, and by the 2016 mapping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music_assets.sources.dumps import DumpDamaged
from music_assets.sources.musicbrainz import MusicBrainz, MusicBrainzFiles, Recording, WantedSong
from music_assets_tests.support.dumps import (
    mbid,
    recording,
    write_canonical,
    write_full,
    write_mapping,
)

ARTIST, OTHER = mbid(500), mbid(501)
TRACK = "TRAAAAA128F0000000"


def song(
    title: str | None, artist: str | None = ARTIST, *names: str, song_id: str = "SOAAAAA12A8C13D406"
) -> WantedSong:
    return WantedSong(TRACK, song_id, title, artist, names)


def found(folder: Path, *songs: WantedSong) -> list[Recording]:
    """The candidates of the first of these songs."""
    files = MusicBrainzFiles.find(folder)
    assert files is not None
    with MusicBrainz.open(files, folder / "cache") as musicbrainz:
        return musicbrainz.candidates(songs)([TRACK]).get(TRACK, [])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Harbour", "Harbour"),
        ("HARBOUR (Album Version)", "Harbour"),
        ("Harbour", "Harbour (live)"),
        ("Harbour - Live", "Harbour"),
        ("The Harbour", "Harbour"),
        ("Harbour_ Part 2", "Harbour, Pt. II"),
        ("Harbor Lights", "Harbour Lights"),
        ("Ca Ira", "Ça ira"),
        ("Smorrebrod", "Smørrebrød"),
        ("Salt & Water", "Salt and Water"),
        ("Wander", "(Do Not) Wander"),
        ("Lights feat. Somebody", "Lights"),
        ("Кино", "кино"),
        ("!!!", "!!!"),
    ],
)
def test_titles_that_may_be_one_are_candidates(tmp_path: Path, ours: str, theirs: str) -> None:
    write_canonical(tmp_path, [recording(1, theirs), recording(2, "Something Else")])
    (one,) = found(tmp_path, song(ours))
    assert (one.recording_name, one.found_by, one.mapped) == (theirs, "artist_mbid", False)
    assert (one.recording_mbid, one.release_name, one.isrcs) == (mbid(1), "An Album", None)


@pytest.mark.parametrize(
    "artists", [f"{OTHER},{ARTIST}", f"{{{OTHER},{ARTIST}}}", f"['{OTHER}', '{ARTIST.upper()}']"]
)
def test_any_of_the_artists_of_a_credit_counts_however_they_are_listed(tmp_path: Path, artists: str) -> None:
    write_canonical(tmp_path, [recording(1, "Harbour", "X feat. Y", artists=artists)])
    assert [one.found_by for one in found(tmp_path, song("Harbour"))] == ["artist_mbid"]


@pytest.mark.parametrize("name", ["The Ys", "YS", "Ys", "the ys", "Ýs"])
def test_without_the_artists_id_its_names_count(tmp_path: Path, name: str) -> None:
    rows = [recording(1, "Harbour"), recording(2, "Harbour", "Zs", credit=2, artists=OTHER)]
    write_canonical(tmp_path, rows)
    assert [(one.recording_mbid, one.found_by) for one in found(tmp_path, song("Harbour", None, name))] == [
        (mbid(1), "name")
    ]
    assert found(tmp_path, song("Harbour", mbid(7), "Nobody")) == []  # an id that was merged since


def test_a_credit_with_a_guest_is_found_by_the_name_before_it(tmp_path: Path) -> None:
    write_canonical(tmp_path, [recording(1, "Harbour", "The Ys feat. Zs", artists=OTHER)])
    assert len(found(tmp_path, song("Harbour", None, "Ys"))) == 1


def test_the_mapping_of_2016_adds_candidates_by_song_or_track_and_follows_redirects(tmp_path: Path) -> None:
    rows = [recording(1, "Harbour"), recording(2, "Another", "Zs", credit=2, artists=OTHER)]
    write_canonical(tmp_path, rows, [(mbid(77), mbid(2))])
    write_mapping(
        tmp_path, [("SOAAAAA12A8C13D406", mbid(77), "Another", "Zs"), ("SOZZZZZ12A8C13D406", mbid(1), "", "")]
    )
    assert {(one.recording_mbid, one.found_by, one.mapped) for one in found(tmp_path, song("Harbour"))} == {
        (mbid(1), "artist_mbid", False),
        (mbid(2), "mapping", True),
    }
    write_mapping(tmp_path, [(TRACK, mbid(1).upper(), "Harbour", "The Ys")], b'"open, \x00\n\xff\nTR,x\n\n')
    assert [(one.found_by, one.mapped) for one in found(tmp_path, song("Harbour"))] == [("artist_mbid", True)]


@pytest.mark.parametrize("with_mapping", [False, True])
def test_what_a_song_comes_with_is_named_too_redirects_followed(tmp_path: Path, with_mapping: bool) -> None:
    rows = [recording(1, "Harbour"), recording(2, "Another", "Zs", credit=2, artists=OTHER)]
    write_canonical(tmp_path, rows, [(mbid(77), mbid(2))])
    if with_mapping:
        write_mapping(tmp_path, [(TRACK, mbid(1), "Harbour", "The Ys")])
    named = replace(song("Harbour"), recording_mbids=(mbid(77), mbid(99), "no id"))
    assert {(one.recording_mbid, one.found_by, one.mapped) for one in found(tmp_path, named)} == {
        (mbid(1), "artist_mbid", with_mapping),
        (mbid(2), "mapping", True),
    }


def test_a_song_with_many_namesakes_keeps_the_most_canonical(tmp_path: Path) -> None:
    write_canonical(tmp_path, [recording(n, "Harbour", score=100 - n) for n in range(1, 40)])
    kept = found(tmp_path, song("Harbour"))
    assert [one.score for one in kept] == sorted(one.score for one in kept)
    assert len(kept) == 8 and kept[0].recording_mbid == mbid(39)


def test_odd_rows_are_set_aside_and_counted_and_stop_nothing(tmp_path: Path) -> None:
    more = (
        b"8,1,x,The Ys,not-a-uuid,N,not-a-uuid,Harbour,l,5\n"
        b"9,,x,The Ys,%s,N,%s,Harbour,l,5\n"
        % (mbid(3).encode(), mbid(4).encode())
        + b"too,short\n"
        + b'10,1,"\xff\xfe",The Ys,b,c,d,e,f,1\n'
        + b"11,1,x,The Ys,%s,N,%s,,l,5\n" % (mbid(5).encode(), mbid(6).encode())
        + b'12,1,"'
        + b"x" * 3_000_000
        + b'",b,c,d,e,f,g,1\r\n'
        + b"13,1,%s,The Ys,%s,N,%s,Harbour Two,l,5\r\n"
        % (ARTIST.encode(), mbid(7).encode(), mbid(8).encode())
    )
    write_canonical(tmp_path, [recording(1, 'Say "Hey"\nYou', artists="")], more=more)
    files = MusicBrainzFiles.find(tmp_path)
    assert files is not None
    with MusicBrainz.open(files, tmp_path / "cache") as musicbrainz:
        assert musicbrainz.set_aside == 6
    assert [one.recording_mbid for one in found(tmp_path, song("Harbour Two"))] == [mbid(8)]
    assert [one.recording_name for one in found(tmp_path, song("Say Hey", None, "The Ys"))] == [
        'Say "Hey"\nYou'
    ]


def test_the_full_dump_adds_isrcs_and_spotify_links(tmp_path: Path) -> None:
    write_canonical(tmp_path, [recording(1, "Harbour")])
    track = "4uLU6hMCjMI75M1A2tKUQC"
    write_full(
        tmp_path,
        {
            "recording": [
                (10, mbid(1), "Harbour", 1, 201000, "", 0, r"\N", "f"),
                (11, mbid(2), "X", 1, 1, "", 0, r"\N", "f"),
            ],
            "isrc": [
                (1, 10, "USXX10000001", r"\N"),
                (2, 10, "GBXX10000002", r"\N"),
                (3, 11, "USXX10000003", r"\N"),
            ],
            "url": [
                (5, mbid(3), f"https://open.spotify.com/track/{track}", 0, r"\N"),
                (6, mbid(4), "https://open.spotify.com/album/4uLU6hMCjMI75M1A2tKUQD", 0, r"\N"),
                (7, mbid(5), "https://example.org/", 0, r"\N"),
            ],
            "l_recording_url": [(1, 9, 10, 5, 0), (2, 9, 10, 6, 0), (3, 9, 11, 7, 0)],
            "l_recording_recording": [(1, 2, 3)],
        },
    )
    (one,) = found(tmp_path, song("Harbour"))
    assert (one.isrcs, one.spotify_track_ids) == (["GBXX10000002", "USXX10000001"], [track])


def test_a_full_dump_of_another_schema_is_refused_in_words(tmp_path: Path) -> None:
    write_canonical(tmp_path, [recording(1, "Harbour")])
    tables = {name: [(1, mbid(1), 2, 3)] for name in ("recording", "isrc", "url", "l_recording_url")}
    write_full(tmp_path, tables)
    with pytest.raises(DumpDamaged, match="columns of its table isrc"):
        found(tmp_path, song("Harbour"))
    write_full(tmp_path, {"recording": [(1, mbid(1))]})
    with pytest.raises(DumpDamaged, match="lacks the table isrc, l_recording_url, url"):
        found(tmp_path, song("Harbour"))


def test_the_newest_dump_is_used_and_an_unpacked_one_as_well(tmp_path: Path) -> None:
    write_canonical(tmp_path, [recording(1, "Old")])
    write_canonical(tmp_path, [recording(2, "New")], name="musicbrainz-canonical-dump-20261117-080003")
    files = MusicBrainzFiles.find(tmp_path)
    assert files is not None and files.made_at.isoformat() == "2026-11-17T08:00:03+00:00"
    assert [one.recording_mbid for one in found(tmp_path, song("New"))] == [mbid(2)]
    unpacked = tmp_path / "other" / "musicbrainz-canonical-dump-20261003-080003" / "canonical"
    unpacked.mkdir(parents=True)
    row = ",".join(map(str, recording(3, "Unpacked")))
    header = "id,artist_credit_id,artist_mbids,artist_credit_name,release_mbid,release_name,recording_mbid,"
    header += "recording_name,x,score"
    (unpacked / "canonical_musicbrainz_data.csv").write_text(f"{header}\n{row}\n")
    assert [one.recording_mbid for one in found(tmp_path / "other", song("Unpacked"))] == [mbid(3)]
    assert MusicBrainzFiles.find(tmp_path / "nothing") is None


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12)), min_size=1, max_size=8
    ),
    st.text(max_size=12),
)
def test_whatever_names_there_are_each_recording_is_found_by_its_own(
    tmp_path_factory: pytest.TempPathFactory, names: list[tuple[str, str]], title: str
) -> None:
    """Names of any characters, quotes and line ends among them: the exact title is always a candidate."""
    folder = tmp_path_factory.mktemp("names")
    # PostgreSQL quotes a carriage return in a CSV, Python does not; neither has NUL.
    names = [(name.strip("\0\r"), artist.strip("\0\r")) for name, artist in names]
    names = [
        pair for pair in names if all(text.strip() and "\0" not in text and "\r" not in text for text in pair)
    ]
    rows = [recording(n, *pair, credit=n, artists=mbid(600 + n)) for n, pair in enumerate(names, 1)]
    write_canonical(folder, rows)
    wanted = [WantedSong(str(n), None, name, mbid(600 + n), ()) for n, (name, _) in enumerate(names, 1)]
    files = MusicBrainzFiles.find(folder)
    assert files is not None
    with MusicBrainz.open(files, folder / "cache") as musicbrainz:
        look = musicbrainz.candidates([*wanted, WantedSong("other", title, title, title, (title,))])
        result = look([one.track_id for one in wanted])
        assert musicbrainz.set_aside == 0
    assert {track: [one.recording_mbid for one in ones] for track, ones in result.items()} == {
        str(n): [mbid(n)] for n in range(1, len(names) + 1)
    }
