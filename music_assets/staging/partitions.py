"""One partition's rows on their way to a staged file and back.

Here: `Staged`, what a stage returns for a partition, and writing and reading it. How rows are encoded is in
`rows`, where files are stored in `store`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from music_assets.staging.rows import Encoded, Row, decode, encode_for
from music_assets.staging.store import StagedFile, StagingStore, checksum

Metadata = Mapping[str, Any]


@dataclass(frozen=True)
class Staged:
    """One partition's rows, with what is to be shown of them.

    `metadata` describes the rows (counts, reasons) and is stored with them; `run_metadata` describes this run
    (requests spent). `complete` is False where computing it again from the same input may bring more. Rows
    may be encoded already.
    """

    rows: list[Row] | pd.DataFrame | Encoded
    metadata: Metadata = field(default_factory=dict)
    run_metadata: Metadata = field(default_factory=dict)
    complete: bool = True


def write_partition(
    store: StagingStore, kind: str, key: str, staged: Staged, *, fingerprint: str, run_id: str
) -> StagedFile:
    """Encode, check and write one partition; what was changed or left out is among its metadata."""
    rows = staged.rows
    encoded = rows if isinstance(rows, Encoded) else encode_for(kind, rows, key)
    file = StagedFile(
        kind=kind,
        partition_key=key,
        fingerprint=fingerprint,
        rows=encoded.rows,
        bytes=len(encoded.content),
        checksum=checksum(encoded.content),
        run_id=run_id,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        complete=staged.complete,
        metadata={**staged.metadata, **({"changes": list(encoded.changes)} if encoded.changes else {})},
        validation=encoded.validation,
    )
    store.write(file, encoded.content)
    return file


def read_rows(store: StagingStore, file: StagedFile) -> list[Row]:
    """The rows of a staged file.

    Raises:
        DamagedFile: the file is not what was written.
    """
    return decode(store.read(file))
