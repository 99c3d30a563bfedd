"""`SpotifyCatalog`: what the pipeline looks up, answered from the ledger first and by requests for the rest.

Belongs here: the lookups by name, and what is known of one song. How the ledger and the requests work
together is in `fetcher`; when the budget ends, the rest is `pending` with a reason and a time, never an
exception.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from music_assets.sources.fetched import Fetched, Row
from music_assets.sources.ledger import MISSES_HOLD, Ledger, Response
from music_assets.sources.spotify.budget import MISSING_IN_DEVELOPMENT
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.sources.spotify.endpoints import (
    ALBUMS,
    ARTIST_ALBUMS,
    ARTISTS,
    AUDIO_FEATURES,
    RELEASE_SEARCH,
    SONG_SEARCH,
    TRACKS,
    search_hits,
)
from music_assets.sources.spotify.errors import BadResponse, OutOfBudget
from music_assets.sources.spotify.fetcher import Fetcher, IsEnough
from music_assets.sources.spotify.queries import WITHOUT_HITS, queries_for, release_query
from music_assets.sources.spotify.resolutions import Resolutions, Resolved, TrackSource
from music_assets.sources.spotify.rows import artist_row
from music_assets.sources.spotify.session import SpotifySettings

Note = Mapping[str, Any] | None
_CHUNK = 500  # songs looked up in the ledger at a time


@dataclass(frozen=True)
class SongQuery:
    """An MSD song to search for; a text may be missing."""

    track_id: str
    title: str | None
    artist_name: str | None


@dataclass(frozen=True)
class SearchResult:
    """What is known of one song: the tracks found, or why nothing is known yet.

    `status` is `answered` (with or without tracks), `pending` (the budget ended; `until` says when to go on)
    or `error` (this search failed). `tracks` are rows of `spotify.tracks`, in Spotify's order; `found_by`
    says, by their id, which of them were found otherwise than by `query`; `renamings` are those of the song's
    `Resolution`.
    """

    track_id: str
    status: str
    query: str | None = None
    tracks: list[Row] = field(default_factory=list)
    reason: str | None = None
    until: datetime | None = None
    source: str | None = None
    fetched_at: datetime | None = None
    found_by: Mapping[str, str] = field(default_factory=dict)
    renamings: frozenset[tuple[str, str]] = frozenset()


class SpotifyCatalog(Fetcher):
    """Spotify as the pipeline sees it. A context manager; close it to release the request lock."""

    def __init__(
        self,
        client: SpotifyClient,
        ledger: Ledger,
        *,
        note: Note = None,
        elsewhere: TrackSource | None = None,
    ) -> None:
        super().__init__(client, ledger, note=note or {})
        self.resolutions = Resolutions(
            ledger,
            source=self.settings.source,
            response=self._response,
            elsewhere=elsewhere,
            unmatched=self.settings.off,
            market=self.settings.market,
        )
        self._songs = SONG_SEARCH.in_market(self.settings.market)
        self._releases = RELEASE_SEARCH.in_market(self.settings.market)

    @classmethod
    def open(
        cls,
        settings: SpotifySettings,
        ledger: Ledger,
        *,
        note: Note = None,
        clock: Callable[[], float] = time.time,
        elsewhere: TrackSource | None = None,
    ) -> SpotifyCatalog:
        """The catalog by these settings, with responses cached in this ledger (the caller's to close).

        `note` is for others to read while this holds the request lock, and after it died with it;
        `predecessor` is such a note, where one was found. `elsewhere` has tracks that others verified.
        """
        return cls(SpotifyClient(settings, ledger, clock=clock), ledger, note=note, elsewhere=elsewhere)

    def missing(self, table: str) -> tuple[str, ...]:
        """The columns of `spotify.<table>` that this access leaves NULL."""
        return MISSING_IN_DEVELOPMENT.get(table, ()) if self.mode == "development" else ()

    # -- songs and releases, by search

    def search_songs(
        self,
        songs: Iterable[SongQuery],
        *,
        is_enough: Callable[[str, list[Row], int], bool] = lambda track_id, rows, tried: bool(rows),
    ) -> Iterator[SearchResult]:
        """A result for each song, in the order given; `settings.threads` are searched for at a time.

        `is_enough` says whether the rows for an MSD track, after so many query variants, need no other.

        Raises `BadCredentials`, `AccessDenied`, `SpotifyUnreachable` and `LedgerInUse`; what was answered
        until then is in the ledger.
        """
        songs = iter(songs)
        while chunk := list(islice(songs, _CHUNK)):
            results, missed = self._look_up(chunk, final=True)
            if len(results) == len(chunk):
                yield from results.values()
                continue
            with self._threads(self._songs) as submit:
                jobs = [
                    results.get(song.track_id)
                    or submit(
                        self._search_song,
                        song,
                        missed.get(song.track_id),
                        partial(is_enough, song.track_id),
                    )
                    for song in chunk
                ]
                for job in jobs:
                    yield job.result() if isinstance(job, Future) else job

    def cached(self, songs: Iterable[SongQuery], *, final: bool = False) -> dict[str, SearchResult]:
        """The results that need no request, by MSD track; a song that would need one is left out.

        So are, if `final`, those that are to be looked at again.
        """
        return self._look_up(list(songs), final=final)[0]

    def due_misses(self) -> list[str]:
        """The MSD tracks that a search did not find, so long ago that they are to be searched for again."""
        if self.settings.off:
            return []
        return self._ledger.misses(self._songs.purpose, self._now() - MISSES_HOLD)

    def search_releases(
        self, names: Mapping[str, tuple[str, str]], *, fetch: bool = True
    ) -> tuple[dict[str, list[Row]], Fetched]:
        """Tracks that a search for a release finds, ten at most, by the key of the release.

        `names` are artist and release by that key. Such tracks are whole, unlike those that an album lists.
        With `fetch` false no request is sent.
        """
        cached = self._ledger.get_many(map(self._releases.key, names))
        known = {key.id: one for key, one in cached.items() if not (fetch and self._is_due(one))}
        self._cache_hits[self._releases.purpose] += len(known)
        fetched = Fetched()
        fetch = fetch and not self.settings.off
        missing = {key: release_query(*names[key]) for key in names if fetch and key not in known}
        if missing:
            with self._threads(self._releases) as submit:
                jobs = [submit(self._search, self._releases, key, [query]) for key, query in missing.items()]
                for key, job in zip(missing, jobs, strict=True):
                    with fetched.recording([key]):
                        known[key] = job.result()
        answered = (key for key in names if key in known and known[key].status in ("answered", "not_found"))
        return {key: self._releases.rows(known[key], self.settings.source) for key in answered}, fetched

    def record_misses(self, names: Mapping[str, tuple[str, str]]) -> None:
        """Record that a search found nothing for these MSD tracks: that for their artist and release."""
        self._ledger.put_many(
            self._response(self._songs.key(id_), "not_found", release_query(*of), None, WITHOUT_HITS)
            for id_, of in names.items()
        )

    # -- things by their id

    def tracks(self, ids: Iterable[str], *, newer_than: datetime | None = None) -> Fetched:
        """Rows of `spotify.tracks`: to verify an id from elsewhere, to refresh what is old."""
        return self._rows(TRACKS, ids, newer_than=newer_than)[1]

    def audio_features(self, ids: Iterable[str]) -> Fetched:
        """Rows of `spotify.audio_features`; none, and `denied`, where the app has no access to them.

        Nearly no app has, since November 2024: a denial is cached and holds for a week.
        """
        return self._rows(AUDIO_FEATURES, ids)[1]

    def artist_albums(self, ids: Iterable[str], *, newer_than: datetime | None = None) -> Fetched:
        """Rows of `spotify.artist_releases`: the albums and singles that Spotify lists for these artists.

        Whenever they came out, without those that only feature the artist; of artists with very many the
        first 200.
        """
        return self._rows(ARTIST_ALBUMS, ids, newer_than=newer_than)[1]

    def albums(self, ids: Iterable[str], *, fetch: bool = True) -> tuple[dict[str, list[Row]], Fetched]:
        """The tracks of albums, by the album's id, as rows of `spotify.tracks` in the album's order.

        An album lists 50 tracks at most. They lack ISRC and popularity, which an album's tracks never have.
        With `fetch` false no request is sent.
        """
        return self._rows(ALBUMS, ids, fetch=fetch)

    def artists(
        self,
        ids: Iterable[str],
        *,
        named: Mapping[str, Mapping[str, Any]] | None = None,
        newer_than: datetime | None = None,
    ) -> Fetched:
        """Rows of `spotify.artists`.

        In development mode requests bring neither popularity nor followers: none is sent. An artist that
        was not requested has what the tracks gave (`named`: by id its `name`, and the `source` and
        `fetched_at` of these) and NULL elsewhere; one without a name is left out.
        """
        ids, named = list(dict.fromkeys(ids)), named or {}
        by_id, fetched = self._rows(ARTISTS, ids, newer_than=newer_than, fetch=self._access.may_batch)
        for id_ in named.keys() & set(ids) - by_id.keys():
            known = named[id_]
            artist = {"id": id_, "name": known["name"]}
            by_id[id_] = [artist_row(artist, source=known["source"], fetched_at=known["fetched_at"])]
        fetched.rows = [row for id_ in ids for row in by_id.get(id_, ())]
        return fetched

    # -- a song's result

    def _look_up(
        self, songs: Sequence[SongQuery], *, final: bool
    ) -> tuple[dict[str, SearchResult], dict[str, Response]]:
        """The results that need no request, and what the queries tried in vain for the others brought."""
        ids = [song.track_id for song in songs]
        responses = self._ledger.get_many(map(self._songs.key, ids))
        if final:
            responses = {key: one for key, one in responses.items() if not self._is_due(one)}
        resolved = self.resolutions.get_many(ids)
        results: dict[str, SearchResult] = {}
        missed: dict[str, Response] = {}
        for song in songs:
            id_ = song.track_id
            response = responses.get(self._songs.key(id_))
            result = self._cached(song, response)
            if id_ in resolved:
                result = self._with_resolution(song, result, resolved[id_])
            if result is not None:
                results[id_] = result
            elif response is not None and response.status == "not_found":
                missed[id_] = response
        return results, missed

    def _cached(self, song: SongQuery, response: Response | None) -> SearchResult | None:
        """The result that needs no search: it is known, or there is nothing to search for."""
        queries = _queries(song)
        if response is not None and not _remaining(response, queries):
            self._cache_hits[self._songs.purpose] += 1
            return self._result(song, response)
        if queries:
            return None
        reason = "neither title nor artist has a word to search for"
        return SearchResult(song.track_id, "error", reason=reason, source=self.settings.source)

    def _with_resolution(
        self, song: SongQuery, result: SearchResult | None, resolved: Resolved
    ) -> SearchResult:
        """The tracks of a search, if there was one, and those that a resolution adds."""
        self._cache_hits["resolution"] += 1
        query = resolved.resolution.query
        hits = result.tracks if result else []
        had = {row["spotify_track_id"] for row in hits}
        more = [row for row in resolved.rows if row["spotify_track_id"] not in had]
        searched_at = result.fetched_at if result else None
        source: str | None = self.settings.source
        if not hits and (more or self.settings.off):  # of a song that nobody knows, nobody's
            source = more[0]["source"] if more else source if source == "sandbox" else None
        return SearchResult(
            song.track_id,
            "answered",
            query=result.query if hits and result else query,
            tracks=[*hits, *more],
            found_by={row["spotify_track_id"]: query for row in more},
            renamings=resolved.resolution.renamings,
            source=source,
            fetched_at=max(resolved.recorded_at, searched_at or resolved.recorded_at),
        )

    def _search_song(self, song: SongQuery, missed: Response | None, is_enough: IsEnough) -> SearchResult:
        """Search for one song; in a thread of the pool."""
        try:
            response = self._search(self._songs, song.track_id, _queries(song), missed, is_enough)
            return self._result(song, response)
        except OutOfBudget as error:
            status, reason, until = "pending", str(error), error.until
        except BadResponse as error:
            # No search is refused by a 404: it is an outage, and nothing is known of the song.
            status, reason, until = "pending" if error.status == 404 else "error", str(error), None
        return SearchResult(song.track_id, status, reason=reason, until=until, source=self.settings.source)

    def _result(self, song: SongQuery, response: Response) -> SearchResult:
        failed = response.status in ("refused", "broken")
        return SearchResult(
            song.track_id,
            "error" if failed else "answered",
            query=response.query,
            tracks=self._songs.rows(response, self.settings.source),
            reason=response.body["reason"] if failed else None,
            source=self.settings.source,
            fetched_at=response.fetched_at,
        )


def _queries(song: SongQuery) -> list[str]:
    # Frames have NaN where a text is missing.
    return queries_for(*(text if isinstance(text, str) else "" for text in (song.title, song.artist_name)))


def _remaining(response: Response, queries: Sequence[str]) -> bool:
    """Whether a cached response leaves a query to try: a further variant, or a refused one reworded."""
    if response.status == "not_found":
        hits = search_hits(response.body) if response.body else []
        return response.attempts < min(len(queries), len(queries) if hits else WITHOUT_HITS)
    tried = queries[response.attempts - 1 : response.attempts]
    return response.status == "refused" and bool(queries) and tried != [response.query]
