"""`ListenBrainz`: listens and listeners by MusicBrainz id, from the ledger first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from music_assets.ids import MBID
from music_assets.sources.fetched import Fetched, Row
from music_assets.sources.http import BadResponse, HttpClient, HttpPolicy
from music_assets.sources.ledger import Key, Response

BATCH = 1000  # ids a request: the most that `POST /1/popularity/…` takes
REFRESH_DAYS = 30  # how long a count stands before it is requested again
PURPOSE = "popularity"  # in the ledger; CC0, so that no retention applies
LISTENBRAINZ = HttpPolicy("ListenBrainz", "listenbrainz", "https://api.listenbrainz.org/1/")


class ListenBrainz(HttpClient):
    """ListenBrainz as the pipeline sees it."""

    def popularity(self, entity: str, mbids: Iterable[str], *, fetch: bool = True) -> Fetched:
        """Rows of `listenbrainz_popularity` for the MBIDs of an `entity`, `recording` or `artist`.

        What is older than `REFRESH_DAYS` is requested again, and given as it was where that cannot be. An
        MBID without counts is `not_found`; what is not an MBID is left out. Without `fetch` no request is
        sent.
        """
        mbids = [mbid for mbid in dict.fromkeys(mbids) if MBID.fullmatch(mbid)]
        keys = [Key(entity, mbid, PURPOSE) for mbid in mbids]
        known = {key.id: response for key, response in self._ledger.get_many(keys).items()}
        renewed_before = self._now() - timedelta(days=REFRESH_DAYS)
        missing = [m for m in mbids if m not in known or known[m].fetched_at <= renewed_before]
        self.cache_hits += len(mbids) - len(missing)
        fetched = Fetched()
        starts = range(0, len(missing), BATCH) if fetch else ()
        for batch in (missing[start : start + BATCH] for start in starts):
            with fetched.recording(batch):
                body = self.post(f"popularity/{entity}", {f"{entity}_mbids": batch})
                responses = self._responses(entity, batch, body)
                self._ledger.put_many(responses)
                known |= {response.key.id: response for response in responses}
        for mbid in mbids:
            response = known.get(mbid)
            if response and response.status == "answered":
                fetched.rows.append(self._row(entity, response))
            elif response:
                fetched.not_found.append(mbid)
        return fetched

    def _responses(self, entity: str, mbids: list[str], body: Any) -> list[Response]:
        """A response per MBID; one that the service leaves out has no counts."""
        if not isinstance(body, list):
            raise BadResponse(f"ListenBrainz answered popularity/{entity} with something that is not a list")
        named = ((row.get(f"{entity}_mbid"), row) for row in body if isinstance(row, dict))
        rows = {mbid: row for mbid, row in named if isinstance(mbid, str)}
        if not rows.keys() & set(mbids):
            raise BadResponse(f"ListenBrainz answered popularity/{entity} about none of the ids requested")
        counts = {mbid: _counts(rows.get(mbid, {})) for mbid in mbids}
        return [
            self._response(
                Key(entity, mbid, PURPOSE), mbid, counts[mbid], found=counts[mbid]["listen_count"] is not None
            )
            for mbid in mbids
        ]

    def _row(self, entity: str, response: Response) -> Row:
        about = {"source": self.source, "fetched_at": response.fetched_at}
        return {"mbid": response.key.id, "entity": entity, **response.body, **about}


def _counts(row: Row) -> dict[str, int | None]:
    return {
        "listen_count": _count(row.get("total_listen_count")),
        "listener_count": _count(row.get("total_user_count")),
    }


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
