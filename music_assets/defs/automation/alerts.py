"""Reporting a failed run: in the log always, to a webhook where a setting names one.

A message says which job and partitions, why, and how to retry, and shows no secret. Reporting never raises.
Which runs are reported is decided in `sensors`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

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
    def _range(self) -> str:
        ends = dict.fromkeys([*self.partitions[:1], *self.partitions[-1:]])
        return "...".join(ends)

    @property
    def retry(self) -> str:
        """The command that runs it again; what is finished is kept."""
        return f"music-assets run --partitions {self._range}" if self.partitions else "music-assets run"

    def message(self) -> str:
        """All of it in words."""
        where = f" ({self._range})" if self.partitions else ""
        causes = [f"- {cause}" for cause in self.causes[:_MOST_CAUSES]]
        if more := self.causes[_MOST_CAUSES:]:
            causes.append(f"- and {len(more)} more")
        return "\n".join(
            (
                f"Music Assets: {self.job}{where} failed.",
                *causes,
                f"To retry: {self.retry}",
                f"Or in the UI: Runs, {self.run_id[:8]}, Re-execute, From failure. What is finished is kept.",
            )
        )


def report_failure(failed: FailedRun, webhook: str | None, log: logging.Logger) -> None:
    """Report a failed run in the log and, as JSON (its `text` is what chat services show), to the webhook."""
    failed = replace(failed, causes=[redacted(cause, os.environ) for cause in failed.causes])
    _report({**asdict(failed), "text": failed.message(), "retry": failed.retry}, webhook, log)


def report_missed(due: str, webhook: str | None, log: logging.Logger) -> None:
    """Report that the tables were not filled by the time of day they are promised for."""
    text = (
        f"Music Assets: the tables were due at {due} and have not been filled today. The runs that "
        "failed or are in progress are in the UI under Runs; `music-assets run` fills the tables with what "
        "is there."
    )
    _report({"text": text}, webhook, log)


def _report(body: dict[str, Any], webhook: str | None, log: logging.Logger) -> None:
    log.error(body["text"])
    if webhook is None:
        return
    import requests

    try:
        requests.post(webhook, json=body, timeout=TIMEOUT_S).raise_for_status()
    except requests.RequestException as error:
        host = urlsplit(webhook).hostname
        log.warning(f"The webhook on {host} was not reached: {type(error).__name__}.")


def redacted(text: str, environment: Mapping[str, str]) -> str:
    """A text without the secrets of the environment and passwords in URLs."""
    for name, value in environment.items():
        if _SECRET.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "***")
    return re.sub(r"(?<=://)[^/\s@]+@", "***@", text)
