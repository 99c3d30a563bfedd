"""What an artist has released, as Spotify lists it: some pages of albums, kept as one answer an artist.

From the ledger first, as everything here. Things that have an id of their own are asked for in `lookups`;
what a row of a release holds is in `shapes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from music_assets.sources.ledger import Key, Ledger, Response
from music_assets.sources.spotify.access import Access
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.sources.spotify.errors import AccessDenied, BadResponse, OutOfBudget
from music_assets.sources.spotify.lookups import Found

ARTIST_ALBUMS = "artist_albums"
PAGE = 50  # releases a request
# A few artists have thousands of releases, most of them the same again: nobody waits for all of these.
MOST_PAGES = 4


class ArtistAlbums:
    """Asks what artists have released. `spend` is called before each request and holds the right to spend."""

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

    def by_artist(self, ids: Sequence[str], *, newer_than: datetime | None = None) -> Found:
        """The albums and singles of each artist; the ledger's where they are not older than `newer_than`.

        One artist after the other, until the budget ends. An answer that cannot be renewed now is given as it
        was; an artist that Spotify does not know, or knows no release of, is `not_found`.
        """
        ids = list(dict.fromkeys(ids))
        kept = self._ledger.get_many(map(_key, ids))
        found = Found()
        for id_ in ids:
            answer = kept.get(_key(id_))
            if answer is not None:
                found.answers[id_] = answer
            if answer is not None and (newer_than is None or answer.fetched_at >= newer_than):
                found.from_ledger += 1
            elif found.denied or found.until:
                found.pending.append(id_)
            else:
                self._ask(id_, found)
        return found

    def _ask(self, id_: str, found: Found) -> None:
        try:
            found.answers[id_] = self._answer(id_)
        except AccessDenied as error:
            found.denied, found.reason = True, str(error)
        except OutOfBudget as error:
            found.pending.append(id_)
            found.reason, found.until = str(error), error.until
        except BadResponse as error:
            found.failed.append(id_)
            found.reason = str(error)

    def _answer(self, id_: str) -> Response:
        """Ask about one artist and keep what came."""
        status, body = "answered", None
        try:
            body = self._pages(id_)
        except BadResponse as error:
            if not error.refused:
                raise
            status = "not_found"
        mode = self._access.mode or "development"
        answer = Response(_key(id_), status, id_, self._now(), mode, body)
        self._ledger.put_many([answer])
        return answer

    def _pages(self, id_: str) -> dict[str, Any]:
        """The pages there are, `MOST_PAGES` at most, as one; `total` is how many releases Spotify has."""
        items: list[Any] = []
        total = None
        for page in range(MOST_PAGES):
            self._spend()
            about = {"include_groups": "album,single", "limit": PAGE, "offset": page * PAGE}
            body = self._client.get(f"artists/{id_}/albums", **about)
            if not isinstance(body.get("items"), list):
                raise BadResponse("Spotify answered a question for an artist's albums without a list of them")
            items += body["items"]
            total = body.get("total")
            if not body.get("next"):
                break
        return {"items": items, "total": total}


def _key(artist_id: str) -> Key:
    return Key("spotify_artist", artist_id, ARTIST_ALBUMS)
