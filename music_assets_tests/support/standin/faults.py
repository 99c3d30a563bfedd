"""What can go wrong between us and a warehouse, on demand."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass


@dataclass
class Fault:
    """What happens to the next `times` statements that match `pattern`, after `skip` that pass.

    `conflict` is an error of Redshift's that passes, with its `message`, `lost` a connection that ends
    without a word, `slow` an answer that takes `seconds`.
    """

    pattern: re.Pattern[str]
    kind: str
    times: int
    skip: int = 0
    seconds: float = 0.0
    message: str = "1023"


class Faults:
    """Faults to come; each is met by the statements that match its pattern, and then is gone."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def conflict(self, pattern: str, times: int = 1, skip: int = 0, message: str = "1023") -> None:
        self._add(Fault(re.compile(pattern, re.I), "conflict", times, skip, message=message))

    def lose_connection(self, pattern: str, times: int = 1, skip: int = 0) -> None:
        self._add(Fault(re.compile(pattern, re.I), "lost", times, skip))

    def slow(self, pattern: str, seconds: float, times: int = 1) -> None:
        self._add(Fault(re.compile(pattern, re.I), "slow", times, seconds=seconds))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, statement: str) -> Fault | None:
        """The fault this statement meets, if any."""
        with self._lock:
            for fault in self._waiting:
                if not fault.pattern.search(statement):
                    continue
                if fault.skip:
                    fault.skip -= 1
                else:
                    fault.times -= 1
                    if not fault.times:
                        self._waiting.remove(fault)
                    return fault
        return None

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)
