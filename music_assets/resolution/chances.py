"""What a question is worth: the songs it is expected to settle, for each request it costs.

What each kind of question has brought so far is counted, from a guess to begin with, so the choice
follows the catalogue and the MSD at hand. Choosing and asking is in `asker`.
"""

from __future__ import annotations

from collections.abc import Mapping

# How often each kind of question brings what it is asked for, guessed as so many tries.
_GUESSES: Mapping[str, tuple[float, float]] = {
    "search matches": (8.0, 7.0),  # a song's search finds the song
    "hit names the release": (8.0, 5.0),  # … on an album named like its release
    "same album": (8.0, 7.0),  # a song of a release is on the album of that name
    "other album": (8.0, 2.0),  # … on another album that a song of the release is on
    "rest of album": (8.0, 4.0),  # … though a search for the release did not find it
    "release search": (8.0, 6.0),  # … among the ten tracks that a search for its release finds
    "echonest": (8.0, 6.0),  # an id from there is the song
    "listenbrainz": (8.0, 7.0),
}


class Chances:
    """How likely each kind of question is to bring what it is asked for."""

    def __init__(self, earlier: Mapping[str, tuple[float, float]] | None = None) -> None:
        self._counts = {name: list((earlier or {}).get(name, guess)) for name, guess in _GUESSES.items()}

    def of(self, name: str) -> float:
        """The share of tries that brought something."""
        tries, brought = self._counts[name]
        return brought / tries

    def note(self, name: str, *, tries: int, brought: int) -> None:
        """Count what came of some tries."""
        self._counts[name][0] += tries
        self._counts[name][1] += brought

    def as_dict(self) -> dict[str, tuple[float, float]]:
        """The counts, guesses included, to be kept for the next run."""
        return {name: (tries, brought) for name, (tries, brought) in self._counts.items()}

    def search(self) -> float:
        """Songs a request settles when one song is searched for: it is answered, whatever the answer."""
        return 1.0

    def album(self, songs: int, kind: str, *, cost: float) -> float:
        """Songs a request settles when an album of a kind is fetched, on which so many may be."""
        return songs * self.of(kind) / cost

    def release_by_song(self, songs: int, *, cost: float) -> float:
        """… when one song of a release is searched for, and then the album it is found on is fetched."""
        named = self.of("search matches") * self.of("hit names the release")
        return (1 + (songs - 1) * named * self.of("same album")) / (1 + cost * named)

    def release(self, songs: int) -> float:
        """… when a search is made for the release itself, which names ten tracks at most."""
        return min(songs, 10) * self.of("release search")

    def ids(self, source: str, *, cost: float) -> float:
        """… when an id from elsewhere is verified."""
        return self.of(source) / cost
