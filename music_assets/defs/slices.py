"""What a partitioned asset hands over, and what it is given: one partition at a time.

A run may take 26 partitions; memory holds one. So an asset does not return rows but says how to
make each of its partitions (`Slices`), and gets its inputs as files it opens one by one
(`StagedSlices`). Nothing here knows where the files lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from dagster import Failure

from music_assets.staging.rows import Encoded, decode
from music_assets.staging.store import StagedFile, StagingStore

Rows = pd.DataFrame | list[dict[str, Any]]
Metadata = Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """One partition's rows, as made.

    `facts` tell of the content (counts, reasons) and are kept with it; `this_run` tells of the making
    (requests spent). `complete` is False where making it again from the same input may bring more.
    `beside` holds partitions of other kinds that fell off in the same pass. Rows may be encoded already.
    """

    rows: Rows | Encoded
    facts: Metadata = field(default_factory=dict)
    this_run: Metadata = field(default_factory=dict)
    complete: bool = True
    beside: Mapping[str, Made] = field(default_factory=dict)


@dataclass(frozen=True)
class Slices:
    """How to make each partition of an asset.

    `made_from` gives the fingerprint of what a partition is made from: one that was made from the
    same before is kept, not made again. `report` takes a partition's metadata; `kept` gives the
    `this_run` of a partition that was kept. `expect` is told at first which will be made, in this order.
    """

    keys: Sequence[str]
    made_from: Callable[[str], str]
    make: Callable[[str, StagedFile | None], Made]
    report: Callable[[str, Metadata], None]
    kept: Callable[[StagedFile], Metadata] = lambda receipt: {}
    expect: Callable[[Sequence[str]], None] | None = None


class StagedSlices:
    """The files of one kind, by partition; the receipts of `keys` are read at once, when one is needed."""

    def __init__(self, store: StagingStore, kind: str, keys: Sequence[str] = ()) -> None:
        self.kind = kind
        self._store = store
        self._keys = keys
        self._receipts: dict[str, StagedFile | None] = {}

    def __getitem__(self, key: str) -> list[dict[str, Any]]:
        """The rows of a partition, as dicts.

        Raises:
            Failure: it was never made; trying again would not help.
            DamagedFile: the file is not what was written.
        """
        return decode(self._store.read(self.staged_file(key)))

    def staged_file(self, key: str) -> StagedFile:
        """What is known of a partition's file; raises as reading it does."""
        if key not in self._receipts:
            keys = self._keys if key in self._keys and not self._receipts else [key]
            self._receipts |= zip(keys, self._store.staged_files(self.kind, keys), strict=True)
        found = self._receipts[key]
        if found is None:
            raise Failure(
                f"{self.kind} has no partition {key}: materialise {self.kind} for {key} first.",
                allow_retries=False,
            )
        return found
