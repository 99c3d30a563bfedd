"""The step that verifies ids without Spotify: ReccoBeats says what they are, the matcher decides.

Which sources know ids is in `id_providers`, the steps that search Spotify in `steps`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from music_assets.matching import normalise
from music_assets.resolution.artists import record_artists
from music_assets.resolution.backlog import BacklogSong
from music_assets.resolution.id_providers import IdProvider
from music_assets.resolution.steps import IDS_PER_SONG, Run, match, record_albums
from music_assets.sources.fetched import Row
from music_assets.sources.reccobeats import ReccoBeats


def by_known_id(
    provider: IdProvider, reccobeats: ReccoBeats, run: Run, songs: Sequence[BacklogSong]
) -> Collection[str]:
    """Resolve songs by ids that a source knows: of each song the likeliest first, the next where that fails.

    All candidates of a song so far are compared together, also those that another source named.
    """
    if not songs:
        return ()
    known = provider.ids(songs)
    run.unreached |= known.unreached
    left = {
        song: list(_by_release(song, known.by_track[song.track_id]).items())[:IDS_PER_SONG]
        for song in songs
        if song.track_id in known.by_track
    }
    matches: dict[BacklogSong, list[Row]] = {}
    for place in range(IDS_PER_SONG):
        looked_up = {
            song: ids[place] for song, ids in left.items() if song not in matches and place < len(ids)
        }
        rows, rest = reccobeats.tracks(name for name, _ in looked_up.values())
        unanswered = {*rest.pending, *rest.failed}
        for song, (name, album) in looked_up.items():
            if name in unanswered:
                run.unreached[song.track_id] = rest.reason or ""
            if found := rows.get(name):
                row = min(found, key=lambda row: _order(song, row))
                run.candidates.setdefault(song.track_id, {})[row["spotify_track_id"]] = {
                    **row,
                    "listed_album": album,
                }
                if matched := match(song, list(run.candidates[song.track_id].values())):
                    matches[song] = matched
    run.resolve_by_tracks(provider.name, matches)
    record_artists(run, matches)
    record_albums(run, {song: _with_albums(song, rows, known.albums) for song, rows in matches.items()})
    return {song.track_id for song in matches}


def _with_albums(song: BacklogSong, rows: Sequence[Row], albums: Mapping[str, str]) -> list[Row]:
    """The rows of which the source names the album, where that is the song's release."""
    return [
        {**row, "spotify_album_id": albums[row["spotify_track_id"]], "album_name": row["listed_album"]}
        for row in rows
        if row["spotify_track_id"] in albums and normalise(row["listed_album"]) == normalise(song.release)
    ]


def _by_release(song: BacklogSong, ids: Mapping[str, str | None]) -> dict[str, str | None]:
    """Ids, that of the song's release first, then those whose album has its name in it, or the other way."""
    release = normalise(song.release)

    def apart(album: str | None) -> int:
        name = normalise(album)
        if not (name and release):
            return 2
        return 0 if name == release else 1 if name in release or release in name else 2

    return dict(sorted(ids.items(), key=lambda item: apart(item[1])))


def _order(song: BacklogSong, row: Row) -> tuple[float, int, str]:
    """Of several tracks with one ISRC: the nearest in length, then the most popular."""
    lengths = song.duration, row["duration_ms"]
    apart = math.inf if None in lengths else abs(lengths[0] - lengths[1] / 1000)
    return round(apart), -(row["popularity"] or 0), row["spotify_track_id"]
