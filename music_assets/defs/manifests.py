"""The IO manager of the gate: the verdict on each partition of a staged kind.

A verdict lies at `staged_json/<kind>/<A>/<B>.manifest.json`; beside that of a file that passed lies
`<B>.manifest`, the same in the form that Redshift's COPY reads, to load one partition by hand. What is
handed on are the manifests of the partitions that passed.
"""

from collections.abc import Mapping, Sequence

from dagster import ConfigurableIOManager, InputContext, OutputContext, ResourceDependency

from music_assets.defs.resources import StagingResource
from music_assets.staging.store import StagingStore
from music_assets.warehouse.manifest import Manifest, Verdict, copy_manifest

_VERDICT, _COPY = ".manifest.json", ".manifest"


class ManifestIOManager(ConfigurableIOManager):
    """Keeps one verdict a partition; hands on the manifests of those that passed.

    An output holds the new verdicts alone: of the other partitions those stand that are there.
    """

    staging: ResourceDependency[StagingResource]

    def handle_output(self, context: OutputContext, obj: Mapping[str, Verdict]) -> None:
        store, name = self.staging.store(), context.asset_key.to_user_string()
        store.each(lambda key: write_verdict(store, name, key, obj[key]), obj)

    def load_input(self, context: InputContext) -> list[Manifest]:
        name = context.asset_key.to_user_string()
        verdicts = read_verdicts(self.staging.store(), name, context.asset_partition_keys)
        return [verdict.manifest for verdict in verdicts if verdict is not None and verdict.passed]


def write_verdict(store: StagingStore, name: str, key: str, verdict: Verdict) -> None:
    """Keep the verdict on a slice, and the manifest of a file that passed."""
    entries = copy_manifest([verdict.manifest] if verdict.passed else [])
    # In this order a kill in between leaves a verdict of another file, and the gate looks again.
    if entries["entries"]:
        store.write_json(name, key, _COPY, entries)
    else:
        store.remove(name, key, _COPY)
    store.write_json(name, key, _VERDICT, verdict.as_dict())


def read_verdicts(store: StagingStore, name: str, keys: Sequence[str]) -> list[Verdict | None]:
    """The last verdict on each of these partitions; None where the gate has not seen it."""

    def read(key: str) -> Verdict | None:
        data = store.read_json(name, key, _VERDICT)
        return None if data is None else Verdict.from_dict(data)

    return store.each(read, keys)
