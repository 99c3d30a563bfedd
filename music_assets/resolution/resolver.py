"""Open songs go in priority order, batch by batch, through the steps, the cheapest first.

First the lookups: what is cached, and the sources without a key. What they leave goes through the searches,
which spend Spotify's requests. What a step does is in `steps`; add a source as another step in `Resolver`.
Every response is in the ledger before the next request leaves, so a run that is killed or whose budget ends
loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from music_assets.resolution.absence import by_absence
from music_assets.resolution.artists import by_artist
from music_assets.resolution.backlog import BacklogSong, SearchBacklog, SongState
from music_assets.resolution.id_providers import IdProvider, Isrcs, LabsIds
from music_assets.resolution.known_ids import by_known_id
from music_assets.resolution.outcome import ResolutionOutcome
from music_assets.resolution.steps import (
    Run,
    by_album,
    by_cached_match,
    by_cached_miss,
    by_provided_id,
    by_release_search,
    by_song_search,
    defer,
)
from music_assets.sources.reccobeats import ReccoBeats
from music_assets.sources.spotify import SpotifyCatalog

# Takes songs; returns the MSD track ids of those that need no further step now.
Step = Callable[[Run, Sequence[BacklogSong]], Collection[str]]


@dataclass(frozen=True)
class Phase:
    """Steps that songs in a state go through together, so many at a time."""

    state: SongState
    batch: int
    steps: Sequence[Step]


class Resolver:
    """Resolves the songs of a backlog. With `by_release` one response may resolve several songs.

    `providers` know ids, which `reccobeats` verifies; it is then read for the artists of what is left. Where
    `lookups`, which says what they are and how old a miss may be, is another text than the last time, songs
    without a match are looked up again.
    """

    def __init__(
        self,
        catalog: SpotifyCatalog,
        backlog: SearchBacklog,
        *,
        providers: Sequence[IdProvider] = (),
        reccobeats: ReccoBeats | None = None,
        lookups: str = "",
        by_release: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._catalog = catalog
        self._backlog = backlog
        self._providers = providers
        self._reccobeats = reccobeats
        self._labs = next((one for one in providers if one.name == LabsIds.name), None)
        self._text = lookups
        self._by_release = by_release
        self._progress = progress or (lambda done, of: None)

    def lookups(self) -> Phase:
        """What is tried for a song by itself and without a search; a batch fills requests of forty ids."""
        steps: list[Step] = [by_cached_match]
        if self._by_release:
            steps += [partial(by_release_search, fetch=False), partial(by_album, fetch=False)]
        if recco := self._reccobeats:
            steps += [partial(by_known_id, provider, recco) for provider in self._providers]
        return Phase(SongState.OPEN, 400, steps)

    def artists(self) -> Phase:
        """What is tried for songs of which no id is known; by then those that are known name the artists."""
        steps: list[Step] = [partial(by_artist, self._reccobeats)] if self._reccobeats else []
        return Phase(SongState.UNLISTED, 400, [*steps, by_cached_miss])

    def searches(self) -> list[Phase]:
        """What Spotify is searched for: last for the songs that the next run may find elsewhere."""
        steps: list[Step] = [partial(by_provided_id, provider) for provider in self._providers]
        if self._by_release:
            steps += [by_release_search, by_album]
            steps += [partial(by_absence, self._labs)] if self._labs else []
            steps.append(defer)
        steps.append(by_song_search)
        return [Phase(state, 64, steps) for state in (SongState.SEARCHABLE, SongState.UNREACHED)]

    def resolve(self, partition: str | None = None, most: int | None = None) -> ResolutionOutcome:
        """Resolve until no song (of a partition) is open, `most` songs are resolved, or the budget ends.

        Raises what `SpotifyCatalog.search_songs` raises; responses until then are in the ledger.
        """
        run = Run(self._catalog, self._backlog, self._by_release, knows_absence=self._labs is not None)
        outcome, lookups, artists, searches = run.outcome, self.lookups(), self.artists(), self.searches()
        self._backlog.retry_failed(self._text)
        if partition is None:
            self._backlog.reopen(self._catalog.due_misses())
        before = self._requests()
        open_songs = self._backlog.count()["open"] if partition is None else 0
        done = 0
        try:
            while most is None or done < most:
                phases = [lookups, artists, *(searches if run.may("search") else ())]
                phase, songs = self._next(phases, partition, most if most is None else most - done)
                if not songs:
                    break
                run.priority = songs[0].priority
                left = [song for song in songs if song.priority == run.priority]
                for step in phase.steps:
                    finished = step(run, left)
                    left = [song for song in left if song.track_id not in finished]
                if phase is lookups:
                    run.end_lookups(left, self._sources_of_ids())
                elif phase is artists:
                    run.leave(left, SongState.SEARCHABLE)
                done = outcome.resolved.total()
                outcome.curve.append(((self._requests() - before).total(), done))
                self._progress(done, open_songs)
            if "search" in outcome.closed and self._by_release and partition is None and most is None:
                self._by_known_albums(run)
        finally:
            self._backlog.mark(run.again, SongState.UNREACHED)
            outcome.requests = dict(self._requests() - before)
        return outcome

    def _sources_of_ids(self) -> str:
        """The sources in which ids of each song were looked up; empty where there were none.

        Nobody verifies what is known without ReccoBeats, and ISRCs are of songs with a recording alone.
        """
        names = [provider.name for provider in self._providers] if self._reccobeats else []
        return "+".join(names) if set(names) - {Isrcs.name} else ""

    def _by_known_albums(self, run: Run) -> None:
        """Go on with albums that are known where searches are used up: each kind has a budget of its own."""
        after, run.priority = "", False
        purpose = self._catalog.resolutions.albums_purpose
        while run.may("albums") and (songs := self._backlog.with_known_albums(purpose, after)):
            by_album(run, songs, for_one=True)
            after = songs[-1].track_id

    def _next(
        self, phases: Sequence[Phase], partition: str | None, most: int | None
    ) -> tuple[Phase, list[BacklogSong]]:
        """The next songs and their phase: priority songs go through all phases before any other song."""
        found = []
        for phase in phases:
            size = phase.batch if most is None else min(phase.batch, most)
            songs = self._backlog.next(size, partition, phase.state)
            if songs and songs[0].priority:
                return phase, songs
            found.append((phase, songs))
        return next((each for each in found if each[1]), found[0])

    def _requests(self) -> Counter[str]:
        """Requests so far by kind, but for those for a token, which no quota counts."""
        return Counter({kind: n for kind, n in self._catalog.request_counts.items() if kind != "token"})
