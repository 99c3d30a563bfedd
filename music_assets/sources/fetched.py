"""`Fetched`: what a lookup brought, and what became of the ids that gave nothing.

The one result type of every source that answers from the ledger first and requests the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from music_assets.sources.http import BadResponse, Paused

Row = dict[str, Any]


@dataclass
class Fetched:
    """Rows for the requested ids, in their order, and what became of the others.

    `not_found` ids are unknown to the source, `pending` ones were not requested since it takes no more
    requests (until `until`, UTC), `failed` ones met an error. `denied` says that this app may not request
    them at all, `reason` why any of this is so.
    """

    rows: list[Row] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    denied: bool = False
    reason: str | None = None
    until: datetime | None = None

    @contextmanager
    def recording(self, ids: Sequence[str]) -> Iterator[None]:
        """Run the request for these ids; an end of the requests or a bad response is recorded for them."""
        try:
            yield
        except Paused as error:
            self.pending += ids
            self.reason, self.until = str(error), error.until
        except BadResponse as error:
            self.failed += ids
            self.reason = str(error)
