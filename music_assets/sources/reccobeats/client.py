"""`ReccoBeats`: audio features by Spotify id, from the ledger first and by requests for the rest.

Each id's answer is kept by itself the moment it is in, those it does not know too. When the service wants
a pause or is down, the rest comes back `pending`. `Ledger.request_lock` is the caller's to hold.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from music_assets.sources.http import BadResponse, HttpClient, Unavailable
from music_assets.sources.ledger import Key, Ledger, Response
from music_assets.sources.reccobeats.rows import features_row, spotify_id_of
from music_assets.sources.reccobeats.settings import MOST_IDS, ReccoBeatsSettings
from music_assets.sources.spotify.results import Fetched

PURPOSE = "reccobeats"
_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")


class ReccoBeats:
    """ReccoBeats as the pipeline sees it; close it after use (a context manager too)."""

    def __init__(
        self,
        settings: ReccoBeatsSettings,
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
        """Ids answered from the ledger since this was opened."""
        return self._saved

    def audio_features(self, ids: Iterable[str], *, isrcs: Mapping[str, str] | None = None) -> Fetched:
        """Rows of `spotify.audio_features` for these Spotify ids.

        An id that ReccoBeats does not know is asked for by its ISRC, where `isrcs` (by Spotify id) has one:
        the recording is the same, so its features are. Ids it knows neither way are `not_found`, and kept
        so; an id that is none is `failed` and not asked.
        """
        ids = list(dict.fromkeys(ids))
        work = _Work(self._ledger.get_many(map(_key, ids)))
        isrc_of = {id_: _isrc((isrcs or {}).get(id_)) for id_ in ids}
        unknown = [id_ for id_ in ids if _key(id_) not in work.known]
        work.failed += [id_ for id_ in unknown if not _SPOTIFY_ID.fullmatch(id_)]
        if work.failed:
            work.reason = f"{work.failed[0]!r} is no Spotify id"
        bad = set(work.failed)
        self._ask(work, {id_: [id_] for id_ in unknown if id_ not in bad}, asked=1)
        again: dict[str, list[str]] = {}
        for id_ in ids:
            kept, isrc = work.known.get(_key(id_)), isrc_of[id_]
            if isrc and kept and kept.status == "not_found" and kept.attempts == 1:
                again.setdefault(isrc, []).append(id_)
        self._ask(work, again, asked=2)
        return self._lookup(ids, work)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> ReccoBeats:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, work: _Work, ids_by_name: Mapping[str, list[str]], *, asked: int) -> None:
        """Ask for these names (Spotify ids or ISRCs) in batches, and keep what comes for their ids.

        `asked` says how often an id has been asked about then: 1 by its id, 2 by its ISRC as well.
        """
        for batch in _batches(ids_by_name):
            ids = [id_ for name in batch for id_ in ids_by_name[name]]
            try:
                found = _by_name(self._client.get("audio-features", ids=",".join(batch)), asked=asked)
            except Unavailable as error:
                work.over, work.reason = error, str(error)
                work.pending += ids
                continue
            except BadResponse as error:
                work.failed, work.reason = work.failed + ids, str(error)
                continue
            answers = [
                self._answer(id_, name, found.get(name), asked) for name in batch for id_ in ids_by_name[name]
            ]
            self._ledger.put_many(answers)
            work.known.update({answer.key: answer for answer in answers})
            work.asked.update(ids)

    def _answer(self, id_: str, name: str, body: Mapping[str, Any] | None, asked: int) -> Response:
        status = "not_found" if body is None else "answered"
        at = datetime.fromtimestamp(self._clock(), UTC)
        return Response(_key(id_), status, name, at, "keyless", body, asked)

    def _lookup(self, ids: list[str], work: _Work) -> Fetched:
        got = {id_: work.known[_key(id_)] for id_ in ids if _key(id_) in work.known}
        rows = [
            features_row(a.body, id_, source=self.settings.source, fetched_at=a.fetched_at)
            for id_, a in got.items()
            if a.status == "answered"
        ]
        waiting = {*work.pending, *work.failed}
        not_found = [id_ for id_, a in got.items() if a.status == "not_found" and id_ not in waiting]
        self._saved += sum(id_ not in work.asked and id_ not in waiting for id_ in got)
        until = work.over.until if work.over else None
        return Fetched(rows, not_found, work.pending, work.failed, False, work.reason, until)


@dataclass
class _Work:
    """What is known of the ids of one call, and what became of the others."""

    known: dict[Key, Response]
    asked: set[str] = field(default_factory=set)
    pending: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    over: Unavailable | None = None
    reason: str | None = None


def _by_name(body: Any, *, asked: int) -> dict[str, Mapping[str, Any]]:
    """The objects of an answer by the name they were asked for: their Spotify id, or their ISRC.

    Several tracks may have one ISRC; the smallest Spotify id is taken, so that the same one is each time.
    """
    items = body.get("content") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise BadResponse("ReccoBeats answered audio-features with an object that holds no list of content")
    objects = [item for item in items if isinstance(item, dict)]
    found: dict[str, Mapping[str, Any]] = {}
    for item in sorted(objects, key=lambda item: spotify_id_of(item) or ""):
        name = spotify_id_of(item) if asked == 1 else _isrc(item.get("isrc"))
        if name:
            found.setdefault(name, item)
    return found


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    names = list(names)
    for start in range(0, len(names), MOST_IDS):
        yield names[start : start + MOST_IDS]


def _key(id_: str) -> Key:
    return Key("spotify_track", id_, PURPOSE)


def _isrc(value: Any) -> str | None:
    """An ISRC in one spelling, without hyphens; None where it is none."""
    text = value.replace("-", "").upper() if isinstance(value, str) else ""
    return text if _ISRC.fullmatch(text) else None
