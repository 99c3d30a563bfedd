"""Things asked for by their Spotify id: tracks, artists, albums, audio features.

From the ledger first, each id's answer kept by itself; the rest in batches where the access mode has
them, one by one where it does not. Searching for a song is in `facade`, what a row holds in `shapes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from music_assets.sources.ledger import Key, Ledger, Response
from music_assets.sources.spotify.access import Access
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.sources.spotify.errors import AccessDenied, BadResponse, OutOfBudget

DENIED_FOR = timedelta(days=7)  # how long a refused feature is not asked for again
_ID = re.compile(r"[0-9A-Za-z]{22}")  # one bad id among fifty and Spotify refuses all


@dataclass(frozen=True)
class Kind:
    """One endpoint that gives things by id.

    `batch` is how many ids it takes at most, `single` whether development mode lets one be asked for.
    """

    path: str
    entity: str
    purpose: str
    batch: int
    single: bool

    def key(self, id_: str) -> Key:
        return Key(self.entity, id_, self.purpose)

    @property
    def listed_as(self) -> str:
        """The name of the list in a batch's answer."""
        return self.path.replace("-", "_")


TRACKS = Kind("tracks", "spotify_track", "track", 50, single=True)
ARTISTS = Kind("artists", "spotify_artist", "artist", 50, single=True)
ALBUMS = Kind("albums", "spotify_album", "album", 20, single=True)
FEATURES = Kind("audio-features", "spotify_track", "audio_features", 100, single=False)


@dataclass
class Found:
    """The answers by id, and what became of the ids that have none."""

    answers: dict[str, Response] = field(default_factory=dict)
    stale: dict[str, Response] = field(default_factory=dict)  # what is known of those asked about again
    from_ledger: int = 0
    pending: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    denied: bool = False
    reason: str | None = None
    until: datetime | None = None


class Lookups:
    """Asks for things by id. `spend` is called before each request and holds the right to spend."""

    def __init__(
        self,
        client: SpotifyClient,
        ledger: Ledger,
        access: Access,
        *,
        spend: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._access = access
        self._spend = spend
        self._now = now

    def by_id(
        self, kind: Kind, ids: Sequence[str], *, newer_than: datetime | None = None, fetch: bool = True
    ) -> Found:
        """What Spotify says of each id, from the ledger where it is there and not older than `newer_than`.

        With `fetch` false no request is spent. An answer that cannot be renewed now is given as it was. What
        Spotify knew and knows no more is `not_found`, and stays in the ledger as it was: songs rest on it.
        """
        ids = list(dict.fromkeys(ids))
        known = self._ledger.get_many(kind.key(id_) for id_ in ids)
        found = Found()
        todo: list[str] = []
        for id_ in ids:
            kept = known.get(kind.key(id_))
            if kept is None and not _ID.fullmatch(id_):
                found.answers[id_] = self._answer(kind, id_, "not_found", None)
            elif kept is None:
                todo.append(id_)
            elif newer_than is not None and kept.fetched_at < newer_than:
                found.stale[id_] = kept
                todo.append(id_)
            else:
                found.answers[id_] = kept
                found.from_ledger += 1
        if todo and fetch:
            self._ask(kind, todo, found)
        answers = found.stale | found.answers
        found.answers = {id_: answers[id_] for id_ in ids if id_ in answers}
        return found

    def _ask(self, kind: Kind, ids: list[str], found: Found) -> None:
        if told := self._denied(kind):
            found.denied, found.reason = True, told.body["reason"]
            return
        left = ids
        while left:
            left = self._round(kind, left, found)

    def _round(self, kind: Kind, ids: list[str], found: Found) -> list[str]:
        """Ask about these ids; give back those to be asked about in another way."""
        batched = self._access.may_batch or not kind.single
        size = kind.batch if batched else 1
        batches = [ids[start : start + size] for start in range(0, len(ids), size)]
        left: list[str] = []
        with self._pool() as pool:
            # The first alone, while it may show that the access is another: the others would be refused too.
            first = 1 if batched and self._access.mode != "extended" else 0
            for group in (batches[:first], batches[first:]):
                if left or found.denied or found.until:
                    left += [id_ for batch in group for id_ in batch]
                    continue
                jobs = [pool.submit(self._request, kind, batch, batched, found.stale) for batch in group]
                for batch, job in zip(group, jobs, strict=True):
                    try:
                        for id_, answer in job.result().items():
                            found.answers[id_] = answer
                        found.failed += [id_ for id_ in batch if id_ not in found.answers]
                    except AccessDenied as error:
                        if batched and kind.single and not self._access.is_set:
                            self._access.learn("development")
                            left += batch
                        else:
                            found.denied, found.reason = True, str(error)
                    except OutOfBudget as error:
                        found.pending += batch
                        found.reason, found.until = str(error), error.until
                    except BadResponse as error:
                        found.failed += batch
                        found.reason = str(error)
        if found.denied:
            self._remember_denied(kind, found.reason or "")
            left = []
        if found.until:
            found.pending += left
            left = []
        return left

    def _request(
        self, kind: Kind, ids: list[str], batched: bool, stale: Mapping[str, Response]
    ) -> dict[str, Response]:
        """One request, in a thread of the pool; its answers are in the ledger when it returns."""
        self._spend()
        if batched:
            body = self._client.get(kind.path, ids=",".join(ids))
            items = body.get(kind.listed_as)
            # They come in the order asked, with null for an unknown id.
            told = dict(zip(ids, items if isinstance(items, list) else [], strict=False))
            if kind.single and told:
                self._access.learn("extended")
        else:
            try:
                told = {ids[0]: self._client.get(f"{kind.path}/{ids[0]}")}
            except BadResponse as error:
                if not error.refused:
                    raise
                told = {ids[0]: None}
        answers = {
            id_: self._answer(kind, id_, "answered", item)
            if isinstance(item, dict)
            else self._answer(kind, id_, "not_found", None)
            for id_, item in told.items()
        }
        self._ledger.put_many(
            answer
            for id_, answer in answers.items()
            if answer.status == "answered" or id_ not in stale or stale[id_].status != "answered"
        )
        return answers

    def _answer(self, kind: Kind, id_: str, status: str, body: Any) -> Response:
        return Response(kind.key(id_), status, id_, self._now(), self._access.mode or "development", body)

    def _denied(self, kind: Kind) -> Response | None:
        """The refusal this app got for this kind of request in this mode, if it is not long ago."""
        key = Key("app", kind.path, "access")
        told = self._ledger.get_many([key]).get(key)
        fresh = told is not None and self._now() - told.fetched_at < DENIED_FOR
        return told if told and fresh and told.mode == (self._access.mode or "development") else None

    def _remember_denied(self, kind: Kind, reason: str) -> None:
        key = Key("app", kind.path, "access")
        mode = self._access.mode or "development"
        self._ledger.put_many([Response(key, "denied", kind.path, self._now(), mode, {"reason": reason})])

    @contextmanager
    def _pool(self) -> Iterator[ThreadPoolExecutor]:
        pool = ThreadPoolExecutor(self._client.settings.threads, thread_name_prefix="spotify")
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
