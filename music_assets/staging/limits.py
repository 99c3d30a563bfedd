"""What Redshift's COPY accepts at most, and rows made to fit before they are written.

Here: the limits, truncating a text where its column allows it, and leaving out a row that cannot be made to
fit, so that the rows beside it are loaded. `validation` compares files with the same limits and changes
nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from sqlalchemy import String, Table

from music_assets.tables import key_columns

# Redshift's COPY refuses a longer row (https://docs.aws.amazon.com/redshift: "COPY, usage notes").
MAX_ROW_BYTES = 4 * 1024 * 1024
# And a longer text within a SUPER value (the same: "SUPER type, limitations"). That a whole value has at most
# 16 MB follows from the row's limit.
MAX_SUPER_TEXT_BYTES = 65_535


class CopyLimits:
    """The rows of one file, made to fit: `truncate` each record, keep lines `within_limits`.

    Lengths are of UTF-8, as Redshift counts a VARCHAR. What was truncated and what was left out is counted.
    """

    def __init__(self, table: Table) -> None:
        self._keys = key_columns(table)
        self._lengths = [
            (str(column.name), int(column.type.length), bool(column.info["truncate"]))
            for column in table.columns
            if isinstance(column.type, String) and column.type.length
        ]
        self.truncated: Counter[str] = Counter()
        self.left_out: list[str] = []

    def truncate(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The row with its long texts truncated where they may be; None, and counted, where one may not."""
        changed: dict[str, Any] = {}
        for name, most, may_be_cut in self._lengths:
            value = row.get(name)
            # A character has at most four bytes: most texts need not be encoded to be measured.
            if not isinstance(value, str) or len(value) * 4 <= most or bytes_of(value) <= most:
                continue
            if not may_be_cut:
                self._leave_out(row, f"{name} has more than {most} bytes")
                return None
            changed[name] = value.encode(errors="replace")[:most].decode(errors="ignore")
            self.truncated[name] += 1
        return {**row, **changed} if changed else row

    def within_limits(self, line: bytes) -> bool:
        """Whether COPY accepts a line of the file; counted where it does not."""
        if len(line) <= MAX_SUPER_TEXT_BYTES:
            return True
        if len(line) > MAX_ROW_BYTES:
            self._leave_out(
                json.loads(line), f"the row has {len(line):,} bytes, COPY accepts {MAX_ROW_BYTES:,}"
            )
            return False
        row = json.loads(line)
        for name, value in row.items():
            if isinstance(value, list | dict) and (longest := longest_text(value)) > MAX_SUPER_TEXT_BYTES:
                self._leave_out(row, f"{name} holds a text of {longest:,} bytes, of {MAX_SUPER_TEXT_BYTES:,}")
                return False
        return True

    def changes(self) -> list[str]:
        """A sentence on what was truncated and one on what was left out; none where nothing was."""
        found = []
        if self.truncated:
            counts = ", ".join(
                f"{name} in {counted_rows(count)}" for name, count in sorted(self.truncated.items())
            )
            found.append(f"Truncated to what its column holds: {counts}.")
        if self.left_out:
            more = ", …" if len(self.left_out) > 3 else ""
            examples = "; ".join(self.left_out[:3])
            found.append(f"Left out as too long: {counted_rows(len(self.left_out))}: {examples}{more}.")
        return found

    def _leave_out(self, row: dict[str, Any], why: str) -> None:
        self.left_out.append(f"{' '.join(str(row.get(key)) for key in self._keys)}, {why}")


def counted_rows(count: int) -> str:
    """`1 row`, or so many rows."""
    return "1 row" if count == 1 else f"{count:,} rows"


def bytes_of(text: str) -> int:
    """How long a text is in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def longest_text(value: Any) -> int:
    """The length, in bytes, of the longest text in a value of lists and maps, names of fields included."""
    if isinstance(value, str):
        return bytes_of(value)
    if isinstance(value, dict):
        return max((max(longest_text(name), longest_text(one)) for name, one in value.items()), default=0)
    return max(map(longest_text, value), default=0) if isinstance(value, list) else 0
