"""What is warned of while partitions are made: files set aside, and a re-scoring that loses matches.

Both look at the staged files of the run's partitions, or, evaluated alone, of all. What must be true of the
published tables is in `tables`; of a file before it is loaded, in `music_assets.staging.validation`.
"""

from collections import Counter
from collections.abc import Iterator

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    MetadataValue,
    asset_check,
)

from music_assets.defs.assets.common import listed
from music_assets.defs.partitions import KEYS, partitions_of
from music_assets.defs.resources import StagingResource
from music_assets.staging.store import StagedFile

# Of the songs matched before: a re-scoring that loses or switches more than this share is warned of.
RESCORING_WARNS_ABOVE = 0.02
# Of a run's files: more set aside than this are warned of.
SET_ASIDE_WARNS_ABOVE = 0.01


@asset_check(
    asset="mapped_songs",
    description=(
        f"Of the songs matched before, those that the last run lost or gave another track are at most "
        f"{RESCORING_WARNS_ABOVE:.0%}. A warning is a reason to look at a few before the tables are used."
    ),
)
def rescoring_keeps_matches(
    context: AssetCheckExecutionContext, staging: StagingResource
) -> AssetCheckResult:
    """What this run's re-scoring changed, or, evaluated alone, the last one of every partition."""
    of_this_run = bool(partitions_of(context.run.tags))
    total: Counter[str] = Counter()
    examples: dict[str, list[str]] = {"lost": [], "switched": []}
    for file in _staged_files(context, staging, "mapped_songs"):
        changed = file.metadata.get("rescored")
        if changed is None or (of_this_run and file.run_id != context.run.run_id):
            continue
        total.update(
            {name: changed[name] for name in ("matched_before", "newly_matched", "lost", "switched")}
        )
        for name, found in examples.items():
            found += changed["such_as"][name]
    share = (total["lost"] + total["switched"]) / max(total["matched_before"], 1)
    return AssetCheckResult(
        passed=share <= RESCORING_WARNS_ABOVE,
        severity=AssetCheckSeverity.WARN,
        description=(
            f"of {total['matched_before']:,} songs matched before, {total['lost']:,} no longer are and "
            f"{total['switched']:,} have another track; {total['newly_matched']:,} are newly matched "
            "(docs/operations.md says what to do)"
        ),
        metadata={
            **{name: total[name] for name in ("matched_before", "newly_matched", "lost", "switched")},
            "share_lost_or_switched": round(share, 4),
            "such_as": MetadataValue.json({name: listed(found) for name, found in examples.items()}),
        },
    )


@asset_check(
    asset="msd_songs",
    description=(
        f"At most {SET_ASIDE_WARNS_ABOVE:.0%} of the MSD's files had to be set aside. More hint at a "
        "download that broke off or a disk that fails: the partition's metadata names each file with its "
        "reason; fetch them again, and the next run reads them."
    ),
)
def few_files_are_set_aside(
    context: AssetCheckExecutionContext, staging: StagingResource
) -> AssetCheckResult:
    found = Counter[str]()
    worst: Counter[str] = Counter()
    for file in _staged_files(context, staging, "msd_songs"):
        found["files"] += file.metadata["files"]
        found["set_aside"] += file.metadata["set_aside"]
        worst[file.partition_key] += file.metadata["set_aside"]
    share = found["set_aside"] / max(found["files"], 1)
    where = f"partition {next(iter(worst))}" if len(worst) == 1 else f"{len(worst)} partitions"
    return AssetCheckResult(
        passed=share <= SET_ASIDE_WARNS_ABOVE,
        severity=AssetCheckSeverity.WARN,
        description=f"{found['set_aside']:,} of {found['files']:,} files of {where} set aside",
        metadata={
            "files": found["files"],
            "set_aside": found["set_aside"],
            "most_in": MetadataValue.json({key: count for key, count in worst.most_common(5) if count}),
        },
    )


def _staged_files(
    context: AssetCheckExecutionContext, staging: StagingResource, kind: str
) -> Iterator[StagedFile]:
    store = staging.store()
    keys = partitions_of(context.run.tags) or KEYS
    found = store.each(lambda key: store.staged_file(kind, key), keys)
    return (file for file in found if file is not None)
