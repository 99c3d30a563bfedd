"""The IO manager of the gate: the verdict on each partition of a staged kind.

A verdict lies at `staged_json/<kind>/<A>/<B>.manifest.json`. What is handed on are the manifests
of the partitions that passed.
"""

from collections.abc import Mapping

from dagster import ConfigurableIOManager, InputContext, OutputContext, ResourceDependency

from music_assets.io_managers.store import SliceStore
from music_assets.resources import StagingResource
from music_assets.warehouse.manifest import Manifest, Verdict

_SUFFIX = ".manifest.json"


class ManifestIOManager(ConfigurableIOManager):
    """Keeps one verdict a partition; hands on the manifests of those that passed."""

    staging: ResourceDependency[StagingResource]

    def handle_output(self, context: OutputContext, obj: Mapping[str, Verdict]) -> None:
        store = self.staging.store()
        for key, verdict in obj.items():
            store.write_json(context.asset_key.to_user_string(), key, _SUFFIX, verdict.as_dict())

    def load_input(self, context: InputContext) -> list[Manifest]:
        store = self.staging.store()
        name = context.asset_key.to_user_string()
        verdicts = (read_verdict(store, name, key) for key in context.asset_partition_keys)
        return [verdict.manifest for verdict in verdicts if verdict is not None and verdict.passed]


def read_verdict(store: SliceStore, name: str, key: str) -> Verdict | None:
    """The last verdict on a partition; None where the gate has not seen it."""
    data = store.read_json(name, key, _SUFFIX)
    return None if data is None else Verdict.from_dict(data)
