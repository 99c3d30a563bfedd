"""Songs answered without a search of their own: by an album or a search for the release that lists them, or
by an id from elsewhere.

Of such a song the ledger keeps a note that names the album, the release or the tracks; those have answers of
their own there. An album's place among the releases of the MSD is noted too, so that it is looked at before
any search.
Which track of an album is which song is not said here: that is for `music_assets.matching`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from music_assets.sources.ledger import Key, Ledger, Response
from music_assets.sources.spotify.lookups import ALBUMS, TRACKS
from music_assets.sources.spotify.rows import Row, album_rows, search_rows, track_row

RELEASE = "release"


@dataclass(frozen=True)
class Resolution:
    """By what a song was answered: `by` is `album`, `release` or a source of ids.

    `ids` are Spotify's, of a release its key. Where it is not `verified`, the id is taken on the source's
    word: nothing else is known of the track.
    """

    track_id: str
    by: str
    ids: tuple[str, ...]
    verified: bool = True

    @property
    def query(self) -> str:
        """What stands where a search has its query."""
        return f"{self.by} {' '.join(self.ids)}"


@dataclass(frozen=True)
class Tracks:
    """The tracks a note leads to, and when the note was taken."""

    note: Resolution
    rows: list[Row]
    noted_at: datetime


class Resolutions:
    """Notes and what they lead to, out of one ledger."""

    def __init__(
        self, ledger: Ledger, *, source: str, make: Callable[[Key, str, str, object], Response]
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._make = make

    def record(self, notes: Iterable[Resolution]) -> None:
        """Keep notes."""
        self._ledger.put_many(
            self._make(
                _song_key(note.track_id),
                "answered",
                note.query,
                {"by": note.by, "ids": note.ids, "verified": note.verified},
            )
            for note in notes
        )

    def get_many(self, track_ids: Iterable[str]) -> dict[str, Tracks]:
        """The tracks by song, for those that have a note whose album or tracks are still kept."""
        noted = self._ledger.get_many(map(_song_key, track_ids))
        notes = {
            key.id: (
                Resolution(key.id, kept.body["by"], tuple(kept.body["ids"]), kept.body["verified"]),
                kept.fetched_at,
            )
            for key, kept in noted.items()
        }
        wanted = {_leads_to(note, id_) for note, _ in notes.values() for id_ in note.ids}
        kept = self._ledger.get_many(wanted)
        found = {}
        for track_id, (note, noted_at) in notes.items():
            answers = [kept.get(_leads_to(note, id_)) for id_ in note.ids]
            rows = [row for answer in answers if answer for row in self._rows(answer)]
            if not note.verified and not rows:
                by = self._source if self._source == "sandbox" else note.by
                rows = [track_row({"id": id_}, source=by, fetched_at=noted_at) for id_ in note.ids]
            if rows:
                found[track_id] = Tracks(note, rows, noted_at)
        return found

    def _rows(self, answer: Response) -> list[Row]:
        if answer.status != "answered":
            return []
        if answer.key.entity == RELEASE:
            return search_rows(answer.body, source=self._source, fetched_at=answer.fetched_at)
        if answer.key.entity == ALBUMS.entity:
            return album_rows(answer.body, source=self._source, fetched_at=answer.fetched_at)
        at, asked = answer.fetched_at, answer.key.id
        return [track_row(answer.body, source=self._source, fetched_at=at, asked=asked)]

    def record_albums(self, albums: Mapping[str, Iterable[str]]) -> None:
        """Keep which of Spotify's albums a release of the MSD may be, by a key of the release."""
        self._ledger.put_many(
            self._make(_release_key(key), "answered", "", {"ids": list(ids)}) for key, ids in albums.items()
        )

    def albums(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Spotify's albums by release, for the releases that have any."""
        return {
            key.id: kept.body["ids"] for key, kept in self._ledger.get_many(map(_release_key, keys)).items()
        }


def _leads_to(note: Resolution, id_: str) -> Key:
    if note.by == RELEASE:
        return tracks_of_release(id_)
    return (ALBUMS if note.by == "album" else TRACKS).key(id_)


def tracks_of_release(key: str) -> Key:
    """The question for a release's tracks, by the release's key."""
    return Key(RELEASE, key, "tracks")


def _song_key(track_id: str) -> Key:
    return Key("track", track_id, "settled")


def _release_key(key: str) -> Key:
    return Key(RELEASE, key, "albums")
