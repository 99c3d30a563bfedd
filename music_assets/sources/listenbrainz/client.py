"""`ListenBrainz`: Spotify ids by a song's names, from the ledger first and by requests for the rest.

Each song's answer is kept by itself the moment it is in, empty ones too. When the service wants a pause or is
down, the rest comes back `pending`. The right to spend (`Ledger.request_lock`) is the caller's to hold.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from music_assets.sources.http import BadResponse, HttpClient, Unavailable
from music_assets.sources.ledger import Key, Ledger, Response
from music_assets.sources.listenbrainz.names import spelt
from music_assets.sources.listenbrainz.settings import ListenBrainzSettings

PURPOSE = "listenbrainz"
_PATH = "spotify-id-from-metadata/json"
_FIELDS = ("artist_name", "release_name", "track_name")
_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")


@dataclass(frozen=True)
class SongNames:
    """An MSD song to ask about."""

    track_id: str
    title: str | None
    artist_name: str | None
    release: str | None


@dataclass
class IdLookup:
    """What came of the songs asked about, by MSD track id.

    `ids` holds the candidates of those that have any, the best first, and `fetched_at` when each song's
    answer came in. `not_found` songs have none, `pending` ones were not asked since the source wants a pause
    (until `until`), `failed` ones met an error, `unaskable` ones lack a title, an artist or a release.
    """

    ids: dict[str, list[str]] = field(default_factory=dict)
    not_found: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unaskable: list[str] = field(default_factory=list)
    fetched_at: dict[str, datetime] = field(default_factory=dict)
    source: str = ""
    reason: str | None = None
    until: datetime | None = None


class ListenBrainz:
    """ListenBrainz as the pipeline sees it; close it after use (a context manager too)."""

    def __init__(
        self,
        settings: ListenBrainzSettings,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self._ledger = ledger
        self._clock = clock
        self._client = HttpClient(settings.policy(), ledger, clock=clock, sleep=sleep)
        self._saved = 0

    @property
    def requests(self) -> int:
        """Requests that left since this was opened."""
        return self._client.requests

    @property
    def cache_hits(self) -> int:
        """Songs answered from the ledger since this was opened."""
        return self._saved

    def spotify_ids(self, songs: Iterable[SongNames]) -> IdLookup:
        """The Spotify ids ListenBrainz knows for these songs; a partition's at a time is a good measure."""
        asked = {song.track_id: song for song in songs}
        known = self._ledger.get_many(map(_key, asked))
        self._saved += len(known)
        found = IdLookup(source=self.settings.source)
        ask: list[tuple[str, dict[str, str]]] = []
        for track_id, song in asked.items():
            if _key(track_id) in known:
                continue
            names = spelt(song.title, song.artist_name, song.release)
            if names is None:
                found.unaskable.append(track_id)
            else:
                ask.append((track_id, dict(zip(_FIELDS, names, strict=True))))
        for start in range(0, len(ask), self.settings.batch):
            batch = ask[start : start + self.settings.batch]
            try:
                answers = self._answers(batch, self._client.post(_PATH, [names for _, names in batch]))
            except Unavailable as error:
                found.pending = [track_id for track_id, _ in ask[start:]]
                found.reason, found.until = str(error), error.until
                break
            except BadResponse as error:
                found.failed += [track_id for track_id, _ in batch]
                found.reason = str(error)
                continue
            self._ledger.put_many(answers)
            known.update({answer.key: answer for answer in answers})
        for track_id in asked:
            if answer := known.get(_key(track_id)):
                found.fetched_at[track_id] = answer.fetched_at
                if ids := _ids(answer.body):
                    found.ids[track_id] = ids
                else:
                    found.not_found.append(track_id)
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> ListenBrainz:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answers(self, batch: list[tuple[str, dict[str, str]]], body: Any) -> list[Response]:
        """The songs' answers, which come in the order asked and repeat the names they are for."""
        if not isinstance(body, list) or len(body) != len(batch):
            raise BadResponse(
                f"ListenBrainz did not answer with a list of the {len(batch)} songs it was asked"
            )
        at = datetime.fromtimestamp(self._clock(), UTC)
        answers = []
        for (track_id, names), row in zip(batch, body, strict=True):
            if not isinstance(row, dict) or any(row.get(name, said) != said for name, said in names.items()):
                raise BadResponse(
                    f"ListenBrainz answered about another song than {' / '.join(names.values())}"
                )
            status = "answered" if _ids(row) else "not_found"
            answers.append(
                Response(_key(track_id), status, " / ".join(names.values()), at, "keyless", row, 1)
            )
        return answers


def _ids(row: Mapping[str, Any]) -> list[str]:
    """The Spotify ids in a row of an answer, each once, whatever else stands among them left out."""
    ids = row.get("spotify_track_ids")
    listed = ids if isinstance(ids, list) else []
    return list(dict.fromkeys(id_ for id_ in listed if isinstance(id_, str) and _SPOTIFY_ID.fullmatch(id_)))


def _key(track_id: str) -> Key:
    return Key("track", track_id, PURPOSE)
