"""The sandbox's MusicBrainz: the recordings that an MSD song brings to it.

Most songs have a recording; beside it stand some of the takes, remixes and covers that are on the sandbox's
Spotify. About half of them were analysed for AcousticBrainz. All follows from the song's own values, so an
MBID is the same on every machine. The catalogue stores them, `dumps` and `keyless` publish them.
"""

from __future__ import annotations

import re
import uuid
from typing import NamedTuple

from music_assets.sandbox.spotify.entities import Artist, Song, Track
from music_assets.sandbox.spotify.generator import same_recording_key
from music_assets.sandbox.spotify.names import dice_of, fold, signs, split_artists, split_title, spotify_id

KNOWN = 80  # percent of the songs that MusicBrainz has; `facts` of November 2026 report 80.7
OTHER_TAKES = 60  # percent of the other tracks that it has
ANALYSED = 56  # percent of the recordings that AcousticBrainz has: 45 of 100 songs
_ANOTHER_SPELLING = 4  # percent of the titles
_TAKE = re.compile(r" - ([^-]+)$")


class Recording(NamedTuple):
    """A recording, by its artists and the release it was first on; `track_id` where it is an MSD song's.

    The last four are None where AcousticBrainz has nothing: BPM, key and mode as the MSD counts them, dB.
    """

    mbid: str
    track_id: str | None
    name: str
    artist_name: str
    artist_mbids: str  # joined by commas
    release_mbid: str
    release_name: str
    tempo: float | None = None
    key: int | None = None
    mode: int | None = None
    loudness: float | None = None


def mbid_of(*parts: str) -> str:
    """An MBID that follows from `parts` alone."""
    return str(uuid.UUID(int=dice_of("mbid", *parts) << 64 | dice_of("other half", *parts), version=4))


def recordings_of(song: Song, tracks: list[Track]) -> list[Recording]:
    """The recordings of an MSD song and of the tracks it brings to Spotify, its own first."""
    names = split_artists(song.artist_name)
    main = song.artist_mbid or mbid_of("artist", fold(names[0]))
    made = []
    if dice_of("musicbrainz", same_recording_key(song)) % 100 < KNOWN:
        title, guests = split_title(signs(song.title))
        credit = " & ".join(names) + (f" feat. {', '.join(guests)}" if guests else "")
        others = [mbid_of("artist", fold(name)) for name in [*names[1:], *guests]]
        made.append(
            _recording(song, song.track_id, _as_written(title, song.track_id), credit, [main, *others])
        )
    for number, track in enumerate(tracks):
        if not track.right and dice_of("take", track.id) % 100 < OTHER_TAKES:
            credit = " & ".join(artist.name for artist in track.artists)
            ids = [_mbid_of_artist(artist, names[0], main) for artist in track.artists]
            name = _TAKE.sub(lambda take: f" ({take[1].lower()})", track.name)
            made.append(_recording(song, None, name, credit, ids, f"{number}", signs(track.album.name)))
    return made


def _mbid_of_artist(artist: Artist, main_name: str, main: str) -> str:
    """The artist's MBID: the MSD's own where this is the song's main artist."""
    return (
        main if artist.id == spotify_id("artist", fold(main_name)) else mbid_of("artist", fold(artist.name))
    )


def _recording(
    song: Song,
    track_id: str | None,
    name: str,
    credit: str,
    artist_mbids: list[str],
    number: str = "",
    release: str | None = None,
) -> Recording:
    release = release or signs(song.release)
    made = Recording(
        mbid=mbid_of("recording", song.track_id, number),
        track_id=track_id,
        name=name,
        artist_name=credit,
        artist_mbids=",".join(dict.fromkeys(artist_mbids)),
        release_mbid=mbid_of("release", artist_mbids[0], fold(release)),
        release_name=release,
    )
    dice = dice_of("acousticbrainz", fold(credit), fold(name))
    if dice % 100 >= ANALYSED:
        return made
    tempo = song.tempo or 70.0 + dice // 100 % 100
    return made._replace(
        tempo=tempo / 2 if dice // 10_000 % 100 < 5 else tempo,  # counted by the half-note
        key=song.key if song.key is not None else dice // 7 % 12,
        mode=song.mode if song.mode is not None else dice // 11 % 2,
        loudness=song.loudness if song.loudness is not None else -9.0,
    )


def _as_written(title: str, track_id: str) -> str:
    """The title as MusicBrainz has it: with typographic apostrophes, and at times in another spelling."""
    dice = dice_of("title", track_id)
    if dice % 100 < _ANOTHER_SPELLING and len(title) > 12:
        title = title[:5] + title[6:]
    return title.replace("'", "’")
