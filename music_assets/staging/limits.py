"""What Redshift's COPY takes at most, and rows made to fit before they are written.

Here: the limits, cutting a text where its column says that it may be cut, and setting a row aside that
cannot be made to fit, so that the rows beside it are loaded. The `gate` holds every file against the same
limits, whoever wrote it, and changes nothing.
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


class Fitting:
    """The rows of one file of a table, as they are written: `cut` each, then ask of each line if it `fits`.

    Lengths are of UTF-8, as Redshift counts a VARCHAR. What was cut and what was set aside is counted.
    """

    def __init__(self, table: Table) -> None:
        self._keys = key_columns(table)
        self._lengths = [
            (str(column.name), int(column.type.length), bool(column.info["truncate"]))
            for column in table.columns
            if isinstance(column.type, String) and column.type.length
        ]
        self.cuts: Counter[str] = Counter()
        self.set_aside: list[str] = []

    def cut(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The row with its long texts cut where they may be; None, and noted, where one may not."""
        changed: dict[str, Any] = {}
        for name, most, may_be_cut in self._lengths:
            value = row.get(name)
            # A character has four bytes at most: most texts need not be encoded to be measured.
            if not isinstance(value, str) or len(value) * 4 <= most or bytes_of(value) <= most:
                continue
            if not may_be_cut:
                self._set_aside(row, f"{name} has more than {most} bytes")
                return None
            changed[name] = value.encode()[:most].decode(errors="ignore")
            self.cuts[name] += 1
        return {**row, **changed} if changed else row

    def fits(self, line: bytes) -> bool:
        """Whether COPY takes a line of the file; noted where it does not."""
        if len(line) <= MAX_SUPER_TEXT_BYTES:
            return True
        if len(line) > MAX_ROW_BYTES:
            self._set_aside(
                json.loads(line), f"the row has {len(line):,} bytes, COPY takes {MAX_ROW_BYTES:,}"
            )
            return False
        row = json.loads(line)
        for name, value in row.items():
            if isinstance(value, list | dict) and (longest := longest_text(value)) > MAX_SUPER_TEXT_BYTES:
                self._set_aside(row, f"{name} holds a text of {longest:,} bytes, of {MAX_SUPER_TEXT_BYTES:,}")
                return False
        return True

    def reasons(self) -> list[str]:
        """A sentence of what was cut and one of what was set aside; none where nothing was."""
        said = []
        if self.cuts:
            cut = ", ".join(f"{name} of {count} rows" for name, count in sorted(self.cuts.items()))
            said.append(f"Cut to what its column holds: {cut}.")
        if self.set_aside:
            more = ", …" if len(self.set_aside) > 3 else ""
            such_as = "; ".join(self.set_aside[:3])
            said.append(f"{len(self.set_aside)} rows are too long and were left out: {such_as}{more}.")
        return said

    def _set_aside(self, row: dict[str, Any], why: str) -> None:
        self.set_aside.append(f"{' '.join(str(row.get(key)) for key in self._keys)}, {why}")


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
