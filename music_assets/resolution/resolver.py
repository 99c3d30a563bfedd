"""Open songs go in priority order, batch by batch, through the steps, the cheapest first.

What a step does is in `steps`; add a source as another step in `Resolver.steps`. Every response is in the
ledger before the next request leaves, so a run that is killed or whose budget ends loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial

from music_assets.resolution.backlog import BacklogSong, SearchBacklog, SongState
from music_assets.resolution.id_providers import IdProvider
from music_assets.resolution.steps import (
    ResolutionOutcome,
    Run,
    by_album,
    by_cached_response,
    by_provided_id,
    by_release_search,
    by_song_search,
    defer,
)
from music_assets.sources.spotify import SpotifyCatalog

BATCH = 64  # songs that go through the steps together
BATCH_WITH_IDS = 256  # … where ids are verified fifty per request


# Takes songs; returns the MSD track ids of those that need no further step now.
Step = Callable[[Run, Sequence[BacklogSong]], Collection[str]]


class Resolver:
    """Resolves the songs of a backlog. With `by_release` one response may resolve several songs."""

    def __init__(
        self,
        catalog: SpotifyCatalog,
        backlog: SearchBacklog,
        *,
        providers: Sequence[IdProvider] = (),
        by_release: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._catalog = catalog
        self._backlog = backlog
        self._providers = providers
        self._by_release = by_release
        self._progress = progress or (lambda done, of: None)

    def steps(self) -> list[Step]:
        """What is tried for a song, in order."""
        ids = [partial(by_provided_id, provider) for provider in self._providers]
        if not self._by_release:
            return [by_cached_response, *ids, by_song_search]
        return [
            by_cached_response,
            partial(by_release_search, fetch=False),
            partial(by_album, fetch=False),
            *ids,
            by_release_search,
            by_album,
            defer,
            by_song_search,
        ]

    def resolve(self, partition: str | None = None, most: int | None = None) -> ResolutionOutcome:
        """Resolve until no song (of a partition) is open, `most` songs are resolved, or the budget ends.

        Raises what `SpotifyCatalog.search_songs` raises; responses until then are in the ledger.
        """
        run = Run(self._catalog, self._backlog, self._by_release)
        outcome, steps = run.outcome, self.steps()
        self._backlog.retry_failed()
        before = self._requests()
        open_songs = self._backlog.count()["open"] if partition is None else 0
        done = 0
        try:
            while outcome.out_of_budget is None and (most is None or done < most):
                size = BATCH_WITH_IDS if self._providers and run.has_batches else BATCH
                songs = self._backlog.next(size if most is None else min(size, most - done), partition)
                if not songs:
                    break
                run.priority = songs[0].priority
                left = self._with_release_mates(
                    run, [song for song in songs if song.priority == run.priority]
                )
                for step in steps:
                    finished = step(run, left)
                    left = [song for song in left if song.track_id not in finished]
                done = outcome.resolved.total()
                outcome.curve.append(((self._requests() - before).total(), done))
                self._progress(done, open_songs)
        finally:
            outcome.requests = dict(self._requests() - before)
        return outcome

    def _requests(self) -> Counter[str]:
        """Requests so far by kind, but for those for a token, which no quota counts."""
        return Counter({kind: n for kind, n in self._catalog.request_counts.items() if kind != "token"})

    def _with_release_mates(self, run: Run, songs: Sequence[BacklogSong]) -> list[BacklogSong]:
        """These songs, and those open on their releases where ids are verified in batches.

        Any of them may have a known id that leads to the album of all.
        """
        found = {song.track_id: song for song in songs}
        if self._by_release and self._providers and run.has_batches:
            for mates in self._backlog.of_releases({song.release_key for song in songs}).values():
                open_ = (song for song in mates if song.state == SongState.OPEN and not song.deferred)
                found |= {song.track_id: song for song in open_}
        return list(found.values())
