"""The manifest of one partition: which of its staged files passed validation and may be loaded.

Stored at `staged_json/<A>/<B>.manifest.json`; beside it is, for each kind that has rows,
`<B>.<kind>.manifest`, the same in the form that Redshift's COPY reads, to load a partition by hand. A file
that this program wrote was validated as it was encoded and carries a stamp; one that another program wrote is
validated here. How a file is validated is in `validation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from music_assets.staging.errors import DamagedFile
from music_assets.staging.store import StagedFile, StagingStore
from music_assets.staging.validation import check_file, stamp
from music_assets.tables import METADATA

_MANIFEST, _COPY = ".manifest.json", ".manifest"


@dataclass(frozen=True)
class ManifestEntry:
    """One staged file: where it is, what it holds, and what is wrong with it (nothing, if it passed)."""

    kind: str
    partition_key: str
    url: str
    rows: int
    bytes: int
    checksum: str
    validation: str
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.problems


def record(store: StagingStore, name: str, kinds: Iterable[str], key: str) -> dict[str, ManifestEntry]:
    """Validate a partition's files of these kinds and write its manifest under `name`; what it says.

    A file that passed before and has not changed is not read again. One that fails is left out with its
    problems; the others go on. Kinds without a file have no entry.
    """
    before = read(store, name, key)
    files = [file for kind in kinds if (file := store.staged_file(kind, key)) is not None]
    entries = {file.kind: _entry(store, file, before.get(file.kind)) for file in files}
    if entries != before:
        for entry in entries.values():
            _write_copy_manifest(store, name, entry)
        store.write_json(
            name, key, _MANIFEST, {kind: asdict(entry) for kind, entry in sorted(entries.items())}
        )
    return entries


def read(store: StagingStore, name: str, key: str) -> dict[str, ManifestEntry]:
    """The manifest of a partition as it was recorded last, by kind; empty where it never was."""
    data = store.read_json(name, key, _MANIFEST) or {}
    return {
        kind: ManifestEntry(**{**entry, "problems": tuple(entry["problems"])}) for kind, entry in data.items()
    }


def _entry(store: StagingStore, file: StagedFile, before: ManifestEntry | None) -> ManifestEntry:
    table = METADATA.tables[f"staging.{file.kind}"]
    valid = stamp(table, file.checksum)
    if (
        before is not None
        and before.passed
        and (before.checksum, before.validation) == (file.checksum, valid)
    ):
        return before
    problems: tuple[str, ...] = ()
    try:
        content = store.read(file)  # compared with its checksum
        if file.validation != valid:
            checked = check_file(table, content, file.partition_key)
            problems = checked.problems
            if not problems and checked.rows != file.rows:
                problems = (f"it has {checked.rows} rows, {file.rows} were written",)
    except DamagedFile as error:
        problems = (str(error),)
    url = store.url(file.kind, file.partition_key)
    return ManifestEntry(
        file.kind, file.partition_key, url, file.rows, file.bytes, file.checksum, valid, problems
    )


def _write_copy_manifest(store: StagingStore, name: str, entry: ManifestEntry) -> None:
    suffix = f".{entry.kind}{_COPY}"
    if entry.passed and entry.rows:  # COPY fails on a manifest without files
        file: dict[str, Any] = {"url": entry.url, "mandatory": True, "meta": {"content_length": entry.bytes}}
        store.write_json(name, entry.partition_key, suffix, {"entries": [file]})
    else:
        store.remove(name, entry.partition_key, suffix)
