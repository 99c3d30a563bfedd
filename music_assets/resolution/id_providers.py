"""Sources that know Spotify ids of MSD songs. Their ids are candidates: each is verified by the matcher."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from music_assets.resolution.backlog import BacklogSong
from music_assets.sources.echonest import EchoNestArchive
from music_assets.sources.listenbrainz import Labs, SongNames


class IdProvider(Protocol):
    """A source of candidate ids; `name` is how a resolution by it is recorded."""

    name: str

    def ids(self, songs: Sequence[BacklogSong]) -> Mapping[str, Sequence[str]]:
        """Spotify ids by MSD track, best first, for the songs it knows."""


class EchoNestIds:
    """Ids of the mapping archive, but for tracks that the MSD itself says are linked to the wrong song."""

    name = "echonest"

    def __init__(self, archive: EchoNestArchive, mismatched: Collection[str] = ()) -> None:
        self._archive = archive
        self._mismatched = mismatched

    def ids(self, songs: Sequence[BacklogSong]) -> Mapping[str, Sequence[str]]:
        """Spotify ids by MSD track."""
        songs = [song for song in songs if song.song_id and song.track_id not in self._mismatched]
        known = self._archive.ids_of(song.song_id for song in songs if song.song_id)
        return {song.track_id: known[song.song_id] for song in songs if song.song_id in known}


class ListenBrainzIds:
    """Ids that ListenBrainz finds by a song's names."""

    name = "listenbrainz"

    def __init__(self, labs: Labs) -> None:
        self._labs = labs

    def ids(self, songs: Sequence[BacklogSong]) -> Mapping[str, Sequence[str]]:
        """Spotify ids by MSD track; none where it cannot be reached now."""
        names = [SongNames(song.track_id, song.title, song.artist_name, song.release) for song in songs]
        return self._labs.spotify_ids(names)[0]
