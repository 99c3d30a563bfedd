"""`ReccoBeats`: tracks, artists and audio features, from the ledger first and by requests for the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from music_assets.ids import is_spotify_id, isrc_of
from music_assets.sources.fetched import Fetched, Row
from music_assets.sources.http import BadResponse, HttpClient, HttpPolicy
from music_assets.sources.ledger import Key, Response
from music_assets.sources.reccobeats.rows import (
    Item,
    artist_id_of,
    artist_key,
    search_key,
    spotify_id_of,
    track_key,
    track_rows,
)
from music_assets.sources.spotify.rows import audio_features_row

PAGE = 50  # of an artist's tracks; the most that has been seen to be taken
MOST_PAGES = 6  # read of an artist: a few have thousands of tracks
BATCH = 40  # ids a request; https://reccobeats.com/docs/apis/get-audio-features
# The service publishes no rate; one request a second is 40 tracks a second.
RECCOBEATS = HttpPolicy("ReccoBeats", "reccobeats", "https://api.reccobeats.com/v1/")


class ReccoBeats(HttpClient):
    """ReccoBeats as the pipeline sees it."""

    def tracks(
        self, names: Iterable[str], *, newer_than: datetime | None = None
    ) -> tuple[dict[str, list[Row]], Fetched]:
        """Rows of `spotify.tracks` by the Spotify id or the ISRC requested, and what became of the others.

        An ISRC may have several rows. Albums are not named. What is neither an id nor an ISRC is left out.
        What was fetched before `newer_than` is requested again.
        """
        names = [name for name in dict.fromkeys(names) if is_spotify_id(name) or isrc_of(name) == name]
        known = {
            key.id: response
            for key, response in self._known(map(track_key, names)).items()
            if newer_than is None or response.fetched_at >= newer_than
        }
        self.cache_hits += len(known)
        fetched = Fetched()
        # Whether one request takes ids and ISRCs together is nowhere said.
        for kind in (is_spotify_id, isrc_of):
            missing = [name for name in names if name not in known and kind(name)]
            for batch, found in self._batches("track", missing, fetched):
                responses = [self._tracks_of(name, found.get(name, ())) for name in batch]
                if kind is isrc_of:  # so that the tracks are known by their ids, too
                    items = {
                        id_: [item]
                        for name in batch
                        for item in found.get(name, ())
                        if (id_ := spotify_id_of(item))
                    }
                    responses += [self._tracks_of(id_, of) for id_, of in items.items()]
                self._ledger.put_many(responses)
                known |= {response.key.id: response for response in responses}
        rows = {name: track_rows(known[name], self.source) for name in names if name in known}
        fetched.rows = [row for name in names for row in rows.get(name, ())]
        fetched.not_found = [name for name in names if name in known and not rows[name]]
        return {name: found for name, found in rows.items() if found}, fetched

    def add_popularity(self, rows: Iterable[Row], *, newer_than: datetime | None = None) -> Fetched:
        """Give rows of `spotify.tracks` the popularity that Spotify left out; what became of the others."""
        without = {row["spotify_track_id"]: row for row in rows if row["popularity"] is None}
        found, fetched = self.tracks(without, newer_than=newer_than)
        for id_, (track, *_) in found.items():
            without[id_]["popularity"] = track["popularity"]
        return fetched

    def _tracks_of(self, name: str, items: Sequence[Item]) -> Response:
        return self._response(track_key(name), name, {"content": list(items)}, found=bool(items))

    def find_artists(
        self, names: Collection[str], is_same: Callable[[str, str], bool]
    ) -> tuple[dict[str, str], Fetched]:
        """The Spotify ids of artists by name, of each the first that `is_same`; what became of the others.

        Clients alone document this search, so the first bad response ends it: the others are `failed`.
        """
        known = {key.id: response for key, response in self._known(map(search_key, names)).items()}
        fetched, left = Fetched(), [name for name in dict.fromkeys(names) if name and name not in known]
        with fetched.recording(left):
            while left:
                body = self.get("artist/search", searchText=left[0], page="0", size=str(PAGE))
                items = _content(body, "artist/search")
                response = self._response(search_key(left[0]), left[0], {"content": items}, found=bool(items))
                self._ledger.put_many([response])
                known[left.pop(0)] = response
        found = {}
        for name, response in known.items():
            items = response.body["content"]
            ids = (artist_id_of(item) for item in items if is_same(name, str(item.get("name") or "")))
            if id_ := next(filter(None, ids), None):
                found[name] = id_
        return found, fetched

    def artist_tracks(self, ids: Iterable[str]) -> tuple[dict[str, list[Row]], Fetched]:
        """Rows of `spotify.tracks` by the artist's Spotify id, `MOST_PAGES` pages at most.

        An artist that it does not know has none. The first bad response ends it: the others are `failed`.
        """
        ids = list(filter(is_spotify_id, dict.fromkeys(ids)))
        known = {key.id: response for key, response in self._known(map(artist_key, ids)).items()}
        self.cache_hits += len(known)
        fetched, left = Fetched(), [id_ for id_ in ids if id_ not in known]
        with fetched.recording(left):
            own: dict[str | None, Any] = {}
            for start in range(0, len(left), BATCH):
                body = self.get("artist", ids=",".join(left[start : start + BATCH]))
                own |= {artist_id_of(item): item.get("id") for item in _content(body, "artist")}
            while left:
                uuid = own.get(left[0])
                items = self._pages(f"artist/{uuid}/track") if uuid else []
                response = self._response(artist_key(left[0]), left[0], {"content": items}, found=bool(items))
                self._ledger.put_many([response])
                known[left.pop(0)] = response
        return {id_: track_rows(known[id_], self.source) for id_ in ids if id_ in known}, fetched

    def keep_tracks(self, artist_id: str, ids: Iterable[str]) -> None:
        """Cache these tracks of an artist by their own ids, as a lookup by id would."""
        cached = self._ledger.get_many([artist_key(artist_id)])[artist_key(artist_id)]
        items = {spotify_id_of(item): item for item in cached.body["content"]}
        self._ledger.put_many(
            replace(self._tracks_of(id_, [items[id_]]), fetched_at=cached.fetched_at) for id_ in ids
        )

    def _pages(self, path: str) -> list[Item]:
        """What a list holds, page by page."""
        items: list[Item] = []
        for page in range(MOST_PAGES):
            body = self.get(path, page=str(page), size=str(PAGE))
            found = _content(body, path)
            items += found
            pages = body.get("totalPages")
            if not found or (page + 1 >= pages if isinstance(pages, int) else len(found) < PAGE):
                break
        return items

    def audio_features(self, ids: Iterable[str], *, isrcs: Mapping[str, str] | None = None) -> Fetched:
        """Rows of `spotify.audio_features` for these Spotify ids.

        An id that ReccoBeats does not know is looked up by its ISRC, where `isrcs` (by Spotify id) has one:
        the recording is the same, so its features are. Ids unknown either way are `not_found`, and cached as
        such; what is not a Spotify id is `failed` and not requested.
        """
        ids = list(dict.fromkeys(ids))
        cached = {key.id: response for key, response in self._known(map(_features_key, ids)).items()}
        known = dict(cached)
        fetched = Fetched(failed=[id_ for id_ in ids if not is_spotify_id(id_)])
        if fetched.failed:
            fetched.reason = f"{fetched.failed[0]!r} is not a Spotify id"
        missing = [id_ for id_ in ids if id_ not in known and is_spotify_id(id_)]
        known |= self._features({id_: [id_] for id_ in missing}, fetched)
        by_isrc: dict[str, list[str]] = {}
        for id_ in ids:
            response, isrc = known.get(id_), isrc_of((isrcs or {}).get(id_))
            if isrc and response and response.status == "not_found" and response.attempts == 1:
                by_isrc.setdefault(isrc, []).append(id_)
        known |= self._features(by_isrc, fetched, attempts=2)
        unanswered = {*fetched.pending, *fetched.failed}
        self.cache_hits += sum(known[id_] is cached[id_] and id_ not in unanswered for id_ in cached)
        for id_ in ids:
            response = known.get(id_)
            if response and response.status == "answered":
                at = response.fetched_at
                row = audio_features_row(response.body, source=self.source, fetched_at=at, requested_id=id_)
                fetched.rows.append(row)
            elif response and id_ not in unanswered:
                fetched.not_found.append(id_)
        return fetched

    def _features(
        self, ids_by_name: Mapping[str, list[str]], fetched: Fetched, *, attempts: int = 1
    ) -> dict[str, Response]:
        """Request the features of these names (Spotify ids or ISRCs), and cache them for their ids.

        `attempts` is 2 for an id that is looked up by its ISRC. Of several tracks with one ISRC that of the
        smallest id is taken, so that it is the same one each time.
        """
        known: dict[str, Response] = {}
        for batch, found in self._batches("audio-features", list(ids_by_name), fetched, ids_by_name):
            responses = []
            for name in batch:
                items = sorted(found.get(name, ()), key=lambda item: spotify_id_of(item) or "")
                first = items[0] if items else None
                responses += [
                    self._response(_features_key(id_), name, first, found=bool(items), attempts=attempts)
                    for id_ in ids_by_name[name]
                ]
            self._ledger.put_many(responses)
            known |= {response.key.id: response for response in responses}
        return known

    def _batches(
        self,
        path: str,
        names: Sequence[str],
        fetched: Fetched,
        ids_by_name: Mapping[str, list[str]] | None = None,
    ) -> Iterator[tuple[Sequence[str], dict[str, list[Item]]]]:
        """Request names by the batch; gives each with the objects found by name.

        What became of a batch without a response is recorded in `fetched`, for the ids of its names.
        """
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            ids = [id_ for name in batch for id_ in (ids_by_name or {name: [name]})[name]]
            found = None
            with fetched.recording(ids):
                found = _by_name(self.get(path, ids=",".join(batch)), path)
            if found is not None:
                yield batch, found


def _by_name(body: Any, path: str) -> dict[str, list[Item]]:
    """The objects of a response by Spotify id and by ISRC: in any order, unknown ones not at all."""
    found: dict[str, list[Item]] = {}
    for item in _content(body, path):
        for name in (spotify_id_of(item), isrc_of(item.get("isrc"))):
            if name:
                found.setdefault(name, []).append(item)
    return found


def _content(body: Any, path: str) -> list[Item]:
    """The objects of a response. Raises `BadResponse` where it has no list of them."""
    items = body.get("content") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise BadResponse(f"ReccoBeats answered {path} with an object that holds no list of content")
    return [item for item in items if isinstance(item, dict)]


def _features_key(id_: str) -> Key:
    return Key("spotify_track", id_, "reccobeats")
