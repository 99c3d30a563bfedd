"""Telling people of a failed run: in the log always, to a webhook where a setting names one.

A message says which job and partitions, why, and how to try again, and holds no secret. Telling never raises:
what cannot be told is logged. Which runs are told of is said in `sensors`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from music_assets.settings import Settings

TIMEOUT_S = 10
_MOST_CAUSES = 5
_SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|CREDENTIAL|ALERT_WEBHOOK|SPOTIPY_CLIENT_ID|ACCESS_KEY")
_SHORTEST_SECRET = 6  # a shorter value would be found in words


@dataclass(frozen=True)
class FailedRun:
    """A run that failed; `causes` are sentences, `partitions` is empty where it was for none."""

    job: str
    run_id: str
    partitions: Sequence[str]
    causes: Sequence[str]

    @property
    def retry(self) -> str:
        """The command that does it again; what was made is kept."""
        if not self.partitions:
            return "music-assets run"
        first, last = self.partitions[0], self.partitions[-1]
        return f"music-assets run --partitions {first if first == last else f'{first}...{last}'}"

    def message(self) -> str:
        """The whole of it in words."""
        first, last = (self.partitions[0], self.partitions[-1]) if self.partitions else ("", "")
        where = f" ({first if first == last else f'{first} to {last}'})" if self.partitions else ""
        causes = [f"- {cause}" for cause in self.causes[:_MOST_CAUSES]]
        if len(self.causes) > _MOST_CAUSES:
            causes.append(f"- and {len(self.causes) - _MOST_CAUSES} more")
        return "\n".join(
            (
                f"Music Assets: {self.job}{where} failed.",
                *causes,
                f"To try again: {self.retry}",
                f"Or in the UI: Runs, {self.run_id[:8]}, Re-execute, From failure. What is made is kept.",
            )
        )

    def as_json(self) -> dict[str, Any]:
        """The same as data; `text` is what chat services show."""
        return {
            "text": self.message(),
            "job": self.job,
            "run_id": self.run_id,
            "partitions": list(self.partitions),
            "causes": list(self.causes),
            "retry": self.retry,
        }


def tell(failed: FailedRun, settings: Settings, log: logging.Logger) -> None:
    """Tell of a failed run wherever the settings say."""
    secrets = _secrets(os.environ)
    failed = FailedRun(
        failed.job, failed.run_id, failed.partitions, [without(cause, secrets) for cause in failed.causes]
    )
    log.error(failed.message())
    if settings.alert_webhook:
        _try(log, f"the webhook on {urlsplit(settings.alert_webhook).hostname}", _post, failed, settings)


def without(text: str, secrets: Sequence[str]) -> str:
    """A text with these words, and passwords in addresses, struck out."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return re.sub(r"(?<=://)[^/\s@]+@", "***@", text)


def _secrets(environment: Mapping[str, str]) -> list[str]:
    """Values of the environment that nobody should read."""
    return [
        value
        for name, value in environment.items()
        if _SECRET.search(name) and len(value) >= _SHORTEST_SECRET
    ]


def _try(log: logging.Logger, whom: str, send: Any, failed: FailedRun, settings: Settings) -> None:
    try:
        send(failed, settings)
    except Exception as error:  # whatever it is, the failure it tells of is in the log already
        log.warning("Not told to %s: %s.", whom, type(error).__name__)


def _post(failed: FailedRun, settings: Settings) -> None:
    import requests

    requests.post(str(settings.alert_webhook), json=failed.as_json(), timeout=TIMEOUT_S).raise_for_status()
