"""Steps on whole releases: one response for many songs, by a search for the release or by its albums.

The rules that say when a request is worth it are fixed and stand here. Learned ones were tried: they spent
as many requests for the same matches (`benchmarks/requests.py`). Single songs are in `songs`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from music_assets.matching import normalise
from music_assets.resolution.backlog import BacklogSong
from music_assets.resolution.run import Row, Run, match
from music_assets.sources.spotify import HITS, Resolution

SONGS_FOR_A_SEARCH = 2  # that wait on a release: fewer are searched for one by one
# … on an album where albums come one per request, more than: it has the release's name, or another.
MORE_THAN, MORE_THAN_IF_OTHER = 2, 4
EDITIONS = 3  # albums per release where they come twenty per request; else one


@dataclass(frozen=True)
class ReleaseAlbum:
    """An album on Spotify that a release of the MSD may be."""

    id: str
    same_name: bool


def by_release_search(run: Run, songs: Sequence[BacklogSong], *, fetch: bool = True) -> Collection[str]:
    """Resolve songs by searches for their releases; without `fetch`, by cached ones."""
    first = _with_release(songs if fetch else _not_deferred(songs))
    waiting = run.backlog.of_releases(first)
    if fetch:
        known = known_albums(run, first)
        first = {
            key: song
            for key, song in first.items()
            if key not in known and run.wanted(waiting.get(key, ())) >= SONGS_FOR_A_SEARCH
        }
    hits, rest = run.catalog.search_releases(_names(first.values()), fetch=fetch and run.may_fetch)
    run.stop_if(rest.until, rest.reason)
    matches = {
        song.track_id: rows
        for key, found in hits.items()
        for song in waiting.get(key, ())
        if (rows := match(song, found))
    }
    matched = [song for key in hits for song in waiting.get(key, ()) if song.track_id in matches]
    run.catalog.resolutions.record(
        Resolution(song.track_id, "release", (song.release_key,)) for song in matched
    )
    run.mark(matched, "release")
    record_albums(run, matched, matches)
    return matches.keys()


def by_album(run: Run, songs: Sequence[BacklogSong], *, fetch: bool = True) -> Collection[str]:
    """Resolve songs by the albums of their releases; without `fetch`, by cached ones."""
    songs = songs if fetch else _not_deferred(songs)
    known = known_albums(run, {song.release_key for song in songs})
    waiting = run.backlog.of_releases(known)
    searched = run.catalog.search_releases(_names(songs, known), fetch=False)[0] if fetch else {}
    releases: dict[str, list[str]] = {}  # by the id of the album
    for key, albums in known.items():
        wanted = run.wanted(waiting.get(key, ()))
        for album in albums:
            if not fetch or _is_worth_fetching(run, album, wanted, searched.get(key)):
                releases.setdefault(album.id, []).append(key)
    if not releases:
        return ()
    fetched, rest = run.catalog.albums(releases, fetch=fetch and run.may_fetch)
    run.stop_if(rest.until, rest.reason)
    on_album: dict[str, str] = {}
    matched = []
    for id_, tracks in fetched.items():
        for song in (song for key in releases[id_] for song in waiting.get(key, ())):
            if song.track_id not in on_album and match(song, tracks):
                on_album[song.track_id] = id_
                matched.append(song)
    run.catalog.resolutions.record(Resolution(song, "album", (id_,)) for song, id_ in on_album.items())
    run.mark(matched, "album")
    return on_album.keys()


def defer(run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Defer the songs that are not with their release: they are the least likely to be on Spotify."""
    known = known_albums(run, {song.release_key for song in songs})
    ids = {album.id for albums in known.values() for album in albums}
    cached = run.catalog.albums(ids, fetch=False)[0] if ids else {}
    looked_at = set(run.catalog.search_releases(_names(songs, known), fetch=False)[0])
    looked_at |= {key for key, albums in known.items() if any(album.id in cached for album in albums)}
    later = {song.track_id for song in _not_deferred(songs) if song.release_key in looked_at}
    run.backlog.defer(later)
    return later


def record_albums(run: Run, songs: Iterable[BacklogSong], matches: Mapping[str, Sequence[Row]]) -> None:
    """Record on which albums the releases of these songs may be: those of their matches, same names first."""
    names: dict[str, str] = {}
    tracks: dict[str, list[Row]] = {}
    for song in songs:
        names[song.release_key] = normalise(song.release)
        tracks.setdefault(song.release_key, []).extend(matches[song.track_id])
    known = known_albums(run, tracks)
    changed = {}
    for key, rows in tracks.items():
        found = {
            row["spotify_album_id"]: ReleaseAlbum(
                row["spotify_album_id"], normalise(row["album_name"]) == names[key]
            )
            for row in rows
            if row["spotify_album_id"]
        }
        best = sorted(found.values(), key=lambda album: not album.same_name)
        had = known.get(key, [])
        new = [album for album in best[: EDITIONS if run.has_batches else 1] if album not in had]
        if new:
            changed[key] = [*had, *new]
    run.catalog.resolutions.record_albums(
        {
            key: [f"{album.id}=" if album.same_name else album.id for album in albums]
            for key, albums in changed.items()
        }
    )


def known_albums(run: Run, keys: Iterable[str]) -> dict[str, list[ReleaseAlbum]]:
    """The albums that are recorded for these releases."""
    return {
        key: [ReleaseAlbum(id_.removesuffix("="), id_.endswith("=")) for id_ in ids]
        for key, ids in run.catalog.resolutions.albums(keys).items()
    }


def _is_worth_fetching(run: Run, album: ReleaseAlbum, wanted: int, hits: Sequence[Row] | None) -> bool:
    """Whether an album is fetched for so many songs; `hits` are those of a search for the release."""
    if hits is not None and len(hits) < HITS and album.same_name:
        return False  # the search listed all of its tracks
    if run.has_batches:
        return wanted > 0
    return wanted > (MORE_THAN if album.same_name else MORE_THAN_IF_OTHER)


def _not_deferred(songs: Iterable[BacklogSong]) -> list[BacklogSong]:
    """Those that were not looked for among their releases before."""
    return [song for song in songs if not song.deferred]


def _with_release(songs: Iterable[BacklogSong]) -> dict[str, BacklogSong]:
    return {song.release_key: song for song in songs if song.release}


def _names(
    songs: Iterable[BacklogSong], among: Mapping[str, object] | None = None
) -> dict[str, tuple[str, str]]:
    """Artist and release by the key of the release, for those that can be searched for."""
    return {
        song.release_key: (song.artist_name or "", song.release)
        for song in songs
        if song.release and (among is None or song.release_key in among)
    }
