"""`Spotify`: what the pipeline asks, answered from the ledger first and by requests for the rest.

Each answer is in the ledger the moment it is in. When the budget ends, the rest comes back `pending`
with a reason and a time, never as an exception. The lock of the one spender is taken with the first
request and held until `close`, so a run that needs no request needs no lock either.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from music_assets.sources.ledger import Answer, Key, Ledger
from music_assets.sources.spotify.answers import Lookup, SearchAnswer, SongQuestion
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.sources.spotify.errors import AccessDenied, BadAnswer, OutOfBudget
from music_assets.sources.spotify.queries import queries_for
from music_assets.sources.spotify.session import SpotifySettings
from music_assets.sources.spotify.shapes import Row, artist_row, audio_features_row, search_rows

_CHUNK = 500  # songs looked up in the ledger at a time
HITS = 10  # what a search answers at most since 2026
DENIED_FOR = timedelta(days=7)  # how long a refused feature is not asked for again


class Spotify:
    """Spotify as the pipeline sees it. A context manager; close it to let go of the budget's lock."""

    def __init__(self, client: SpotifyClient, ledger: Ledger) -> None:
        self.settings = client.settings
        self._client = client
        self._ledger = ledger
        self._saved: Counter[str] = Counter()
        self._held = contextlib.ExitStack()
        self._spending = False
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: SpotifySettings, ledger: Ledger) -> Spotify:
        """Spotify by these settings, with answers kept in this ledger (which stays the caller's to close)."""
        return cls(SpotifyClient(settings), ledger)

    @property
    def spent(self) -> dict[str, int]:
        """Requests that left since this was opened, by kind: `search`, `artists`, `token`, …"""
        return self._client.sent.counts()

    @property
    def saved(self) -> dict[str, int]:
        """Questions answered from the ledger without a request, by purpose: `search`, `artist`, …"""
        with self._lock:
            return dict(self._saved)

    def search_songs(self, songs: Iterable[SongQuestion]) -> Iterator[SearchAnswer]:
        """An answer for each song, in the order asked.

        Songs are asked about `settings.threads` at a time. Raises `BadCredentials`, `AccessDenied`,
        `SpotifyUnreachable` and `LedgerInUse`; what was answered until then is in the ledger.
        """
        songs = iter(songs)
        budget = _Budget()
        while chunk := list(islice(songs, _CHUNK)):
            known = self._ledger.get_many(_search_key(song) for song in chunk)
            with self._pool() as submit:
                jobs: deque[SearchAnswer | Future[SearchAnswer]] = deque()
                for song in chunk:
                    kept = known.get(_search_key(song))
                    queries = self._queries(song)
                    done = self._from_ledger(song, queries, kept)
                    if done is None:
                        self._spend()
                    jobs.append(done or submit(self._search, song, queries, kept, budget))
                while jobs:
                    job = jobs.popleft()
                    yield job.result() if isinstance(job, Future) else job

    def artists(
        self,
        ids: Iterable[str],
        *,
        known_names: Mapping[str, str] | None = None,
        known_at: Mapping[str, datetime] | None = None,
    ) -> Lookup:
        """Rows of `spotify.artists`.

        In development mode, where asking brings neither popularity nor followers, no request is spent.
        An artist that was not asked about has the name the tracks gave (`known_names`, by id; `known_at`
        says when those came in) and NULL elsewhere; one without a name is left out.
        """
        ids = list(dict.fromkeys(ids))
        names, at = known_names or {}, known_at or {}
        found = self._look_up(
            ids, kind="artists", entity="spotify_artist", purpose="artist", size=50, make_row=artist_row
        )
        by_id = {row["spotify_artist_id"]: row for row in found.rows}
        for id_ in names.keys() & set(ids) - by_id.keys():
            named = {"id": id_, "name": names[id_]}
            by_id[id_] = artist_row(named, source=self.settings.source, fetched_at=at.get(id_))
        return replace(found, rows=[by_id[id_] for id_ in ids if id_ in by_id])

    def audio_features(self, ids: Iterable[str]) -> Lookup:
        """Rows of `spotify.audio_features`; none, and `denied`, where the app has no access to them.

        Nearly no app has, since November 2024: a refusal is kept in the ledger and heeded for a week.
        """
        return self._look_up(
            list(dict.fromkeys(ids)),
            kind="audio-features",
            entity="spotify_track",
            purpose="audio_features",
            size=100,
            make_row=audio_features_row,
        )

    def close(self) -> None:
        """Close the connections and let go of the budget."""
        self._client.close()
        self._held.close()
        self._spending = False

    def __enter__(self) -> Spotify:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- songs

    def _queries(self, song: SongQuestion) -> list[str]:
        # Frames have NaN where a text is missing.
        title, artist, release = (
            text if isinstance(text, str) else "" for text in (song.title, song.artist_name, song.release)
        )
        return queries_for(title, artist, release, ladder=self.settings.ladder)

    def _from_ledger(
        self, song: SongQuestion, queries: list[str], kept: Answer | None
    ) -> SearchAnswer | None:
        """The answer, if no request is needed for it: it is known, or there is nothing to ask."""
        if kept is None:
            if queries:
                return None
            return SearchAnswer(
                song.track_id,
                "error",
                reason="neither title nor artist has a word to search for",
                source=self.settings.source,
            )
        if kept.status == "not_found" and kept.asked < len(queries):
            return None
        if kept.status == "refused" and queries[kept.asked - 1 : kept.asked] != [kept.question]:
            return None
        self._save("search", 1)
        return self._answered(song, kept, from_ledger=True)

    def _search(
        self, song: SongQuestion, queries: list[str], kept: Answer | None, budget: _Budget
    ) -> SearchAnswer:
        """Ask about one song; in a thread of the pool."""
        before = self._client.sent.by_this_thread()
        answer = self._climb(song, queries, kept, budget)
        return replace(answer, requests=self._client.sent.by_this_thread() - before)

    def _climb(
        self, song: SongQuestion, queries: list[str], kept: Answer | None, budget: _Budget
    ) -> SearchAnswer:
        """Climb the ladder from where it was left, keeping each answer."""
        unanswered = SearchAnswer(song.track_id, "pending", source=self.settings.source)
        asked = kept.asked if kept and kept.status == "not_found" else 0
        while True:
            if budget.over:
                return replace(unanswered, reason=str(budget.over), until=budget.over.until)
            query = queries[asked]
            try:
                body = self._client.get("search", q=query, type="track", limit=HITS)
                status = _found(body)
            except OutOfBudget as error:
                budget.over = error
                continue
            except BadAnswer as error:
                if not error.refused:
                    return replace(unanswered, status="error", question=query, reason=str(error))
                status, body = "refused", {"reason": str(error)}
            asked += 1
            answer = self._answer(_search_key(song), status, query, body, asked)
            self._ledger.put_many([answer])
            if status != "not_found" or asked == len(queries):
                return self._answered(song, answer, from_ledger=False)

    def _answered(self, song: SongQuestion, answer: Answer, *, from_ledger: bool) -> SearchAnswer:
        source, refused = self.settings.source, answer.status == "refused"
        return SearchAnswer(
            track_id=song.track_id,
            status="error" if refused else "answered",
            question=answer.question,
            tracks=[] if refused else search_rows(answer.body, source=source, fetched_at=answer.fetched_at),
            reason=answer.body["reason"] if refused else None,
            source=source,
            fetched_at=answer.fetched_at,
            from_ledger=from_ledger,
        )

    # -- artists and audio features

    def _look_up(
        self,
        ids: Sequence[str],
        *,
        kind: str,
        entity: str,
        purpose: str,
        size: int,
        make_row: Callable[..., Row],
    ) -> Lookup:
        """Rows by id: from the ledger, the rest in batches of `size`, each id's answer kept by itself."""
        keys = {id_: Key(entity, id_, purpose) for id_ in ids}
        known = self._ledger.get_many(keys.values())
        self._save(purpose, len(known))
        ask = [id_ for id_ in ids if keys[id_] not in known]
        failed: list[str] = []
        pending: list[str] = []
        reason, until = None, None
        if kind == "artists" and self.settings.mode == "development":
            ask = []
        denied = self._denied(kind) if ask else None
        if denied:
            reason, ask = denied.body["reason"], []
        for start in range(0, len(ask), size):
            batch = ask[start : start + size]
            try:
                self._spend()
                body = self._client.get(kind, ids=",".join(batch))
            except AccessDenied as error:
                reason = str(error)
                denied = self._answer(_access_key(kind), "denied", kind, {"reason": reason}, 1)
                self._ledger.put_many([denied])
                break
            except OutOfBudget as error:
                pending, reason, until = ask[start:], str(error), error.until
                break
            except BadAnswer as error:
                failed, reason = failed + batch, str(error)
                continue
            answers = self._batch(body.get(kind.replace("-", "_")), batch, keys)
            self._ledger.put_many(answers)
            known.update({answer.key: answer for answer in answers})
            failed += [id_ for id_ in batch if keys[id_] not in known]
        got = {id_: known[keys[id_]] for id_ in ids if keys[id_] in known}
        rows = [
            # The id that was asked for: an answer may come back under another.
            make_row({**a.body, "id": id_}, source=self.settings.source, fetched_at=a.fetched_at)
            for id_, a in got.items()
            if a.status == "answered"
        ]
        not_found = [id_ for id_, a in got.items() if a.status != "answered"]
        return Lookup(rows, not_found, pending, failed, denied is not None, reason, until)

    def _denied(self, kind: str) -> Answer | None:
        """The refusal this app got for this kind of request in this mode, if it is not long ago."""
        key = _access_key(kind)
        told = self._ledger.get_many([key]).get(key)
        fresh = told is not None and datetime.now(UTC) - told.fetched_at < DENIED_FOR
        return told if told and fresh and told.mode == self.settings.mode else None

    def _batch(self, items: Any, batch: list[str], keys: Mapping[str, Key]) -> list[Answer]:
        """The answers in a batch, which come in the order asked, with null for an unknown id."""
        items = items if isinstance(items, list) else []
        answers = []
        for id_, item in zip(batch, items, strict=False):
            status = "answered" if isinstance(item, dict) else "not_found"
            answers.append(self._answer(keys[id_], status, id_, item if status == "answered" else None, 1))
        return answers

    # -- both

    def _answer(self, key: Key, status: str, question: str, body: Any, asked: int) -> Answer:
        return Answer(key, status, question, datetime.now(UTC), self.settings.mode, body, asked)

    def _save(self, purpose: str, count: int) -> None:
        if count:
            with self._lock:
                self._saved[purpose] += count

    def _spend(self) -> None:
        """Take the budget's lock, before the first request of all."""
        if not self._spending:
            self._held.enter_context(self._ledger.spender(self.settings.lock_wait))
            self._spending = True

    @contextlib.contextmanager
    def _pool(self) -> Iterator[Callable[..., Future[SearchAnswer]]]:
        """Threads for one chunk; whoever leaves early takes what has not begun with them."""
        pool = ThreadPoolExecutor(self.settings.threads, thread_name_prefix="spotify")
        try:
            yield pool.submit
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Budget:
    """Shared by the threads of one search: what ended the budget, once something has."""

    over: OutOfBudget | None = None


def _found(body: Any) -> str:
    """Whether a search answer has tracks; raises `BadAnswer` where it is JSON and no search answer."""
    tracks = body.get("tracks")
    if not isinstance(tracks, dict) or not isinstance(tracks.get("items"), list):
        raise BadAnswer("Spotify answered search with an object that holds no list of tracks")
    return "answered" if search_rows(body, source="", fetched_at=None) else "not_found"


def _access_key(kind: str) -> Key:
    return Key("app", kind, "access")


def _search_key(song: SongQuestion) -> Key:
    return Key("track", song.track_id, "search")
