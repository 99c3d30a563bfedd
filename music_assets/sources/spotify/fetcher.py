"""From the ledger first: the rows of any endpoint, by requests only where the ledger has no response.

Each response is in the ledger the moment it arrives. The request lock is taken with the first request and
held until `close`, so a run that needs no request needs no lock either. What an endpoint is like is declared
in `endpoints`; one request is the matter of `client`.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any, Self

from music_assets.ids import is_spotify_id
from music_assets.sources.fetched import Fetched, Row
from music_assets.sources.ledger import Key, Ledger, RequestLock, Response, is_due
from music_assets.sources.spotify.budget import DENIED_FOR, LAST_RESPONSES, Access, bucket_of
from music_assets.sources.spotify.client import Check, SpotifyClient
from music_assets.sources.spotify.endpoints import MOST_RELEASES, Endpoint, search_hits, with_hits
from music_assets.sources.spotify.errors import AccessDenied, BadResponse, OutOfBudget, SpotifyUnreachable
from music_assets.sources.spotify.queries import WITHOUT_HITS
from music_assets.sources.spotify.validation import list_problem, search_problem

IsEnough = Callable[[list[Row], int], bool]  # after so many query variants


class Fetcher:
    """The ledger and the client together: the base of `catalog.SpotifyCatalog`.

    `predecessor` is the note of a process that died while it held the request lock, where one was found.
    """

    def __init__(self, client: SpotifyClient, ledger: Ledger, *, note: Mapping[str, Any]) -> None:
        self.settings = client.settings
        self.budget = client.budget
        self.predecessor: dict[str, Any] | None = None
        self._client = client
        self._ledger = ledger
        self._note = dict(note)
        self._access = Access(client.settings.mode, client.budget)
        self._cache_hits: Counter[str] = Counter()
        self._held = contextlib.ExitStack()
        self._request_lock: RequestLock | None = None
        self._locking = Lock()

    @property
    def mode(self) -> str | None:
        """The access in use: `development`, `extended`, or None while no response has shown it."""
        return self._access.mode

    @property
    def request_counts(self) -> dict[str, int]:
        """Requests sent since this was opened, by bucket (`budget.KINDS`), and `token`."""
        return self._client.request_counts

    @property
    def cache_hits(self) -> dict[str, int]:
        """What was answered from the ledger without a request, by purpose: `search`, `artist`, …"""
        return dict(+self._cache_hits)

    @property
    def response_counts(self) -> dict[str, int]:
        """What came of the requests sent since this was opened: `answered`, `status 404`, `no answer`, …"""
        return self._client.response_counts

    @property
    def outage(self) -> SpotifyUnreachable | None:
        """Why requests of some kind got through no more since this was opened; None where all did."""
        return self._client.outage

    def close(self) -> None:
        """Close the connections and release the request lock."""
        if counts := self.response_counts:
            self._ledger.set_state(LAST_RESPONSES, {"at": self._now().isoformat(), "counts": counts})
        self._client.close()
        self._held.close()
        self._request_lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(
        self,
        endpoint: Endpoint,
        ids: Iterable[str],
        *,
        newer_than: datetime | None = None,
        fetch: bool = True,
    ) -> tuple[dict[str, list[Row]], Fetched]:
        """The rows of each id, from the ledger where they are there and not older than `newer_than`.

        What cannot be renewed now is given as it was. What Spotify knew and knows no more is `not_found`, and
        stays in the ledger as it was: songs rest on it.
        """
        ids, endpoint = list(dict.fromkeys(ids)), endpoint.in_market(self.settings.market)
        known = {key.id: cached for key, cached in self._ledger.get_many(map(endpoint.key, ids)).items()}
        known = {id_: cached for id_, cached in known.items() if _is_answer(endpoint, cached)}
        fresh = {
            id_
            for id_, cached in known.items()
            if not self._is_due(cached) and (newer_than is None or cached.fetched_at >= newer_than)
        }
        missing = [id_ for id_ in ids if id_ not in fresh]
        self._cache_hits[endpoint.purpose] += len(ids) - len(missing)
        # One malformed id among fifty and Spotify refuses all.
        malformed = {id_ for id_ in missing if not is_spotify_id(id_)}
        fetched = Fetched()
        fetched.denied = self.settings.off
        if fetch and not fetched.denied and len(missing) > len(malformed):
            missing = [id_ for id_ in missing if id_ not in malformed]
            known |= self._fetch(endpoint, missing, known, fetched)
        by_id: dict[str, list[Row]] = {}
        for id_ in ids:
            response = known.get(id_)
            if id_ in malformed or (response and response.status in ("not_found", "refused")):
                fetched.not_found.append(id_)
            elif response and response.status == "broken" and id_ not in fetched.failed:
                fetched.failed.append(id_)
                fetched.reason = fetched.reason or response.body["reason"]
            if response and response.status == "answered":
                by_id[id_] = endpoint.rows(response, self.settings.source)
                fetched.rows += by_id[id_]
        return by_id, fetched

    def _fetch(
        self, endpoint: Endpoint, ids: list[str], known: Mapping[str, Response], fetched: Fetched
    ) -> dict[str, Response]:
        """Request these ids; what became of those that got no response is recorded in `fetched`."""
        if denial := self._denial(endpoint):
            fetched.denied, fetched.reason = True, denial.body["reason"]
            return {}
        responses: dict[str, Response] = {}
        with self._threads(endpoint) as submit:
            while ids and fetched.until is None and not fetched.denied:
                batched = endpoint.batch > 1 and (self._access.may_batch or endpoint.single is None)
                size = endpoint.batch if batched else 1
                # A batch goes alone while it may show that the access has none: others would be denied too.
                alone = endpoint.listed or (batched and self.mode != "extended")
                now, ids = (ids[:size], ids[size:]) if alone else (ids, [])
                batches = [now[start : start + size] for start in range(0, len(now), size)]
                jobs = [submit(self._request, endpoint, batch, batched, known) for batch in batches]
                for batch, job in zip(batches, jobs, strict=True):
                    try:
                        with fetched.recording(batch):
                            responses |= job.result()
                            fetched.failed += [id_ for id_ in batch if id_ not in responses]
                    except AccessDenied as error:
                        if batched and endpoint.single and not self._access.is_set:
                            self._access.learn_by_batch(False)
                            ids = [] if endpoint.bare_singly else [*batch, *ids]  # one by one
                        else:
                            fetched.denied, fetched.reason = True, str(error)
        if fetched.denied and endpoint.batch > 1:
            reason = {"reason": fetched.reason}
            self._ledger.put_many([self._response(_denial_key(endpoint), "denied", endpoint.path, reason)])
        if fetched.until is not None:
            fetched.pending += ids
        return responses

    # -- requests; each response is in the ledger before it is given back

    def _request(
        self, endpoint: Endpoint, ids: Sequence[str], batched: bool, known: Mapping[str, Response]
    ) -> dict[str, Response]:
        """Request a batch of ids, or the only one; in a thread of the pool."""
        had = {id_ for id_ in ids if id_ in known and known[id_].status == "answered"}
        try:
            found = (
                self._batch(endpoint, ids) if batched else {ids[0]: ("answered", self._one(endpoint, ids[0]))}
            )
        except BadResponse as error:
            state = {404: "not_found", 400: "refused", 200: "broken"}.get(error.status or 0)
            if batched or state is None or (had and state != "not_found"):
                raise
            found = {ids[0]: (state, {"reason": str(error)})}
        responses = {
            id_: self._response(endpoint.key(id_), state, id_, body)
            for id_, (state, body) in found.items()
            if state in ("answered", "not_found") or id_ not in had
        }
        self._ledger.put_many(
            one for id_, one in responses.items() if one.status == "answered" or id_ not in had
        )
        return responses

    def _search(
        self,
        endpoint: Endpoint,
        id_: str,
        queries: Sequence[str],
        missed: Response | None = None,
        is_enough: IsEnough = lambda rows, tried: bool(rows),
    ) -> Response:
        """Search by the query variants not tried yet, until the rows of all hits so far are enough.

        Hits that are not what was searched for end nothing: Spotify answers some queries with those in place
        of none. While a variant is left, they are stored with the status `not_found`; `missed` is that.
        """
        body: Any = missed.body if missed else None
        tried = missed.attempts if missed else 0
        found_by = [str(missed.query)] if missed and search_hits(missed.body) else []
        while True:
            query = queries[tried]
            tried += 1
            try:
                answer = self._get(endpoint.path, search_problem, q=query, **endpoint.params)
            except BadResponse as error:
                # A break after the first variant leaves what that brought: the next run goes on there.
                state = {400: "refused", 200: "broken" if tried == 1 else None}.get(error.status or 0)
                if state:
                    reason = {"reason": str(error)}
                    self._ledger.put_many([self._response(endpoint.key(id_), state, query, reason, tried)])
                raise
            hits = search_hits(answer)
            for _ in range(len(answer["tracks"]["items"]) - len(hits)):
                self._client.count("hit without a name")
            if hits:
                self._access.learn_from(hits[0])
                found_by.append(query)
                body = with_hits(answer, body)
            response = self._response(
                endpoint.key(id_), "answered", " | ".join(found_by) or query, body or answer, tried
            )
            is_last = tried >= (len(queries) if found_by else min(WITHOUT_HITS, len(queries)))
            rows = endpoint.rows(response, self.settings.source)
            if not (found_by if is_last else is_enough(rows, tried)):
                response = replace(response, status="not_found")
            self._ledger.put_many([response])
            if response.status == "answered" or is_last:
                return response

    def _batch(self, endpoint: Endpoint, ids: Sequence[str]) -> dict[str, tuple[str, Any]]:
        """State and body for each id of a batch: nulls are those that Spotify does not know."""

        def problem(body: Mapping[str, Any]) -> str | None:
            items = body.get(endpoint.listed_as)
            if isinstance(items, list) and len(items) == len(ids):
                return None
            return f"an object that does not list the {len(ids)} {endpoint.listed_as} requested"

        items = self._get(endpoint.path, problem, ids=",".join(ids), **endpoint.params)[endpoint.listed_as]
        if endpoint.single:
            self._access.learn_by_batch(True)
        found: dict[str, tuple[str, Any]] = {}
        for id_, item in zip(ids, items, strict=True):
            why = endpoint.problem(item, id_) if item is not None else None
            state = "broken" if why else "answered" if item is not None else "not_found"
            found[id_] = state, ({"reason": f"Spotify answered {endpoint.path} with {why}"} if why else item)
        return found

    def _one(self, endpoint: Endpoint, id_: str) -> Any:
        """The body for one id; the pages of a list as one body."""
        path = str(endpoint.single).format(id_)
        if not endpoint.listed:
            return self._get(path, lambda body: endpoint.problem(body, id_), **endpoint.params)
        # 50 is refused in development mode since 2026.
        limit, items, more = 50 if self._access.is_extended else 10, list[Any](), True
        while more and len(items) < MOST_RELEASES:
            page = {**endpoint.params, "limit": limit, "offset": len(items)}
            body = self._get(path, partial(list_problem, what="items", offset=len(items)), **page)
            items += body["items"]
            more = bool(body.get("next"))
        return {"items": items, "total": body.get("total")}

    def _get(self, path: str, problem: Check, **params: Any) -> dict[str, Any]:
        """One request, while the request lock holds."""
        self._lock_for(bucket_of(path)).check()
        return self._client.get(path, problem, **params)

    def _lock_for(self, kind: str) -> RequestLock:
        """The request lock, taken before the first request.

        Raises:
            OutOfBudget: no request of this kind may be sent; then no lock is needed.
            LedgerInUse: another process has the lock.
        """
        with self._locking:
            if self._request_lock is None:
                if over := self.budget.over(kind):
                    raise over
                lock = self._ledger.request_lock(self.settings.lock_wait, note=self._note)
                self._request_lock = self._held.enter_context(lock)
                self.predecessor = self._request_lock.predecessor
            return self._request_lock

    @contextlib.contextmanager
    def _threads(self, endpoint: Endpoint) -> Iterator[Callable[..., Future[Any]]]:
        """Threads for one chunk of work; whoever leaves early cancels what has not begun."""
        # Here, so that a lock of another process is waited for once; the budget is each request's matter.
        with contextlib.suppress(OutOfBudget):
            self._lock_for(
                bucket_of(endpoint.single if endpoint.single and endpoint.listed else endpoint.path)
            )
        pool = ThreadPoolExecutor(self.settings.threads, thread_name_prefix="spotify")
        try:
            yield pool.submit
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    # -- the ledger

    def _denial(self, endpoint: Endpoint) -> Response | None:
        """The denial that this app got for this kind of request in this mode, if it is not long ago."""
        key = _denial_key(endpoint)
        denial = self._ledger.get_many([key]).get(key) if endpoint.batch > 1 else None
        if denial is None or denial.retry or self._now() - denial.fetched_at >= DENIED_FOR:
            return None
        return denial if denial.mode == (self.mode or "development") else None

    def _is_due(self, response: Response) -> bool:
        return not self.settings.off and is_due(response, self._now())

    def _response(self, key: Key, status: str, query: str, body: Any, attempts: int = 1) -> Response:
        return Response(key, status, query, self._now(), self.mode or "development", body, attempts)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._client.clock(), UTC)


def _is_answer(endpoint: Endpoint, cached: Response) -> bool:
    """Whether a cached response is to be believed; earlier versions stored any object as an answer."""
    return cached.status != "answered" or endpoint.problem(cached.body, cached.key.id) is None


def _denial_key(endpoint: Endpoint) -> Key:
    return Key("app", endpoint.path, "access")
