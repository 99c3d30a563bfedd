"""What several songs of a release show together: that two names are of one artist, who is renamed since 2011.

Not here: names that differ in spelling (`artists`), the renamings everybody knows (`vocabulary.RENAMED`).
"""

from __future__ import annotations

from collections.abc import Iterable

from music_assets.matching.artists import Renamings, artist_pair
from music_assets.matching.pair import PairFeatures
from music_assets.matching.records import Candidate, Song

SONGS_THAT_AGREE = 3
"""So many songs must agree in title and length with tracks of one album. A cover band that plays a whole
album copies the titles; its lengths differ."""

_WITHIN_S = 2.0


def renamed_artists(songs: Iterable[Song], tracks: Iterable[Candidate]) -> Renamings:
    """Pairs of an MSD artist and a credit of Spotify's that are one artist by the evidence of these songs.

    `songs` are those of one release, `tracks` what a search for the release, or its album, brought. Titles
    that many songs have ("Intro") do not count, nor do karaoke and tribute performers.
    """
    tracks = tuple(tracks)
    agreeing: dict[tuple[tuple[str, str], str | None], set[str]] = {}
    for song in songs:
        for track in tracks:
            pair = PairFeatures(song, track)
            if _agree_but_for_artist(pair):
                agreeing.setdefault((artist_pair(song, track), track.album), set()).add(pair.ours.full)
    return frozenset(names for (names, _), titles in agreeing.items() if len(titles) >= SONGS_THAT_AGREE)


def _agree_but_for_artist(pair: PairFeatures) -> bool:
    song, candidate = pair.song, pair.candidate
    return (
        not pair.credits.value
        and bool(song.credit.names and candidate.credit.names)
        and not (song.credit.copyist or candidate.credit.copyist)
        and bool(pair.ours.base)
        and pair.title_equal
        and not pair.ours.names_no_song
        and pair.ours.parts == pair.theirs.parts
        and not pair.lone_kinds
        and pair.within(_WITHIN_S)
    )
