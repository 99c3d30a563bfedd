"""Another time of day, for all that a test runs: the project, Dagster and what they write.

Nothing of the project is made for this: where it asks what time it is, it gets the answer of a moved clock.
"""

from __future__ import annotations

import datetime as true
import importlib
import pkgutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import music_assets


class MovedClock:
    """Time that passes as ever, but begins elsewhere and can be put forward."""

    def __init__(self, start: true.datetime) -> None:
        self._ahead = start.timestamp() - time.time()

    def __call__(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead

    def now(self) -> true.datetime:
        return true.datetime.fromtimestamp(self(), true.UTC)

    def forward_to(self, moment: true.datetime) -> None:
        """Put the clock forward; never back."""
        self._ahead = max(self._ahead, moment.timestamp() - time.time())


@contextmanager
def moved(clock: MovedClock) -> Iterator[None]:
    """Everyone's clock, as long as the context lasts."""
    from dagster._core.test_utils import get_freezable_log_manager

    from music_assets.defs.resources import SpotifyResource
    from music_assets.sources.reccobeats import ReccoBeats

    datetime = _datetime(clock)
    defaults: dict[str, Any] = {**(ReccoBeats.__init__.__kwdefaults__ or {}), "clock": clock}
    with ExitStack() as patches:
        for module in _modules():
            if vars(module).get("datetime") is true.datetime:
                patches.enter_context(patch.object(module, "datetime", datetime))
        patches.enter_context(patch.object(SpotifyResource, "clock", lambda self: clock()))
        patches.enter_context(patch.object(ReccoBeats.__init__, "__kwdefaults__", defaults))
        # As Dagster's own tests move its clock; theirs stands still.
        patches.enter_context(patch("dagster._time._mockable_get_current_datetime", clock.now))
        patches.enter_context(patch("dagster._time._mockable_get_current_timestamp", clock))
        log = get_freezable_log_manager()
        patches.enter_context(patch("dagster._core.log_manager.DagsterLogManager", log))
        yield


def _modules() -> list[Any]:
    """The project's modules; all, since one imported later would bring the true time with it."""
    names = [one.name for one in pkgutil.walk_packages(music_assets.__path__, "music_assets.")]
    return [
        sys.modules.get(name) or importlib.import_module(name) for name in names if "__main__" not in name
    ]


def _datetime(clock: MovedClock) -> Any:
    """`datetime`, whose `now` is the clock's; what it makes and what it takes are true ones."""

    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, true.datetime)

    class Moved(true.datetime, metaclass=Kind):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return true.datetime(*args, **kwargs)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return true.datetime.fromtimestamp(clock(), tz)

    return Moved
