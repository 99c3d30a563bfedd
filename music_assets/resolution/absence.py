"""The step that takes songs for missing without a search of their own: their release on Spotify lacks them.

The other rules are in `steps`. This one spares searches that would find next to nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from music_assets.matching import normalise
from music_assets.resolution.backlog import BacklogSong, SongState
from music_assets.resolution.id_providers import IdProvider
from music_assets.resolution.steps import Run, is_listed_whole, release_names


def by_absence(labs: IdProvider, run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Take songs for missing that the whole list of their release lacks, and that Labs know nothing of.

    Labs have every album of an artist that ListenBrainz's users play. On the sandbox a search for each of
    these songs would find one in fifty (`benchmarks/README.md`, Requests). They count as searched for with
    their release, and are searched for by themselves when misses are; a priority song is at once.
    """
    songs = [song for song in songs if song.state is SongState.SEARCHABLE and not song.priority]
    catalog, names = run.catalog, release_names(songs)
    lists = dict(catalog.search_releases(names, fetch=False)[0])
    albums = catalog.resolutions.albums(names)
    cached = catalog.albums({one.spotify_album_id for of in albums.values() for one in of}, fetch=False)[0]
    for key, of in albums.items():
        lists[key] = [
            *lists.get(key, ()),
            *(row for album in of if album.same_name for row in cached.get(album.spotify_album_id, ())),
        ]
    whole = {
        key
        for key, rows in lists.items()
        if any(
            normalise(row["album_name"]) == normalise(names[key][1])
            and is_listed_whole(row["spotify_album_id"], rows)
            for row in rows
        )
    }
    left = [song for song in songs if song.release_key in whole]
    known = labs.ids(left)
    missing = [song for song in left if song.track_id not in {*known.by_track, *known.unreached}]
    catalog.record_misses({song.track_id: names[song.release_key] for song in missing})
    run.mark(missing, "absence", SongState.MISSED)
    return {song.track_id for song in missing}
