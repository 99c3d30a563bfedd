"""Why a step failed, in the words of what it ran: for the command line's summary and for alerts."""

from __future__ import annotations

from typing import Any


def cause_of(event: Any) -> str:
    """The sentence for a step's failure event, after the step's name."""
    failure = event.step_failure_data.user_failure_data
    if failure is not None and failure.description:
        return f"{event.step_key}: {failure.description}"
    error = event.step_failure_data.error
    if error is None:
        return f"{event.step_key}: {event.message}"
    ours = error.cause or error  # Dagster's own error wraps the one that was raised
    message = str(ours.message).strip().removeprefix(f"{ours.cls_name}: ")
    # Our errors speak for themselves; of others the kind helps.
    module = message.split(f".{ours.cls_name}: ", 1)
    if len(module) == 2 and module[0].startswith("music_assets."):
        return f"{event.step_key}: {module[1]}"
    return f"{event.step_key}: {ours.cls_name}: {message}"
