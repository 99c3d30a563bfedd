"""The steps that resolve songs, and the fixed rules that say when a request is worth it.

A step takes songs and returns the track ids of those that need no further step now. Their order is in
`resolver`. Rules learned from earlier responses spent as many requests for the same matches
(`benchmarks/requests.py`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from music_assets.ids import is_spotify_id, partition_of
from music_assets.matching import Candidate, decide, normalise, parse_title, renamed_artists
from music_assets.resolution.backlog import BacklogSong, SearchBacklog, SongState
from music_assets.resolution.id_providers import IdProvider
from music_assets.resolution.outcome import ResolutionOutcome
from music_assets.sources.fetched import Row
from music_assets.sources.spotify import (
    Fetched,
    OutOfBudget,
    ReleaseAlbum,
    Resolution,
    SearchResult,
    SongQuery,
    SpotifyCatalog,
)

IDS_PER_SONG = 3  # known ids to verify: the first may have vanished from Spotify
SONGS_FOR_A_SEARCH = 2  # that wait on a release: fewer are searched for one by one
# Where albums come one per request, more than so many songs wait on one that has the release's name, or not.
MORE_THAN, MORE_THAN_IF_OTHER_NAME = 2, 4
BARREN = 20  # searches for releases in a row without a hit: `album:` is broken, and a run sends no more
EDITIONS = 3  # albums recorded per release where they come twenty per request; else one


@dataclass
class Run:
    """What the steps of a run share. `priority`: the songs of this batch are those that come first.

    The state of a song is changed here and nowhere else, so that backlog and outcome agree.
    """

    catalog: SpotifyCatalog
    backlog: SearchBacklog
    by_release: bool = True
    priority: bool = False
    outcome: ResolutionOutcome = field(default_factory=ResolutionOutcome)
    renamed: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)  # artists, by release key
    without_artists: bool = False  # whether ReccoBeats' lists of artists are left alone
    knows_absence: bool = False  # whether a whole list of a release shows which songs are missing
    barren: int = 0  # searches for releases since one had a hit
    # Of this batch, by track: candidates by their id, and why a source was not reached.
    candidates: dict[str, dict[str, Row]] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)  # missed, and still to be looked up where nobody was reached

    @property
    def has_batches(self) -> bool:
        """Whether Spotify gives this app several things by id per request: extended access."""
        return self.catalog.mode == "extended"

    def may(self, kind: str) -> bool:
        """Whether Spotify may still be sent this kind of request: `search`, `albums` or `tracks`."""
        return kind not in self.outcome.closed and not self.catalog.settings.off

    def stop_if(self, kind: str, result: Fetched | SearchResult) -> None:
        """Send no more requests of a kind where a result says until when its budget is used up."""
        if result.until is not None:
            self.outcome.closed.setdefault(kind, OutOfBudget(result.reason or "", result.until))

    def wanted(self, songs: Iterable[BacklogSong]) -> int:
        """How many of these are open and due now: while priority songs are open, no others are."""
        return sum(song.is_open and (song.priority or not self.priority) for song in songs)

    def mark(self, songs: Sequence[BacklogSong], how: str, state: SongState = SongState.RESOLVED) -> None:
        """Set the state of songs; those that were open are counted under `how`."""
        if not songs:
            return
        self.backlog.mark([song.track_id for song in songs], state)
        self.outcome.resolved[how] += sum(song.is_open for song in songs)
        self.outcome.partitions |= {partition_of(song.track_id) for song in songs}

    def resolve(self, how: str, ids: Mapping[BacklogSong, tuple[str, ...]]) -> None:
        """Record by which ids these songs are resolved, without a search of their own."""
        self.catalog.resolutions.record(
            Resolution(
                song.track_id,
                how,
                by,
                self.renamed.get(song.release_key, frozenset()),
                self._albums(song, by),
            )
            for song, by in ids.items()
        )
        self.mark(list(ids), how)

    def resolve_by_tracks(self, how: str, matches: Mapping[BacklogSong, Sequence[Row]]) -> None:
        """Record that these songs are resolved by these rows of `spotify.tracks`."""
        ids = {song: tuple(row["spotify_track_id"] for row in rows) for song, rows in matches.items()}
        self.resolve(how, ids)

    def end_lookups(self, songs: Sequence[BacklogSong], sources: str) -> None:
        """Leave these songs, of which the `sources` know no right id, to the next phase.

        Their candidates, of which none is the song, are recorded: they are all there is without a search.
        Where there are no sources nothing was looked up, and nothing is known of the songs.
        """
        reached = [song for song in songs if sources and song.track_id not in self.unreached]
        ids = {song: tuple(self.candidates.get(song.track_id, ())) for song in reached}
        self.catalog.resolutions.record(
            Resolution(song.track_id, sources, by, albums=self._albums(song, by), matched=False)
            for song, by in ids.items()
        )
        self.candidates = {}
        if self.catalog.settings.off:
            self.outcome.partitions |= {partition_of(song.track_id) for song in reached}
        self.leave(songs, SongState.UNLISTED)

    def leave(self, songs: Sequence[BacklogSong], state: SongState) -> None:
        """Leave these songs in a state; those that a source was not reached for are searched for last."""
        unreached = {s.track_id: self.unreached[s.track_id] for s in songs if s.track_id in self.unreached}
        self.backlog.mark([song.track_id for song in songs if song.track_id not in unreached], state)
        self.backlog.mark(unreached, SongState.UNREACHED)
        self.outcome.unreached |= unreached
        self.unreached = {}

    def _albums(self, song: BacklogSong, ids: Sequence[str]) -> dict[str, str]:
        """The albums that a source named for these candidates of a song."""
        rows = self.candidates.get(song.track_id, {})
        return {id_: album for id_ in ids if id_ in rows and (album := rows[id_]["listed_album"])}

    def match_release(
        self, songs: Sequence[BacklogSong], rows: Sequence[Row]
    ) -> dict[BacklogSong, list[Row]]:
        """The rows that are these songs of one release, artists included that it shows to be renamed."""
        if not songs:
            return {}
        key = songs[0].release_key
        found = renamed_artists([song.song for song in songs], map(candidate_of, rows))
        if renamed := self.renamed.get(key, frozenset()) | found:
            self.renamed[key] = renamed
        return {song: matched for song in songs if (matched := match(song, rows, renamed))}

    def fail(self, reasons: Mapping[str, str]) -> None:
        """Leave these tracks for another run."""
        self.backlog.mark(reasons, SongState.FAILED)
        self.outcome.errors |= reasons


def by_cached_match(run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Resolve songs of which a match is cached."""
    cached = run.catalog.cached(map(_query, songs), final=True)
    matches = {
        song: rows
        for song in songs
        if (known := cached.get(song.track_id)) and (rows := match(song, known.tracks, known.renamings))
    }
    run.mark(list(matches), "cached")
    if run.by_release:
        waiting = run.backlog.of_releases({song.release_key for song in matches})
        record_albums(run, {song: rows for song, rows in matches.items() if song.release_key in waiting})
    return {song.track_id for song in matches}


def by_cached_miss(run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Take what Spotify answered before, without a match, for its answer."""
    if run.catalog.settings.off:
        return ()
    results = run.catalog.cached(map(_query, songs), final=True)
    _accept(run, songs, results, "cached")
    return results.keys()


def by_provided_id(provider: IdProvider, run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Resolve songs by ids that another source knows, each verified by fetching its track.

    Only where tracks come fifty per request: a request for one id costs as much as a search.
    """
    if not (run.has_batches and run.may("tracks") and songs):
        return ()
    known = provider.ids(songs).by_track
    ids = {track_id: list(filter(is_spotify_id, found))[:IDS_PER_SONG] for track_id, found in known.items()}
    found = run.catalog.tracks(dict.fromkeys(id_ for each in ids.values() for id_ in each))
    run.stop_if("tracks", found)
    by_id = {row["spotify_track_id"]: row for row in found.rows}
    matches = {
        song: rows
        for song in songs
        if (rows := match(song, [by_id[id_] for id_ in ids.get(song.track_id, ()) if id_ in by_id]))
    }
    run.resolve_by_tracks(provider.name, matches)
    record_albums(run, matches)
    return {song.track_id for song in matches}


def by_release_search(run: Run, songs: Sequence[BacklogSong], *, fetch: bool = True) -> Collection[str]:
    """Resolve songs by searches for their releases; without `fetch`, by cached ones."""
    names = release_names(song for song in songs if fetch or not song.deferred)
    waiting = run.backlog.of_releases(names)
    if fetch and run.barren >= BARREN:
        return ()
    if fetch:
        known = run.catalog.resolutions.albums(names)
        names = {
            key: name
            for key, name in names.items()
            if key not in known and run.wanted(waiting.get(key, ())) >= SONGS_FOR_A_SEARCH
        }
    hits, rest = run.catalog.search_releases(names, fetch=fetch and run.may("search"))
    run.stop_if("search", rest)
    matches: dict[BacklogSong, list[Row]] = {}
    for key, found in hits.items():
        run.barren = 0 if found else run.barren + fetch
        matches |= run.match_release(waiting.get(key, []), found)
    run.resolve("release", {song: (song.release_key,) for song in matches})
    record_albums(run, matches)
    return {song.track_id for song in matches}


def by_album(
    run: Run, songs: Sequence[BacklogSong], *, fetch: bool = True, for_one: bool = False
) -> Collection[str]:
    """Resolve songs by the albums of their releases; without `fetch`, by cached ones.

    With `for_one` an album is worth a request for a single song: no search could be sent in its place.
    """
    songs = [song for song in songs if fetch or not song.deferred]
    known = run.catalog.resolutions.albums({song.release_key for song in songs})
    waiting = run.backlog.of_releases(known)
    searched = run.catalog.search_releases(release_names(songs), fetch=False)[0] if fetch else {}
    releases: dict[str, list[str]] = {}  # by the id of the album
    for key, albums in known.items():
        wanted = run.wanted(waiting.get(key, ()))
        for album in albums:
            if not fetch or (
                (
                    is_album_worth(wanted, same_name=album.same_name, batches=run.has_batches or for_one)
                    or (run.knows_absence and album.same_name and wanted > 1)
                )
                and not is_listed_whole(album.spotify_album_id, searched.get(key, ()))
            ):
                releases.setdefault(album.spotify_album_id, []).append(key)
    if not releases:
        return ()
    fetched, rest = run.catalog.albums(releases, fetch=fetch and run.may("albums"))
    run.stop_if("albums", rest)
    matches: dict[BacklogSong, tuple[str]] = {}
    for id_, tracks in fetched.items():
        for key in releases[id_]:
            left = [song for song in waiting.get(key, ()) if song not in matches]
            matches |= dict.fromkeys(run.match_release(left, tracks), (id_,))
    run.resolve("album", matches)
    return {song.track_id for song in matches}


def defer(run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Defer the songs that are not with their release: they are the least likely to be on Spotify."""
    known = run.catalog.resolutions.albums({song.release_key for song in songs})
    songs = [song for song in songs if song.release_key in known and not song.deferred]
    cached = run.catalog.albums(
        {album.spotify_album_id for albums in known.values() for album in albums}, fetch=False
    )[0]
    looked_at = set(run.catalog.search_releases(release_names(songs), fetch=False)[0])
    looked_at |= {
        key for key, albums in known.items() if any(album.spotify_album_id in cached for album in albums)
    }
    later = {song.track_id for song in songs if song.release_key in looked_at}
    run.backlog.defer(later)
    return later


def by_song_search(run: Run, songs: Sequence[BacklogSong]) -> Collection[str]:
    """Search for one song of each release: the others may come with the album that it is found on."""
    if not run.may("search"):
        return ()
    chosen: dict[str, BacklogSong] = {}
    for song in songs:
        chosen.setdefault(song.release_key if run.by_release else song.track_id, song)
    by_id = {song.track_id: song for song in chosen.values()}

    def is_enough(track_id: str, rows: Sequence[Row], tried: int) -> bool:
        song = by_id[track_id].song
        if decide(song, map(candidate_of, rows)).status in ("matched", "ambiguous"):
            return True
        bases = {parse_title(row["name"] or "").base for row in rows}
        return parse_title(song.title or "").base in bases  # another variant is for hits of other titles

    searched = run.catalog.search_songs(map(_query, chosen.values()), is_enough=is_enough)
    results = {result.track_id: result for result in searched}
    for result in results.values():
        run.stop_if("search", result)
    if matched := _accept(run, list(chosen.values()), results, "search"):
        by_album(run, matched)
    return results.keys()


def _accept(
    run: Run, songs: Sequence[BacklogSong], results: Mapping[str, SearchResult], how: str
) -> list[BacklogSong]:
    """Set the state of the songs that have a result; returns those whose match names albums for others."""
    run.fail({id_: result.reason or "" for id_, result in results.items() if result.status == "error"})
    # Nothing is known of these: an outage, not the end of a budget.
    later = {
        id_: one.reason or "" for id_, one in results.items() if one.status == "pending" and not one.until
    }
    run.backlog.mark(later, SongState.FAILED)
    run.outcome.unreached |= later
    answered = {id_: result.tracks for id_, result in results.items() if result.status == "answered"}
    songs = [song for song in songs if song.track_id in answered]
    matches = {song: rows for song in songs if (rows := match(song, answered[song.track_id]))}
    run.mark(list(matches), how)
    missed = [song for song in songs if song not in matches]
    run.mark(missed, how, SongState.MISSED)
    run.again |= {song.track_id for song in missed} & run.outcome.unreached.keys()
    waiting = run.backlog.of_releases({song.release_key for song in songs}) if run.by_release else {}
    matches = {song: rows for song, rows in matches.items() if song.release_key in waiting}
    record_albums(run, matches)
    return list(matches)


def record_albums(run: Run, matches: Mapping[BacklogSong, Sequence[Row]]) -> None:
    """Record on which albums the releases of these songs may be: those of their matches, same names first."""
    found: dict[str, dict[ReleaseAlbum, None]] = {}
    for song, rows in matches.items():
        for row in rows:
            if id_ := row["spotify_album_id"]:
                same_name = normalise(row["album_name"]) == normalise(song.release)
                found.setdefault(song.release_key, {})[ReleaseAlbum(id_, same_name)] = None
    known, changed = run.catalog.resolutions.albums(found), {}
    for key, albums in found.items():
        had, best = known.get(key, []), sorted(albums, key=lambda album: not album.same_name)
        new = [album for album in best[: EDITIONS if run.has_batches else 1] if album not in had]
        if new:
            changed[key] = [*had, *new]
    run.catalog.resolutions.record_albums(changed)


def is_album_worth(wanted: int, *, same_name: bool, batches: bool) -> bool:
    """Whether an album is fetched for so many songs."""
    if batches:
        return wanted > 0
    return wanted > (MORE_THAN if same_name else MORE_THAN_IF_OTHER_NAME)


def is_listed_whole(album_id: str, hits: Sequence[Row]) -> bool:
    """Whether the hits of a search hold every track of an album, by the number that the album says it has.

    That a search answers with few hits, or none, shows nothing: it leaves tracks out as it likes.
    """
    listed = [hit for hit in hits if hit["spotify_album_id"] == album_id]
    return bool(listed) and len(listed) >= (listed[0]["album_total_tracks"] or math.inf)


def match(
    song: BacklogSong, rows: Sequence[Row], renamed: frozenset[tuple[str, str]] = frozenset()
) -> list[Row]:
    """The rows of `spotify.tracks` that are this song, the match first; none where it is not matched."""
    decision = decide(song.song, map(candidate_of, rows), renamed)
    if decision.status != "matched":
        return []
    by_id = {row["spotify_track_id"]: row for row in rows}
    return [
        by_id[ranked.candidate.id]
        for ranked in decision.ranked
        if ranked.candidate.id == decision.best or ranked.equivalent
    ]


def candidate_of(row: Row) -> Candidate:
    """A row of `spotify.tracks` as the matcher takes it."""
    return Candidate(
        id=row["spotify_track_id"],
        title=row["name"],
        artist_names=tuple(artist["name"] for artist in row["artists"] or []),
        album=row["album_name"] or row.get("listed_album"),
        duration=None if row["duration_ms"] is None else row["duration_ms"] / 1000,
        release_year=row["release_year"],
        isrc=row["isrc"],
    )


def release_names(songs: Iterable[BacklogSong]) -> dict[str, tuple[str, str]]:
    """Artist and release by the key of the release, for those that can be searched for."""
    return {song.release_key: (song.artist_name or "", song.release) for song in songs if song.release}


def _query(song: BacklogSong) -> SongQuery:
    return SongQuery(song.track_id, song.title, song.artist_name)
