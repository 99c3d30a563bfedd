"""The partitions: the MSD's two-letter directories, and how they are named and grouped.

A song's file is stored as `A/B/C/TRABC….h5`, so its track id says where it belongs: characters three
and four are the partition, `AB`. The letters are a hash of nothing musical, which makes the
partitions even and says nothing about artists. A hundred times more songs would fill the same 676.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping

from dagster import (
    AssetExecutionContext,
    BackfillPolicy,
    BetaWarning,
    DailyPartitionsDefinition,
    Failure,
    StaticPartitionsDefinition,
)

from music_assets.errors import MusicAssetsError
from music_assets.ids import PARTITION_KEYS

KEYS = PARTITION_KEYS

msd_directories = StaticPartitionsDefinition(list(KEYS))

# Four letters: a run takes ten seconds to start, and what failed in it is tried again with so many others.
PARTITIONS_A_RUN = 104
# The parameter is beta, as every asset of ours would say again.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=BetaWarning)
backfill_policy = BackfillPolicy.multi_run(max_partitions_per_run=PARTITIONS_A_RUN)

# The refresh is partitioned by day (UTC), today included: it is the only one that can be requested.
days = DailyPartitionsDefinition(start_date="2026-01-01", end_offset=1)
days_policy = BackfillPolicy.single_run()


_FORMS = "They are AA to ZZ, written AB, AA...AZ, A*, or several with commas."


class PartitionsError(MusicAssetsError, ValueError):
    """A `--partitions` that names nothing; the message says which part of it."""


def parse_partitions(spec: str) -> list[str]:
    """The keys a specification names: `AB`, `AA...AZ`, `A*`, or several with commas between.

    Raises:
        PartitionsError: a part of it names no partition.
    """
    chosen: set[str] = set()
    for written in spec.upper().split(","):
        part = written.strip().replace("/", "")
        if not part:
            continue
        first, dots, last = part.partition("...")
        if dots:
            keys = [key for key in KEYS if first <= key <= last] if {first, last} <= set(KEYS) else []
        else:
            pattern = re.compile(re.escape(part).replace(r"\*", "[A-Z]*"))
            keys = [key for key in KEYS if pattern.fullmatch(key)]
        if not keys:
            raise PartitionsError(f"{part!r} names no partition. {_FORMS}")
        chosen.update(keys)
    if not chosen:
        raise PartitionsError(f"--partitions names nothing. {_FORMS}")
    return sorted(chosen)


def partitions_of(tags: Mapping[str, str]) -> list[str]:
    """The partitions a Dagster run is for, by its tags; none where it is for no partition."""
    if key := tags.get("dagster/partition"):
        return [key]
    first, last = (tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
    return [key for key in KEYS if first <= key <= last] if first and last else []


def keys_of(context: AssetExecutionContext) -> list[str]:
    """The partitions of a run, in order.

    Raises:
        Failure: it is for none, though the asset has partitions.
    """
    if not (context.has_partition_key or context.has_partition_key_range):
        raise Failure(
            f"{context.op_def.name} is built by partition, and this run is for none. Choose partitions in "
            "the UI, or with `--partition AB`, or use `music-assets run --partitions AB`.",
            allow_retries=False,
        )
    return sorted(context.partition_keys)


def runs_of(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Cut keys into ranges of neighbours, each small enough for one run; first and last key of each."""
    places = sorted(KEYS.index(key) for key in set(keys))
    ranges: list[list[int]] = []
    for place in places:
        if ranges and place == ranges[-1][-1] + 1 and len(ranges[-1]) < PARTITIONS_A_RUN:
            ranges[-1].append(place)
        else:
            ranges.append([place])
    return [(KEYS[one[0]], KEYS[one[-1]]) for one in ranges]
