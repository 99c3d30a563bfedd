"""Sources that know Spotify ids of MSD songs. Their ids are candidates: each is verified by the matcher."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from music_assets.ids import is_spotify_id, isrc_of, partition_of
from music_assets.resolution.backlog import BacklogSong
from music_assets.sources.download import DownloadError
from music_assets.sources.dumps import DumpError
from music_assets.sources.echonest import EchoNestArchive
from music_assets.sources.listenbrainz import Labs, SongNames


@dataclass
class KnownIds:
    """What a source knows: ids by MSD track, best first, each with its album where the source names it.

    An id is Spotify's, or an ISRC. `albums` are Spotify's, by the id of a track. `unreached` are the tracks
    that it could not be asked about now, and why.
    """

    by_track: dict[str, Mapping[str, str | None]] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)
    albums: dict[str, str] = field(default_factory=dict)


class IdProvider(Protocol):
    """A source of candidate ids; `name` is how a resolution by it is recorded."""

    @property
    def name(self) -> str: ...

    def ids(self, songs: Sequence[BacklogSong]) -> KnownIds:
        """What it knows of these songs."""


class EchoNestIds:
    """Ids of the mapping archive, but for tracks that the MSD itself says are linked to the wrong song.

    `archive` opens it, once a song is looked up in it: its index may have to be made. Where that fails, the
    next run looks the songs up.
    """

    name = "echonest"

    def __init__(self, archive: Callable[[], EchoNestArchive], mismatched: Collection[str] = ()) -> None:
        self._open = archive
        self._mismatched = mismatched

    @cached_property
    def _archive(self) -> EchoNestArchive | str:
        """The archive, or why it cannot be used."""
        try:
            return self._open()
        except (DownloadError, DumpError) as error:
            return str(error)

    def ids(self, songs: Sequence[BacklogSong]) -> KnownIds:
        """Its ids, each with its album."""
        songs = [song for song in songs if song.song_id and song.track_id not in self._mismatched]
        archive = self._archive
        if isinstance(archive, str):
            return KnownIds(unreached={song.track_id: archive for song in songs})
        known = archive.ids_of(song.song_id for song in songs if song.song_id)
        found = {song.track_id: known[song.song_id] for song in songs if song.song_id in known}
        return KnownIds(
            {track_id: ids.tracks for track_id, ids in found.items() if ids.tracks},
            albums={track: album for ids in found.values() for track, album in ids.albums.items()},
        )


class LabsIds:
    """Ids that ListenBrainz Labs find by a song's names; some are of another version."""

    name = "listenbrainz"  # as every ledger has it

    def __init__(self, labs: Labs) -> None:
        self._labs = labs

    def ids(self, songs: Sequence[BacklogSong]) -> KnownIds:
        """Its ids, without albums."""
        names = [SongNames(song.track_id, song.title, song.artist_name, song.release) for song in songs]
        found, rest = self._labs.spotify_ids(names)
        unreached = dict.fromkeys((*rest.pending, *rest.failed), rest.reason or "")
        return KnownIds({track: dict.fromkeys(ids) for track, ids in found.items()}, unreached)


class Isrcs:
    """ISRCs of the recordings that songs were linked to, and Spotify tracks that MusicBrainz links to those.

    `of_partition` gives both by MSD track.
    """

    name = "isrc"

    def __init__(self, of_partition: Callable[[str], Mapping[str, Sequence[str]]]) -> None:
        self._of_partition = of_partition

    def ids(self, songs: Sequence[BacklogSong]) -> KnownIds:
        """Spotify's ids and ISRCs, each in its one spelling."""
        found: dict[str, Mapping[str, str | None]] = {}
        for song in songs:
            known = self._of_partition(partition_of(song.track_id)).get(song.track_id, ())
            if ids := dict.fromkeys(filter(None, (o if is_spotify_id(o) else isrc_of(o) for o in known))):
                found[song.track_id] = ids
        return KnownIds(found)
