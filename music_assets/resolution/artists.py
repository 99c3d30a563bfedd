"""The step that reads whole artists at ReccoBeats: what it lists of one may resolve many of its songs.

The artist is the one credited on a song of the same MSD artist that was resolved, else one found by its name;
what is listed is compared like any candidate. An id at a time is verified in `known_ids`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from music_assets.matching import artist_agreement, normalise
from music_assets.resolution.backlog import BacklogSong
from music_assets.resolution.steps import Run, match
from music_assets.sources.fetched import Row
from music_assets.sources.reccobeats import ReccoBeats
from music_assets.sources.spotify.queries import main_artist

SAME = 0.95  # agreement of two names from which they are of one artist


def by_artist(reccobeats: ReccoBeats, run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Resolve the songs of these artists of which no id is known by what ReccoBeats lists of the artist.

    It is a service of convenience: one bad response, and the run goes on without it.
    """
    names = {
        song.artist_id: main_artist(song.artist_name) for song in songs if song.artist_id and song.artist_name
    }
    if not names or run.without_artists:
        return ()
    ids = run.catalog.resolutions.artists(names)
    unknown = {id_: name for id_, name in names.items() if id_ not in ids}
    found, unsearched = reccobeats.find_artists(unknown.values(), is_same_artist)
    ids |= {id_: found[name] for id_, name in unknown.items() if name in found}
    listed, unread = reccobeats.artist_tracks(ids.values())
    run.without_artists = bool(unsearched.failed or unread.failed)
    pending = {*unsearched.pending, *unread.pending}
    for song in songs:
        if pending & {names.get(song.artist_id or ""), ids.get(song.artist_id or "")}:
            run.unreached[song.track_id] = unsearched.reason or unread.reason or ""
    matches: dict[BacklogSong, list[Row]] = {}
    kept: dict[str, dict[str, None]] = {}
    for song in run.backlog.of_artists(ids):
        artist = ids[song.artist_id or ""]
        if matched := _match(song, listed.get(artist, ())):
            matches[song] = matched
            kept.setdefault(artist, {}).update(dict.fromkeys(row["spotify_track_id"] for row in matched))
    for artist, tracks in kept.items():
        reccobeats.keep_tracks(artist, tracks)
    run.resolve_by_tracks("artist", matches)
    record_artists(run, matches)
    return {song.track_id for song in matches}


def record_artists(run: Run, matches: Mapping[BacklogSong, Sequence[Row]]) -> None:
    """Record which Spotify artists the artists of these songs are: those credited under their names."""
    found = {
        song.artist_id: artist["spotify_artist_id"]
        for song, rows in matches.items()
        for artist in rows[0]["artists"] or ()
        if song.artist_id and artist["spotify_artist_id"] and is_same_artist(song.artist_name, artist["name"])
    }
    known = run.catalog.resolutions.artists(found)
    run.catalog.resolutions.record_artists({id_: of for id_, of in found.items() if id_ not in known})


def is_same_artist(one: str | None, other: str | None) -> bool:
    """Whether two names are of one artist, as far as names tell."""
    return artist_agreement(one, other) >= SAME


def _match(song: BacklogSong, rows: Sequence[Row]) -> list[Row]:
    """The rows that are this song, of those that have a word of its title."""
    words = set(normalise(song.title).split())
    return match(song, [row for row in rows if words & set(normalise(row["name"]).split())])
