"""The IO manager of partitioned assets: gzip JSON Lines, one object a partition.

Derived from `ConfigurableIOManager` because `UPathIOManager` takes one partition an output. It
asks the asset for one partition at a time, writes it whole or not at all, and keeps a partition
that was made from the same input before, so a restarted run goes on where the last one stopped.
"""

from datetime import UTC, datetime
from functools import cache

from dagster import ConfigurableIOManager, InputContext, MetadataValue, OutputContext, ResourceDependency

from music_assets.defs.resources import StagingResource
from music_assets.defs.slices import Made, Metadata, Slices, StagedSlices
from music_assets.progress import advanced
from music_assets.staging.rows import Encoded, encode_for
from music_assets.staging.store import StagedFile, StagingStore, checksum


class JsonLinesIOManager(ConfigurableIOManager):
    """Keeps each partition of an asset as `<asset>/<A>/<B>.json.gz` with a receipt beside it."""

    staging: ResourceDependency[StagingResource]

    def handle_output(self, context: OutputContext, obj: Slices) -> None:
        store = self.staging.store()
        kind = context.asset_key.to_user_string()
        receipts = store.staged_files(kind, obj.keys)
        source = cache(obj.made_from)  # of the MSD it takes a look at every file
        if obj.expect is not None:
            before_all = zip(obj.keys, receipts, strict=True)
            obj.expect([key for key, before in before_all if not _is_made(before, source(key))])
        for done, (key, before) in enumerate(zip(obj.keys, receipts, strict=True), start=1):
            made_from = source(key)
            if before is not None and _is_made(before, made_from):
                receipt, this_run = before, obj.kept(before)
            else:
                made = obj.make(key, before)
                for other, beside in made.beside.items():
                    write_slice(store, other, key, made_from, beside, context.run_id)
                receipt = write_slice(store, kind, key, made_from, made, context.run_id)
                this_run = made.this_run
            obj.report(key, _metadata(store, receipt, this_run, context.run_id))
            kept = receipt.run_id != context.run_id
            advanced(kind, key, done, len(obj.keys), receipt.rows, kept=kept)

    def load_input(self, context: InputContext) -> StagedSlices:
        kind = context.asset_key.to_user_string()
        return StagedSlices(self.staging.store(), kind, context.asset_partition_keys)


def _is_made(before: StagedFile | None, made_from: str) -> bool:
    """Whether a partition is complete and was made from the same input."""
    return before is not None and before.complete and before.fingerprint == made_from


def write_slice(
    store: StagingStore, kind: str, key: str, made_from: str, made: Made, run_id: str
) -> StagedFile:
    """Write one slice of a kind with its receipt."""
    rows = made.rows
    encoded = rows if isinstance(rows, Encoded) else encode_for(kind, rows, key)
    too_long = {"too_long": encoded.too_long} if encoded.too_long else {}
    receipt = StagedFile(
        kind=kind,
        partition_key=key,
        fingerprint=made_from,
        rows=encoded.rows,
        bytes=len(encoded.content),
        checksum=checksum(encoded.content),
        run_id=run_id,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        complete=made.complete,
        metadata={**made.facts, **too_long},
    )
    store.write(receipt, encoded.content)
    return receipt


def _metadata(store: StagingStore, receipt: StagedFile, this_run: Metadata, run_id: str) -> Metadata:
    told = {**receipt.metadata, **this_run}
    if too_long := told.pop("too_long", None):
        told["reasons"] = [*told.get("reasons", ()), *too_long]
    return {
        "dagster/partition_row_count": receipt.rows,
        "dagster/uri": MetadataValue.path(store.url(receipt.kind, receipt.partition_key)),
        "bytes": receipt.bytes,
        "checksum": receipt.checksum,
        "kept": receipt.run_id != run_id,
        **{name: _value(name, value) for name, value in told.items()},
    }


def _value(name: str, value: object) -> object:
    """A fact as Dagster's UI shows it: a preview as a table, lists and maps as JSON."""
    if name == "preview":
        return MetadataValue.md(str(value))
    return MetadataValue.json(value) if isinstance(value, list | dict) else value
