"""Progress, told once and shown wherever somebody looks.

The stages tell a logger what they have done; the command line draws it, Dagster's own logs keep
what they are given. Nothing here draws.
"""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("music_assets.progress")


def advanced(stage: str, partition: str, done: int, of: int, rows: int = 0, *, kept: bool = False) -> None:
    """Tell that a stage is done with a partition: the `done`-th of `of`, with `rows` rows.

    `kept` says that it was there already and nothing had to be made.
    """
    LOGGER.info(
        "%s %s (%d of %d): %d rows%s",
        stage,
        partition,
        done,
        of,
        rows,
        ", kept" if kept else "",
        extra={
            "progress": {
                "stage": stage,
                "partition": partition,
                "done": done,
                "of": of,
                "rows": rows,
                "kept": kept,
            }
        },
    )
