"""Steps on single songs: cached responses, ids that another source knows, a search per song.

A song that others wait with on a release is compared at once, since its match names albums for all of them;
a song on its own is resolved by any response, and `mapped_songs` decides later. Whole releases are in
`releases`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from music_assets.resolution.backlog import BacklogSong, SongState
from music_assets.resolution.id_providers import IdProvider
from music_assets.resolution.releases import by_album, record_albums
from music_assets.resolution.run import Row, Run, match
from music_assets.sources.spotify import Resolution, SearchResult, SongQuery

IDS_PER_SONG = 3  # known ids to verify: the first may have vanished from Spotify


def by_cached_response(run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Resolve songs that need no request."""
    results = run.catalog.cached(map(_query, songs))
    _accept(run, songs, results, "kept")
    return results.keys()


def by_provided_id(provider: IdProvider, run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Resolve songs by ids that another source knows, each verified by fetching its track.

    Only where tracks come fifty per request: a request for one id costs as much as a search.
    """
    if not (run.has_batches and run.may_fetch and songs):
        return ()
    ids = {track_id: known[:IDS_PER_SONG] for track_id, known in provider.ids(songs).items()}
    found = run.catalog.tracks(dict.fromkeys(id_ for known in ids.values() for id_ in known))
    run.stop_if(found.until, found.reason)
    by_id = {row["spotify_track_id"]: row for row in found.rows}
    matches: dict[str, list[Row]] = {}
    for song in songs:
        rows = match(song, [by_id[id_] for id_ in ids.get(song.track_id, ()) if id_ in by_id])
        if rows:
            matches[song.track_id] = rows
    run.catalog.resolutions.record(
        Resolution(track_id, provider.name, tuple(row["spotify_track_id"] for row in rows))
        for track_id, rows in matches.items()
    )
    matched = [song for song in songs if song.track_id in matches]
    run.mark(matched, provider.name)
    record_albums(run, matched, matches)
    return matches.keys()


def by_song_search(run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Search for one song of each release: the others may come with the album that it is found on."""
    if not run.may_fetch:
        return ()
    chosen: dict[str, BacklogSong] = {}
    for song in songs:
        chosen.setdefault(song.release_key if run.by_release else song.track_id, song)
    results = {result.track_id: result for result in run.catalog.search_songs(map(_query, chosen.values()))}
    for result in results.values():
        if result.status == "pending":
            run.stop_if(result.until, result.reason)
    matched = _accept(run, list(chosen.values()), results, "search")
    if matched:
        by_album(run, matched)
    return results.keys()


def _accept(
    run: Run, songs: Sequence[BacklogSong], results: Mapping[str, SearchResult], how: str
) -> list[BacklogSong]:
    """Set the state of the songs that have a result; those whose match named albums for others."""
    run.fail({id_: result.reason or "" for id_, result in results.items() if result.status == "error"})
    answered = {id_: result.tracks for id_, result in results.items() if result.status == "answered"}
    songs = [song for song in songs if song.track_id in answered]
    waiting = run.backlog.of_releases({song.release_key for song in songs}) if run.by_release else {}
    alone = [song for song in songs if len(waiting.get(song.release_key, ())) < 2]
    with_mates = [song for song in songs if len(waiting.get(song.release_key, ())) >= 2]
    matches = {song.track_id: match(song, answered[song.track_id]) for song in with_mates}
    matched = [song for song in with_mates if matches[song.track_id]]
    run.mark([*alone, *matched], how)
    run.mark([song for song in with_mates if not matches[song.track_id]], how, SongState.MISSED)
    record_albums(run, matched, matches)
    return matched


def _query(song: BacklogSong) -> SongQuery:
    return SongQuery(song.track_id, song.title or "", song.artist_name or "", song.release, song.duration)
