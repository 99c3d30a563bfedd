"""How ListenBrainz Labs is reached, and how often it is asked."""

from __future__ import annotations

from dataclasses import dataclass

from music_assets.sources.http import HttpPolicy

LABS_URL = "https://labs.api.listenbrainz.org/"


@dataclass(frozen=True)
class ListenBrainzSettings:
    """Settings with their defaults.

    `batch` is how many songs go into a request: Labs publish no limit, 50 is what ListenBrainz's own API
    takes in a lookup. `source` names where ids come from: `listenbrainz`, or `sandbox` for the server in
    `music_assets.sandbox`.
    """

    source: str = "listenbrainz"
    base_url: str = LABS_URL
    batch: int = 50
    requests_per_second: float | None = 1.0  # None asks as fast as it can
    timeout: float = 30.0  # seconds to connect, and between two bytes of an answer
    retries: int = 4  # further tries after a failure that may pass
    backoff: float = 0.5  # seconds before the first of them, doubled (and jittered) for each further one
    longest_wait: float = 60.0  # seconds; a longer Retry-After ends its work for now

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch is 1 or more songs a request, not {self.batch}")

    def policy(self) -> HttpPolicy:
        """These settings as the client takes them."""
        return HttpPolicy(
            service="ListenBrainz",
            kind="listenbrainz",
            base_url=self.base_url,
            requests_per_second=self.requests_per_second,
            timeout=self.timeout,
            retries=self.retries,
            backoff=self.backoff,
            longest_wait=self.longest_wait,
        )
