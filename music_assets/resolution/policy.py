"""Asks the most telling question first, in order of how much a song is wanted, until the budget ends.

A round takes the songs wanted most and settles what it can, the cheapest way first: answers that are
kept, albums that are kept, ids known elsewhere, a search for a release where several songs wait for it, or
its album, and a search for the rest, one song a release. A song that is not with its release is the least
likely to be on Spotify: its search is put off until the others are asked about. Every answer is in the
ledger before the next question, so a run that is killed or whose budget ends loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from music_assets.matching import Candidate, Decision, decide, normalise
from music_assets.resolution.backlog import BacklogSong, SearchBacklog, SongState
from music_assets.resolution.chances import Chances
from music_assets.sources.spotify import (
    HITS,
    OutOfBudget,
    Resolution,
    SearchResult,
    SongQuery,
    SpotifyCatalog,
)

ROUND = 64  # songs looked at together
_BATCHED_ROUND = 256  # … where ids are verified fifty at a time
_IDS = 3  # ids known for a song that are worth a look there: the first may be dead
_EDITIONS = 3  # albums of a release that are worth a look where they are fetched twenty at a time
Row = dict[str, Any]


class IdProvider(Protocol):
    """A place that knows Spotify ids of MSD songs.

    Its word is verified by a request, unless it is `trusted` (it compares names itself) and the settings
    say that its word is enough.
    """

    name: str
    trusted: bool

    def ids(self, songs: Sequence[BacklogSong]) -> Mapping[str, Sequence[str]]:
        """Spotify ids by MSD track, best first, for the songs it knows."""


@dataclass
class ResolutionOutcome:
    """What came of asking: songs settled, by how; requests, by kind; what is left, and why.

    `curve` holds pairs of requests spent and songs settled, as the work went on.
    """

    resolved: Counter[str] = field(default_factory=Counter)
    requests: dict[str, int] = field(default_factory=dict)
    partitions: set[str] = field(default_factory=set)
    out_of_budget: OutOfBudget | None = None
    curve: list[tuple[int, int]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


class Resolver:
    """Asks about the songs of an index. `by_release` lets one answer settle several songs of an album."""

    def __init__(
        self,
        spotify: SpotifyCatalog,
        index: SearchBacklog,
        *,
        providers: Sequence[IdProvider] = (),
        by_release: bool = True,
        verify: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._spotify = spotify
        self._index = index
        self._providers = providers
        self._by_release = by_release
        self._verify_ids = verify
        self._progress = progress or (lambda done, of: None)
        self._chances = Chances(index.chances())
        self._outcome = ResolutionOutcome()
        self._listed = False  # whether listed songs are being asked about

    def resolve(self, partition: str | None = None, most: int | None = None) -> ResolutionOutcome:
        """Ask until all songs (of a partition) are asked about, `most` of them are, or the budget ends.

        Raises what `SpotifyCatalog.search_songs` raises; what was answered until then is in the ledger.
        """
        self._outcome = outcome = ResolutionOutcome()
        self._index.retry_failed()
        before = self._spotify.request_counts
        open_songs = self._index.count()["open"] if partition is None else 0
        done = 0
        try:
            while outcome.out_of_budget is None and (most is None or done < most):
                size = _BATCHED_ROUND if self._providers and self._batches else ROUND
                songs = self._index.next(size if most is None else min(size, most - done), partition)
                if not songs:
                    break
                self._listed = songs[0].priority
                self._round(self._with_company([song for song in songs if song.priority == self._listed]))
                done = sum(outcome.resolved.values())
                spent = _difference(self._spotify.request_counts, before)
                outcome.curve.append((sum(spent.values()), done))
                self._progress(done, open_songs)
        finally:
            outcome.requests = _difference(self._spotify.request_counts, before)
            self._index.keep_chances(self._chances.as_dict())
        return outcome

    @property
    def _batches(self) -> bool:
        return self._spotify.mode == "extended"

    def _cost(self, batch: int) -> float:
        """What one thing by id costs, in requests, where several are asked for at a time."""
        return 1 / batch if self._batches else 1.0

    # -- one round

    def _with_company(self, songs: Sequence[BacklogSong]) -> list[BacklogSong]:
        """These songs, and those that wait with them on a release, where an id is cheap to verify.

        Any of them may have a known id that leads to the album of all.
        """
        if not (self._by_release and self._providers and self._batches):
            return list(songs)
        found = {song.track_id: song for song in songs}
        for waiting in self._index.of_releases({song.release_key for song in songs}).values():
            found |= {
                song.track_id: song for song in waiting if song.state == SongState.OPEN and not song.deferred
            }
        return list(found.values())

    def _round(self, songs: Sequence[BacklogSong]) -> None:
        left = self._kept(songs)
        if self._by_release:
            fresh = [song for song in left if not song.deferred]  # the others were looked for there
            settled = self._releases(fresh, ask=False)
            settled |= self._albums(self._still_open(fresh, settled), ask=False)
            left = self._still_open(left, settled)
        for source in self._providers:
            left = self._verify(source, left)
        if self._by_release and left:
            left = self._still_open(left, self._releases(left, ask=True))
            left = self._still_open(left, self._albums(left, ask=True))
            left = self._put_off(left)
        if left and self._outcome.out_of_budget is None:
            found = self._search(left)
            if self._by_release and found:
                self._albums(found, ask=True)

    def _kept(self, songs: Sequence[BacklogSong]) -> list[BacklogSong]:
        """Mark what the ledger answers already; the rest."""
        kept = self._spotify.cached(map(_question, songs))
        self._mark(
            songs, {id_: answer for id_, answer in kept.items() if answer.status == "answered"}, "kept"
        )
        self._fail({id_: answer.reason or "" for id_, answer in kept.items() if answer.status == "error"})
        return [song for song in songs if song.track_id not in kept]

    def _verify(self, source: IdProvider, songs: Sequence[BacklogSong]) -> list[BacklogSong]:
        """Settle songs by ids that another source knows, where verifying is worth its request."""
        if source.trusted and not self._verify_ids:
            return self._believe(source, songs)
        worth = self._chances.ids(source.name, cost=self._cost(50))
        if self._outcome.out_of_budget or not songs or worth <= self._chances.search():
            return list(songs)
        ids = source.ids(songs)
        most = _IDS if self._batches else 1
        some = {song.track_id: ids[song.track_id][:most] for song in songs if ids.get(song.track_id)}
        found = self._spotify.tracks(dict.fromkeys(id_ for each in some.values() for id_ in each))
        self._note_over(found.until, found.reason)
        rows = {row["spotify_track_id"]: row for row in found.rows}
        notes: list[Resolution] = []
        settled: list[BacklogSong] = []
        albums: dict[str, list[Row]] = {}
        for song in songs:
            mine = [rows[id_] for id_ in some.get(song.track_id, ()) if id_ in rows]
            decision = decide(song.song, map(candidate_of, mine))
            if decision.status == "matched":
                right = _accepted(decision)
                notes.append(Resolution(song.track_id, source.name, tuple(right)))
                settled.append(song)
                albums.setdefault(song.release_key, []).extend(rows[id_] for id_ in right)
        self._spotify.resolutions.record(notes)
        self._settle(settled, source.name)
        self._name_albums(albums, {song.release_key: song for song in settled})
        self._chances.note(source.name, tries=len(some) - len(found.pending), brought=len(settled))
        return self._still_open(songs, {song.track_id for song in settled})

    def _believe(self, source: IdProvider, songs: Sequence[BacklogSong]) -> list[BacklogSong]:
        """Settle songs by ids taken on a source's word, without a request."""
        ids = {id_: known for id_, known in source.ids(songs).items() if known}
        self._spotify.resolutions.record(
            Resolution(id_, source.name, (known[0],), verified=False) for id_, known in ids.items()
        )
        self._settle([song for song in songs if song.track_id in ids], source.name)
        return [song for song in songs if song.track_id not in ids]

    def _search(self, songs: Sequence[BacklogSong]) -> list[BacklogSong]:
        """Search for one song of each release (the others may come with its album); those that were found."""
        first: dict[str, BacklogSong] = {}
        for song in songs:
            first.setdefault(song.release_key if self._by_release else song.track_id, song)
        chosen = list(first.values())
        answers = {answer.track_id: answer for answer in self._spotify.search_songs(map(_question, chosen))}
        for answer in answers.values():
            if answer.status == "pending":
                self._note_over(answer.until, answer.reason)
        self._fail({id_: answer.reason or "" for id_, answer in answers.items() if answer.status == "error"})
        answered = {id_: answer for id_, answer in answers.items() if answer.status == "answered"}
        return self._mark(chosen, answered, "search")

    def _mark(
        self, songs: Sequence[BacklogSong], answered: Mapping[str, SearchResult], how: str
    ) -> list[BacklogSong]:
        """Mark answered songs as settled or missed; the ones that wait for company on an album are judged."""
        mine = [song for song in songs if song.track_id in answered]
        keys = {song.release_key for song in mine}
        waiting = self._index.of_releases(keys) if self._by_release else {}
        known = self._spotify.resolutions.albums(waiting)
        found, missed, rows = [], [], {}
        for song in mine:
            if len(waiting.get(song.release_key, ())) < 2:
                found.append(song)  # nobody waits for its album: whether it is a match is judged later
                continue
            decision = decide(song.song, map(candidate_of, answered[song.track_id].tracks))
            if how == "search" and song.release_key not in known:
                self._chances.note("search matches", tries=1, brought=decision.status == "matched")
            if decision.status != "matched":
                missed.append(song)
                continue
            found.append(song)
            by_id = {row["spotify_track_id"]: row for row in answered[song.track_id].tracks}
            rows[song.release_key] = [by_id[id_] for id_ in _accepted(decision)]
        self._settle(found, how)
        self._settle(missed, how, SongState.MISSED)
        self._name_albums(rows, {song.release_key: song for song in found}, count=how == "search")
        return [song for song in found if song.release_key in rows]

    # -- releases and their albums

    def _put_off(self, songs: Sequence[BacklogSong]) -> list[BacklogSong]:
        """Put off the songs that are not with their release; those to be searched for now."""
        known = self._spotify.resolutions.albums({song.release_key for song in songs})
        albums = {id_ for names in known.values() for id_ in map(_plain, names)}
        kept = self._spotify.albums(albums, fetch=False)[0] if albums else {}
        vain = set(self._spotify.search_releases(_names(songs, known), fetch=False)[0])
        vain |= {key for key, names in known.items() if not kept.keys().isdisjoint(map(_plain, names))}
        later = {song.track_id for song in songs if song.release_key in vain and not song.deferred}
        self._index.defer(later)
        return self._still_open(songs, later)

    def _name_albums(
        self, rows: Mapping[str, Sequence[Row]], songs: Mapping[str, BacklogSong], *, count: bool = False
    ) -> None:
        """Note on which albums a release may be found: those its song was found on, of its name first."""
        known = self._spotify.resolutions.albums(rows)
        named: dict[str, list[str]] = {}
        for key, tracks in rows.items():
            wanted = normalise(songs[key].release)
            albums = {row["spotify_album_id"]: row["album_name"] for row in tracks if row["spotify_album_id"]}
            same = [id_ for id_, name in albums.items() if normalise(name) == wanted]
            had = known.get(key, [])
            if count and not had:
                self._chances.note("hit names the release", tries=1, brought=bool(same))
            best = [*same, *(id_ for id_ in albums if id_ not in same)]
            more = [_named(id_, id_ in same) for id_ in best[: _EDITIONS if self._batches else 1]]
            if new := [name for name in more if name not in had]:
                named[key] = [*had, *new]
        self._spotify.resolutions.record_albums(named)

    def _releases(self, songs: Sequence[BacklogSong], *, ask: bool) -> set[str]:
        """Settle songs by a search for their releases, kept or asked for where that promises most; which."""
        first = {song.release_key: song for song in songs if song.release}
        waiting = self._index.of_releases(first)
        known = self._spotify.resolutions.albums(first)
        if ask:
            first = {key: song for key, song in first.items() if key not in known}
            first = {key: first[key] for key in first if self._worth_a_search(waiting.get(key, ()))}
        ask = ask and self._outcome.out_of_budget is None
        had = self._spotify.search_releases(_names(first.values()), fetch=False)[0] if ask else {}
        hits, rest = self._spotify.search_releases(_names(first.values()), fetch=ask)
        self._note_over(rest.until, rest.reason)
        settled: list[BacklogSong] = []
        albums: dict[str, list[Row]] = {}
        for key, rows in hits.items():
            tried = waiting.get(key, [])
            by_id = {row["spotify_track_id"]: row for row in rows}
            decisions = {song: decide(song.song, map(candidate_of, rows)) for song in tried}
            found = [song for song, decision in decisions.items() if decision.status == "matched"]
            settled += found
            if found:
                ids = dict.fromkeys(id_ for song in found for id_ in _accepted(decisions[song]))
                albums[key] = [by_id[id_] for id_ in ids]
            if ask and key not in had:
                self._chances.note("release search", tries=_open(tried), brought=_open(found))
        self._spotify.resolutions.record(
            Resolution(song.track_id, "release", (song.release_key,)) for song in settled
        )
        self._settle(settled, "release")
        self._name_albums(albums, first)
        return {song.track_id for song in settled}

    def _worth_a_search(self, waiting: Sequence[BacklogSong]) -> bool:
        """Whether a search for a release promises more than searches for its songs, or one and its album."""
        many = self._wanted(waiting)
        by_song = self._chances.release_by_song(many, cost=self._cost(20))
        return many > 1 and self._chances.release(many) > max(self._chances.search(), by_song)

    def _albums(self, songs: Sequence[BacklogSong], *, ask: bool) -> set[str]:
        """Settle songs by the albums of their releases, kept ones or asked for; the tracks that are."""
        keys = list(dict.fromkeys(song.release_key for song in songs))
        known = self._spotify.resolutions.albums(keys)
        waiting = self._index.of_releases(known)
        searched = self._spotify.search_releases(_names(songs, known), fetch=False)[0] if ask else {}
        cost = self._cost(20)
        wanted: dict[str, list[str]] = {}  # releases by album id
        for key, names in known.items():
            many = self._wanted(waiting.get(key, ()))
            for name in names:
                worth = self._chances.album(many, self._kind(name, key in searched), cost=cost)
                if key in searched and len(searched[key]) < HITS and name.endswith("="):
                    worth = 0.0  # the search named all of its tracks
                if not ask or worth > self._chances.search():
                    wanted.setdefault(_plain(name), []).append(key)
        if not wanted:
            return set()
        ask = ask and self._outcome.out_of_budget is None
        had = self._spotify.albums(wanted, fetch=False)[0] if ask else {}
        albums, rest = self._spotify.albums(wanted, fetch=ask)
        self._note_over(rest.until, rest.reason)
        settled: dict[str, BacklogSong] = {}
        notes: list[Resolution] = []
        for id_, tracks in albums.items():
            candidates = [candidate_of(row) for row in tracks]
            for key in wanted[id_]:
                name = _named(id_, _named(id_, True) in known[key])
                tried = [song for song in waiting.get(key, ()) if song.track_id not in settled]
                found = [song for song in tried if decide(song.song, candidates).status == "matched"]
                notes += [Resolution(song.track_id, "album", (id_,)) for song in found]
                settled |= {song.track_id: song for song in found}
                if id_ not in had and ask:
                    kind = self._kind(name, key in searched)
                    self._chances.note(kind, tries=_open(tried), brought=_open(found))
        self._spotify.resolutions.record(notes)
        self._settle(list(settled.values()), "album")
        return set(settled)

    def _kind(self, name: str, searched: bool) -> str:
        """What fetching an album so named is counted as: by its name, and by what is known of it."""
        return "other album" if not name.endswith("=") else "rest of album" if searched else "same album"

    # -- keeping count

    def _wanted(self, waiting: Iterable[BacklogSong]) -> int:
        """For how many of these an answer is wanted now: while listed songs are open, for no others."""
        return sum(song.state == SongState.OPEN and (song.priority or not self._listed) for song in waiting)

    def _settle(self, songs: Sequence[BacklogSong], how: str, state: SongState = SongState.RESOLVED) -> None:
        self._index.mark([song.track_id for song in songs], state)
        self._outcome.resolved[how] += _open(songs)
        self._outcome.partitions |= {song.track_id[2:4] for song in songs}

    def _fail(self, reasons: Mapping[str, str]) -> None:
        self._index.mark(reasons, SongState.FAILED)
        self._outcome.errors |= reasons

    def _still_open(self, songs: Iterable[BacklogSong], settled: set[str]) -> list[BacklogSong]:
        return [song for song in songs if song.track_id not in settled]

    def _note_over(self, until: Any, reason: str | None) -> None:
        if until is not None and self._outcome.out_of_budget is None:
            self._outcome.out_of_budget = OutOfBudget(reason or "", until)


def _question(song: BacklogSong) -> SongQuery:
    return SongQuery(song.track_id, song.title or "", song.artist_name or "", song.release, song.duration)


def candidate_of(row: Row) -> Candidate:
    """A row of `spotify.tracks` as the matcher takes it."""
    return Candidate(
        id=row["spotify_track_id"],
        title=row["name"],
        artist_names=tuple(artist["name"] for artist in row["artists"] or []),
        album=row["album_name"],
        duration=None if row["duration_ms"] is None else row["duration_ms"] / 1000,
        release_year=row["release_year"],
        isrc=row["isrc"],
    )


def _accepted(decision: Decision) -> list[str]:
    """The match and the same recording elsewhere, in order."""
    return [
        ranked.candidate.id
        for ranked in decision.ranked
        if ranked.candidate.id == decision.best or ranked.equivalent
    ]


def _named(album_id: str, same: bool) -> str:
    """An album as a release's note has it: with a sign where it has the release's name."""
    return f"{album_id}=" if same else album_id


def _plain(name: str) -> str:
    return name.removesuffix("=")


def _names(
    songs: Iterable[BacklogSong], among: Mapping[str, Any] | None = None
) -> dict[str, tuple[str, str]]:
    """Artist and release by the key of the release, for those that can be searched for."""
    return {
        song.release_key: (song.artist_name or "", song.release)
        for song in songs
        if song.release and (among is None or song.release_key in among)
    }


def _open(songs: Iterable[BacklogSong]) -> int:
    return sum(song.state == SongState.OPEN for song in songs)


def _difference(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    spent = {kind: count - before.get(kind, 0) for kind, count in now.items() if kind != "token"}
    return {kind: count for kind, count in spent.items() if count}
