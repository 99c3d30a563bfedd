"""`SpotifyCatalog`: what the pipeline asks, answered from the ledger first and by requests for the rest.

Each answer is in the ledger the moment it is in. When the budget ends, the rest comes back `pending`
with a reason and a time, never as an exception. The lock of the one spender is taken with the first
request and held until `close`, so a run that needs no request needs no lock either.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from threading import Lock
from typing import Any

from music_assets.sources.ledger import Key, Ledger, RequestLock, Response
from music_assets.sources.spotify.access import MISSING_IN_DEVELOPMENT, Access
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.sources.spotify.errors import BadResponse, OutOfBudget
from music_assets.sources.spotify.lookups import ALBUMS, ARTISTS, FEATURES, TRACKS, Found, Kind, Lookups
from music_assets.sources.spotify.queries import queries_for, release_query
from music_assets.sources.spotify.releases import ARTIST_ALBUMS, ArtistAlbums
from music_assets.sources.spotify.resolutions import Resolutions, Tracks, tracks_of_release
from music_assets.sources.spotify.results import Fetched, SearchResult, SongQuery
from music_assets.sources.spotify.rows import (
    Row,
    album_rows,
    artist_row,
    audio_features_row,
    release_rows,
    search_rows,
    track_row,
)
from music_assets.sources.spotify.session import SpotifySettings

_CHUNK = 500  # songs looked up in the ledger at a time
HITS = 10  # what a search answers at most since 2026


class SpotifyCatalog:
    """Spotify as the pipeline sees it. A context manager; close it to let go of the budget's lock."""

    def __init__(
        self, client: SpotifyClient, ledger: Ledger, *, note: Mapping[str, Any] | None = None
    ) -> None:
        self.settings = client.settings
        self.budget = client.budget
        self.predecessor: dict[str, Any] | None = None
        self._client = client
        self._ledger = ledger
        self._note = dict(note or {})
        self._access = Access(client.settings.mode, client.budget)
        self._lookups = Lookups(client, ledger, self._access, spend=self._spend, now=self._now)
        self._artist_albums = ArtistAlbums(client, ledger, self._access, spend=self._spend, now=self._now)
        self.resolutions = Resolutions(ledger, source=client.settings.source, make=self._noted)
        self._saved: Counter[str] = Counter()
        self._held = contextlib.ExitStack()
        self._spender: RequestLock | None = None
        self._lock = Lock()

    @classmethod
    def open(
        cls,
        settings: SpotifySettings,
        ledger: Ledger,
        *,
        note: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> SpotifyCatalog:
        """Spotify by these settings, with answers kept in this ledger (which stays the caller's to close).

        `note` is what others are told of us while we hold the right to spend, and after we died with it;
        `predecessor` is such a note, where one was found.
        """
        return cls(SpotifyClient(settings, ledger, clock=clock), ledger, note=note)

    @property
    def request_counts(self) -> dict[str, int]:
        """Requests that left since this was opened, by kind: `search`, `artists`, `token`, …"""
        return self._client.sent.counts()

    @property
    def cache_hits(self) -> dict[str, int]:
        """Questions answered from the ledger without a request, by purpose: `search`, `artist`, …"""
        with self._lock:
            return dict(self._saved)

    @property
    def mode(self) -> str | None:
        """The access in use: `development`, `extended`, or None while no answer has shown it."""
        return self._access.mode

    def missing(self, table: str) -> tuple[str, ...]:
        """The columns of `spotify.<table>` that this access leaves NULL."""
        return MISSING_IN_DEVELOPMENT.get(table, ()) if self.mode == "development" else ()

    def search_songs(
        self, songs: Iterable[SongQuery], *, newer_than: datetime | None = None
    ) -> Iterator[SearchResult]:
        """An answer for each song, in the order asked.

        Songs are asked about `settings.threads` at a time; answers older than `newer_than` are asked for
        again. Raises `BadCredentials`, `AccessDenied`, `SpotifyUnreachable` and `LedgerInUse`; what was
        answered until then is in the ledger.
        """
        songs = iter(songs)
        budget = _Over()
        while chunk := list(islice(songs, _CHUNK)):
            known = self._ledger.get_many(_search_key(song) for song in chunk)
            settled = self.resolutions.get_many(song.track_id for song in chunk)
            if newer_than is not None:
                known = {key: kept for key, kept in known.items() if kept.fetched_at >= newer_than}
            with self._pool() as submit:
                jobs: deque[SearchResult | Future[SearchResult]] = deque()
                for song in chunk:
                    kept = known.get(_search_key(song))
                    queries = self._queries(song)
                    done = self._from_ledger(song, queries, kept, settled.get(song.track_id))
                    if done is None and budget.over is None:
                        budget.over = self.budget.over("search")
                    if done is None and budget.over is None:
                        self._spend()
                    jobs.append(done or submit(self._search, song, queries, kept, budget))
                while jobs:
                    job = jobs.popleft()
                    yield job.result() if isinstance(job, Future) else job

    def cached(self, songs: Iterable[SongQuery]) -> dict[str, SearchResult]:
        """The answers that need no request, by MSD track; a song that would need one is left out."""
        songs = list(songs)
        known = self._ledger.get_many(_search_key(song) for song in songs)
        settled = self.resolutions.get_many(song.track_id for song in songs)
        answers = (
            self._from_ledger(
                song, self._queries(song), known.get(_search_key(song)), settled.get(song.track_id)
            )
            for song in songs
        )
        return {answer.track_id: answer for answer in answers if answer is not None}

    def search_releases(
        self, names: Mapping[str, tuple[str, str]], *, fetch: bool = True
    ) -> tuple[dict[str, list[Row]], Fetched]:
        """Tracks that a search for a release finds, ten at most, and a `Fetched` that tells of the others.

        `names` are artist and release by a key of the release. Such tracks are whole, unlike those that an
        album lists. With `fetch` false no request is spent.
        """
        known = self._ledger.get_many(map(tracks_of_release, names))
        found = Found({key.id: kept for key, kept in known.items()}, from_ledger=len(known))
        if fetch:
            with self._pool() as submit:
                todo = [key for key in names if key not in found.answers]
                jobs = {key: submit(self._search_release, key, *names[key]) for key in todo}
                for key, job in jobs.items():
                    try:
                        found.answers[key] = job.result()
                    except OutOfBudget as error:
                        found.pending.append(key)
                        found.reason, found.until = str(error), error.until
                    except BadResponse as error:
                        found.failed.append(key)
                        found.reason = str(error)
        tracks = {
            key: search_rows(kept.body, source=self.settings.source, fetched_at=kept.fetched_at)
            for key, kept in found.answers.items()
            if kept.body is not None
        }
        return tracks, _lookup([], found)

    def artists(
        self,
        ids: Iterable[str],
        *,
        known_names: Mapping[str, str] | None = None,
        known_at: Mapping[str, datetime] | None = None,
        newer_than: datetime | None = None,
    ) -> Fetched:
        """Rows of `spotify.artists`.

        In development mode asking brings neither popularity nor followers: no request is spent there, unless
        the settings want `artist_gets`. An artist that was not asked about has the name the tracks gave
        (`known_names`, by id; `known_at` says when those came in) and NULL elsewhere; one without a name is
        left out.
        """
        ids = list(dict.fromkeys(ids))
        names, at = known_names or {}, known_at or {}
        fetch = self._access.may_batch or self.settings.artist_gets
        found = self._look_up(ARTISTS, ids, artist_row, newer_than=newer_than, fetch=fetch)
        by_id = {row["spotify_artist_id"]: row for row in found.rows}
        for id_ in names.keys() & set(ids) - by_id.keys():
            named = {"id": id_, "name": names[id_]}
            by_id[id_] = artist_row(named, source=self.settings.source, fetched_at=at.get(id_))
        return replace(found, rows=[by_id[id_] for id_ in ids if id_ in by_id])

    def tracks(self, ids: Iterable[str], *, newer_than: datetime | None = None) -> Fetched:
        """Rows of `spotify.tracks` by id: to verify an id from elsewhere, to refresh what is old."""
        return self._look_up(TRACKS, list(ids), track_row, newer_than=newer_than)

    def artist_albums(self, ids: Iterable[str], *, newer_than: datetime | None = None) -> Fetched:
        """Rows of `spotify.artist_releases`: the albums and singles that Spotify lists for these artists.

        All of them, whenever they came out, but for those that only feature the artist; of artists with very
        many the first 200. The page that lists them is one request for 50.
        """
        found = self._artist_albums.by_artist(list(ids), newer_than=newer_than)
        self._save(ARTIST_ALBUMS, found.from_ledger)
        rows = [
            row
            for id_, answer in found.answers.items()
            if answer.status == "answered"
            for row in release_rows(
                id_, answer.body["items"], source=self.settings.source, fetched_at=answer.fetched_at
            )
        ]
        return _lookup(rows, found)

    def audio_features(self, ids: Iterable[str]) -> Fetched:
        """Rows of `spotify.audio_features`; none, and `denied`, where the app has no access to them.

        Nearly no app has, since November 2024: a refusal is kept in the ledger and heeded for a week.
        """
        return self._look_up(FEATURES, list(ids), audio_features_row)

    def albums(self, ids: Iterable[str], *, fetch: bool = True) -> tuple[dict[str, list[Row]], Fetched]:
        """The tracks of albums, by the album's id, and a `Fetched` without rows that tells of the others.

        An album lists 50 tracks at most. They lack ISRC and popularity, which an album's tracks never have.
        With `fetch` false no request is spent.
        """
        found = self._lookups.by_id(ALBUMS, list(ids), fetch=fetch)
        self._save(ALBUMS.purpose, found.from_ledger)
        albums = {
            id_: album_rows(answer.body, source=self.settings.source, fetched_at=answer.fetched_at)
            for id_, answer in found.answers.items()
            if answer.status == "answered"
        }
        return albums, _lookup([], found)

    def close(self) -> None:
        """Close the connections and let go of the budget."""
        self._client.close()
        self._held.close()
        self._spender = None

    def __enter__(self) -> SpotifyCatalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- songs

    def _queries(self, song: SongQuery) -> list[str]:
        # Frames have NaN where a text is missing.
        title, artist, release = (
            text if isinstance(text, str) else "" for text in (song.title, song.artist_name, song.release)
        )
        return queries_for(title, artist, release, ladder=self.settings.ladder)

    def _from_ledger(
        self, song: SongQuery, queries: list[str], kept: Response | None, settled: Tracks | None
    ) -> SearchResult | None:
        """The answer, if no request is needed for it: it is known, or there is nothing to ask."""
        searched = self._searched(song, queries, kept)
        if settled is None:
            return searched
        self._save("settled", 1)
        hits = searched.tracks if searched else []
        had = {row["spotify_track_id"] for row in hits}
        more = [row for row in settled.rows if row["spotify_track_id"] not in had]
        return SearchResult(
            song.track_id,
            "answered",
            query=searched.query if hits and searched else settled.note.query,
            tracks=[*hits, *more],
            found_by={row["spotify_track_id"]: settled.note.query for row in more},
            source=self.settings.source,
            fetched_at=max(settled.noted_at, (searched and searched.fetched_at) or settled.noted_at),
            from_ledger=True,
        )

    def _searched(self, song: SongQuery, queries: list[str], kept: Response | None) -> SearchResult | None:
        if kept is None:
            if queries:
                return None
            return SearchResult(
                song.track_id,
                "error",
                reason="neither title nor artist has a word to search for",
                source=self.settings.source,
            )
        if kept.status == "not_found" and kept.attempts < len(queries):
            return None
        if kept.status == "refused" and queries[kept.attempts - 1 : kept.attempts] != [kept.query]:
            return None
        self._save("search", 1)
        return self._answered(song, kept, from_ledger=True)

    def _search(
        self, song: SongQuery, queries: list[str], kept: Response | None, budget: _Over
    ) -> SearchResult:
        """Ask about one song; in a thread of the pool."""
        before = self._client.sent.by_this_thread()
        answer = self._climb(song, queries, kept, budget)
        return replace(answer, requests=self._client.sent.by_this_thread() - before)

    def _climb(
        self, song: SongQuery, queries: list[str], kept: Response | None, budget: _Over
    ) -> SearchResult:
        """Climb the ladder from where it was left, keeping each answer."""
        unanswered = SearchResult(song.track_id, "pending", source=self.settings.source)
        asked = kept.attempts if kept and kept.status == "not_found" else 0
        while True:
            if budget.over:
                return replace(unanswered, reason=str(budget.over), until=budget.over.until)
            query = queries[asked]
            try:
                self._spend()
                body = self._client.get("search", q=query, type="track", limit=HITS)
                status = _found(body)
                self._learn(body)
            except OutOfBudget as error:
                budget.over = error
                continue
            except BadResponse as error:
                if not error.refused:
                    return replace(unanswered, status="error", query=query, reason=str(error))
                status, body = "refused", {"reason": str(error)}
            asked += 1
            answer = self._answer(_search_key(song), status, query, body, asked)
            self._ledger.put_many([answer])
            if status != "not_found" or asked == len(queries):
                return self._answered(song, answer, from_ledger=False)

    def _search_release(self, key: str, artist_name: str, release: str) -> Response:
        """Ask for a release's tracks; in a thread of the pool."""
        query = release_query(artist_name, release)
        self._spend()
        try:
            body = self._client.get("search", q=query, type="track", limit=HITS)
            status = _found(body)
            self._learn(body)
        except BadResponse as error:
            if not error.refused:
                raise
            status, body = "refused", None
        answer = self._answer(tracks_of_release(key), status, query, body, 1)
        self._ledger.put_many([answer])
        return answer

    def _learn(self, body: Any) -> None:
        for track in body["tracks"]["items"]:
            if isinstance(track, dict):
                return self._access.learn_from(track)

    def _answered(self, song: SongQuery, answer: Response, *, from_ledger: bool) -> SearchResult:
        source, refused = self.settings.source, answer.status == "refused"
        return SearchResult(
            track_id=song.track_id,
            status="error" if refused else "answered",
            query=answer.query,
            tracks=[] if refused else search_rows(answer.body, source=source, fetched_at=answer.fetched_at),
            reason=answer.body["reason"] if refused else None,
            source=source,
            fetched_at=answer.fetched_at,
            from_ledger=from_ledger,
        )

    # -- things by id

    def _look_up(
        self,
        kind: Kind,
        ids: Sequence[str],
        make_row: Callable[..., Row],
        *,
        newer_than: datetime | None = None,
        fetch: bool = True,
    ) -> Fetched:
        found = self._lookups.by_id(kind, ids, newer_than=newer_than, fetch=fetch)
        self._save(kind.purpose, found.from_ledger)
        rows = [
            # Under the id that was asked for: an answer may come back under another.
            make_row(answer.body, source=self.settings.source, fetched_at=answer.fetched_at, asked=id_)
            for id_, answer in found.answers.items()
            if answer.status == "answered"
        ]
        return _lookup(rows, found)

    # -- both

    def _answer(self, key: Key, status: str, question: str, body: Any, asked: int) -> Response:
        return Response(key, status, question, self._now(), self.mode or "development", body, asked)

    def _noted(self, key: Key, status: str, question: str, body: Any) -> Response:
        return self._answer(key, status, question, body, 0)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._client.clock(), UTC)

    def _save(self, purpose: str, count: int) -> None:
        if count:
            with self._lock:
                self._saved[purpose] += count

    def _spend(self) -> None:
        """Take the right to spend before the first request; see before each that it still holds."""
        with self._lock:
            if self._spender is None:
                right = self._ledger.request_lock(self.settings.lock_wait, note=self._note)
                self._spender = self._held.enter_context(right)
                self.predecessor = self._spender.predecessor
        self._spender.check()

    @contextlib.contextmanager
    def _pool(self) -> Iterator[Callable[..., Future[Any]]]:
        """Threads for one chunk; whoever leaves early takes what has not begun with them."""
        pool = ThreadPoolExecutor(self.settings.threads, thread_name_prefix="spotify")
        try:
            yield pool.submit
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Over:
    """Shared by the threads of one search: what ended the budget, once something has."""

    over: OutOfBudget | None = None


def _found(body: Any) -> str:
    """Whether a search answer has tracks; raises `BadResponse` where it is JSON and no search answer."""
    tracks = body.get("tracks")
    if not isinstance(tracks, dict) or not isinstance(tracks.get("items"), list):
        raise BadResponse("Spotify answered search with an object that holds no list of tracks")
    return "answered" if search_rows(body, source="", fetched_at=None) else "not_found"


def _lookup(rows: list[Row], found: Found) -> Fetched:
    not_found = [id_ for id_, answer in found.answers.items() if answer.status != "answered"]
    return Fetched(rows, not_found, found.pending, found.failed, found.denied, found.reason, found.until)


def _search_key(song: SongQuery) -> Key:
    return Key("track", song.track_id, "search")
