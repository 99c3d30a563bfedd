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
    "album search": (8.0, 5.0),  # a search for the release finds an album of its name
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

    def album(self, songs: int, *, same_name: bool, cost: float) -> float:
        """Songs a request settles when an album is fetched that `songs` unsettled songs may be on."""
        return songs * self.of("same album" if same_name else "other album") / cost

    def release_by_song(self, songs: int, *, cost: float) -> float:
        """… when one song of a release is searched for, and then the album it is found on is fetched."""
        on_it = self.of("search matches") * self.of("hit names the release") * self.of("same album")
        return (1 + (songs - 1) * on_it) / (1 + cost)

    def release_by_album(self, songs: int, *, cost: float) -> float:
        """… when the release itself is searched for, and then its album is fetched."""
        return songs * self.of("album search") * self.of("same album") / (1 + cost)

    def ids(self, source: str, *, cost: float) -> float:
        """… when an id from elsewhere is verified."""
        return self.of(source) / cost
