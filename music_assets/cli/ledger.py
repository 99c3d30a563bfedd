"""The ledger as commands open it: only where it exists, with the budget and access mode of the app in use."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from music_assets.settings import Settings
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.spotify.budget import Access, Budget


@contextmanager
def existing_ledger(settings: Settings, *, reading: bool = True) -> Iterator[Ledger | None]:
    """The ledger in use; None where there is none yet, and none is created. One to read may be read-only."""
    if "://" not in settings.ledger and not Path(settings.ledger).exists():
        yield None
        return
    with closing(open_ledger(settings.ledger, source=settings.ledger_source, reading=reading)) as ledger:
        yield ledger


def budget_and_access(
    settings: Settings, ledger: Ledger, clock: Callable[[], float] = time.time
) -> tuple[Budget, Access]:
    """What may still be requested, and the access mode if it is known. `clock` gives seconds since 1970."""
    app = os.environ.get("SPOTIPY_CLIENT_ID") or ""
    if settings.is_sandbox:
        from music_assets.sandbox.process import address_of

        app = address_of("http://127.0.0.1").client_id
    budget = Budget(ledger, app=app, per_day=settings.spotify.requests_per_day, clock=clock)
    return budget, Access(settings.spotify.mode, budget)
