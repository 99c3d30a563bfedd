"""Stages: the partitioned assets, each a function of one partition.

A stage is declared with `@stage`: what it reads, its version, and what else its rows depend on. The function
gets the rows of its inputs and the resources it names, and returns `Staged`. `Plan` is the one place that
knows which partitions are up to date; assets and automation both use it. `build` computes those that are not.
What makes a Dagster asset of a stage is in `stage_assets`; the functions themselves are in `assets`.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from music_assets.errors import MusicAssetsError
from music_assets.staging.errors import DamagedFile
from music_assets.staging.partitions import Metadata, Staged, read_rows, write_partition
from music_assets.staging.rows import Row
from music_assets.staging.store import StagedFile, StagingStore, fingerprint
from music_assets.staging.validation import version
from music_assets.tables import METADATA

# A session holds what so many partitions need: memory does not grow with a run.
PARTITIONS_A_SESSION = 26


class InputMissing(MusicAssetsError):
    """Partitions could not be built because what they read is missing or damaged."""


@dataclass(frozen=True)
class Partition:
    """The partition that a stage's function computes: its key, its input files by kind, and what was staged
    before."""

    key: str
    previous: StagedFile | None
    inputs: Mapping[str, StagedFile]
    _store: StagingStore

    def previous_rows(self) -> list[Row]:
        """The rows that were staged before; none if there were none."""
        return [] if self.previous is None else read_rows(self._store, self.previous)


@dataclass
class Stage:
    """One function of a partition, with everything that decides when it is to run.

    `outputs` are the staged kinds it writes (mostly one, of its own name), `inputs` the kinds it reads:
    parameters of these names get their rows. `version` is raised when the code computes other rows.
    `depends_on` gives, from resources, a function of the partition key to a text that changes with whatever
    else the rows depend on. `session` is a context manager around partitions that are built one after another
    (`PARTITIONS_A_SESSION`; its first parameter gets their keys); the function gets its value as `session`.
    `when_unchanged` gives the metadata of this run for a partition that is up to date. `after` names assets
    that come first though their rows are not read. `observed` is the external asset whose data versions
    `depends_on` gives. `pool` names the quota it spends: one run at a time takes from it (`instance`).
    """

    name: str
    function: Callable[..., Staged | Mapping[str, Staged]]
    inputs: Sequence[str]
    version: str
    outputs: Sequence[str] = ()
    depends_on: Callable[..., Callable[[str], str]] | None = None
    session: Callable[..., AbstractContextManager[Any]] | None = None
    when_unchanged: Callable[..., Metadata] | None = None
    after: Sequence[Any] = ()
    pool: str | None = None
    observed: str | None = None
    description: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself, for tests and notebooks."""
        return self.function(*args, **kwargs)

    @property
    def resources(self) -> set[str]:
        """The names of the resources that its functions take."""
        functions = (self.function, self.depends_on, self.session, self.when_unchanged)
        names = {name for one in functions if one is not None for name in inspect.signature(one).parameters}
        return names - {*self.inputs, "partition", "session", "keys", "file"}


def stage(name: str, *, inputs: Sequence[str] = (), **declared: Any) -> Callable[[Callable[..., Any]], Stage]:
    """Declare a function of one partition as a stage; see `Stage` for what can be said of it."""

    def declare(function: Callable[..., Any]) -> Stage:
        outputs = declared.pop("outputs", (name,))
        return Stage(name=name, function=function, inputs=inputs, outputs=outputs, **declared)

    return declare


class Plan:
    """Which partitions of which stages are up to date, by the files that are staged now.

    `resources` are given to the stages' functions by name. What was read is remembered: a plan is for one
    run, or for one look of a sensor.
    """

    def __init__(self, store: StagingStore, resources: Mapping[str, Any]) -> None:
        self.store = store
        self.resources = resources
        self._files: dict[tuple[str, str], StagedFile | None] = {}
        self._depends_on: dict[str, Callable[[str], str]] = {}

    def look_at(self, kinds: Iterable[str], keys: Sequence[str]) -> None:
        """Read what is staged of these partitions at once; on S3 many at a time."""
        for kind in kinds:
            unknown = [key for key in keys if (kind, key) not in self._files]
            found = self.store.staged_files(kind, unknown)
            self._files |= {(kind, key): file for key, file in zip(unknown, found, strict=True)}

    def file(self, kind: str, key: str) -> StagedFile | None:
        """What is staged of a partition."""
        if (kind, key) not in self._files:
            self._files[kind, key] = self.store.staged_file(kind, key)
        return self._files[kind, key]

    def wrote(self, file: StagedFile) -> None:
        """This file was just written."""
        self._files[file.kind, file.partition_key] = file

    def depends_on(self, stage: Stage, key: str) -> str:
        """What else than its inputs the rows of a stage that declares it depend on."""
        assert stage.depends_on is not None
        if stage.name not in self._depends_on:
            self._depends_on[stage.name] = call(stage.depends_on, self.resources)
        return self._depends_on[stage.name](key)

    def fingerprint(self, stage: Stage, key: str) -> str | None:
        """What the partition should have been computed from; None where an input is missing."""
        inputs = [self.file(kind, key) for kind in stage.inputs]
        checksums = [file.checksum for file in inputs if file is not None]
        if len(checksums) < len(inputs):
            return None
        more = [self.depends_on(stage, key)] if stage.depends_on is not None else []
        tables = (METADATA.tables.get(f"staging.{kind}") for kind in stage.outputs)
        columns = [version(table) for table in tables if table is not None]
        return fingerprint(*checksums, *more, stage.version, *columns)

    def is_current(self, stage: Stage, key: str, outputs: Iterable[str] | None = None) -> bool:
        """Whether a partition is complete and was computed from what is there now."""
        wanted = self.fingerprint(stage, key)
        files = [self.file(kind, key) for kind in outputs or stage.outputs]
        return all(file is not None and file.complete and file.fingerprint == wanted for file in files)

    def is_there(self, outputs: Iterable[str], key: str) -> bool:
        """Whether the files that a partition is known to have were not removed."""
        return all((file := self.file(kind, key)) and self.store.is_there(file) for kind in outputs)


@dataclass(frozen=True)
class Built:
    """One partition of a run: its files by kind, this run's metadata by kind, and whether it was up to
    date."""

    key: str
    files: Mapping[str, StagedFile]
    run_metadata: Mapping[str, Metadata]
    unchanged: bool


def build(
    stage: Stage,
    keys: Sequence[str],
    plan: Plan,
    *,
    run_id: str,
    outputs: Sequence[str] | None = None,
    force: bool = False,
) -> Iterator[Built]:
    """Compute the partitions that are not up to date, or all (`force`), and give each as soon as it is
    written.

    A partition is written before the next is computed, so a run that is killed loses at most one; the next
    run goes on there. Partitions whose input is missing or damaged are left out; the others go on.

    Raises:
        InputMissing: at the end, if any were left out: which, and what to do.
    """
    outputs = outputs or stage.outputs
    plan.look_at([*stage.inputs, *outputs], keys)
    current = [] if force else [key for key in keys if plan.is_current(stage, key, outputs)]
    there = plan.store.each(lambda key: plan.is_there(outputs, key), current)
    unchanged = {key for key, is_there in zip(current, there, strict=True) if is_there}
    failed: defaultdict[str, list[str]] = defaultdict(list)
    for start in range(0, len(keys), PARTITIONS_A_SESSION):
        some = keys[start : start + PARTITIONS_A_SESSION]
        with _session(stage, [key for key in some if key not in unchanged], plan) as session:
            for key in some:
                if key in unchanged:
                    yield _unchanged(stage, key, plan, outputs)
                    continue
                try:
                    yield _computed(stage, key, plan, session, run_id, outputs)
                except (InputMissing, DamagedFile) as error:
                    failed[str(error)].append(key)
    if failed:
        reasons = (f"{', '.join(keys)}: {reason}" for reason, keys in failed.items())
        raise InputMissing(f"Left out {'; '.join(reasons)}.")


def _session(stage: Stage, keys: list[str], plan: Plan) -> AbstractContextManager[Any]:
    return nullcontext() if stage.session is None else call(stage.session, {**plan.resources, "keys": keys})


def _unchanged(stage: Stage, key: str, plan: Plan, outputs: Sequence[str]) -> Built:
    files = {kind: file for kind in outputs if (file := plan.file(kind, key)) is not None}
    metadata: dict[str, Metadata] = {}
    if stage.when_unchanged is not None:
        metadata = {
            kind: call(stage.when_unchanged, {**plan.resources, "file": file}) for kind, file in files.items()
        }
    return Built(key, files, metadata, unchanged=True)


def _computed(stage: Stage, key: str, plan: Plan, session: Any, run_id: str, outputs: Sequence[str]) -> Built:
    wanted = plan.fingerprint(stage, key)
    if wanted is None:
        missing = [kind for kind in stage.inputs if plan.file(kind, key) is None]
        raise InputMissing(f"{' and '.join(missing)} is missing: materialize it first")
    inputs = {kind: file for kind in stage.inputs if (file := plan.file(kind, key)) is not None}
    partition = Partition(key, plan.file(outputs[0], key), inputs, plan.store)
    rows = {kind: read_rows(plan.store, file) for kind, file in inputs.items()}
    found = call(stage.function, {**plan.resources, **rows, "partition": partition, "session": session})
    results: Mapping[str, Staged] = {stage.outputs[0]: found} if isinstance(found, Staged) else found
    files = {}
    for kind in outputs:
        files[kind] = write_partition(plan.store, kind, key, results[kind], fingerprint=wanted, run_id=run_id)
        plan.wrote(files[kind])
    return Built(key, files, {kind: results[kind].run_metadata for kind in outputs}, unchanged=False)


def call(function: Callable[..., Any], available: Mapping[str, Any]) -> Any:
    """Call a function with what its parameters name."""
    return function(**{name: available[name] for name in inspect.signature(function).parameters})
