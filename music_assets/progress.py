"""Progress of a run: stages report it to a logger, and whoever shows it listens there.

The command line draws it (`cli.console`); nothing here draws.
"""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("music_assets.progress")


def advanced(
    stage: str, partition: str, done: int, of: int, rows: int = 0, *, unchanged: bool = False
) -> None:
    """Report that a stage has finished a partition: the `done`-th of `of`, with `rows` rows.

    `unchanged` partitions were up to date: nothing was computed.
    """
    progress = {"stage": stage, "partition": partition, "done": done, "of": of, "rows": rows}
    progress["unchanged"] = unchanged
    LOGGER.info(
        "%(stage)s %(partition)s (%(done)d of %(of)d): %(rows)d rows", progress, extra={"progress": progress}
    )
