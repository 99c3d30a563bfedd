"""How ReccoBeats is reached, and how often it is asked."""

from __future__ import annotations

from dataclasses import dataclass

from music_assets.sources.http import HttpPolicy

API_URL = "https://api.reccobeats.com/v1/"
MOST_IDS = 40  # a request; https://reccobeats.com/docs/apis/get-audio-features


@dataclass(frozen=True)
class ReccoBeatsSettings:
    """Settings with their defaults.

    `source` is what every row says of where it comes from: `reccobeats`, or `sandbox` for the server in
    `music_assets.sandbox`. The service publishes no rate; one request a second is 40 tracks a second.
    """

    source: str = "reccobeats"
    base_url: str = API_URL
    requests_per_second: float | None = 1.0  # None asks as fast as it can
    timeout: float = 20.0  # seconds to connect, and between two bytes of an answer
    retries: int = 4  # further tries after a failure that may pass
    backoff: float = 0.5  # seconds before the first of them, doubled (and jittered) for each further one
    longest_wait: float = 60.0  # seconds; a longer Retry-After ends its work for now

    def policy(self) -> HttpPolicy:
        """These settings as the client takes them."""
        return HttpPolicy(
            service="ReccoBeats",
            kind="reccobeats",
            base_url=self.base_url,
            requests_per_second=self.requests_per_second,
            timeout=self.timeout,
            retries=self.retries,
            backoff=self.backoff,
            longest_wait=self.longest_wait,
        )
