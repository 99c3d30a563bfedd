"""What was spent and found since the previous report, as metadata of the asset `report`.

Every run that fills the tables ends with a report, but a day is made of several runs, and so is a command. So
each report counts what came after the one before it, whichever runs that were: the numbers of all reports add
up, and one that follows upon nothing shows zeros. Requests are counted in the ledger, with those of runs that
failed; times and checks come from Dagster's history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetExecutionContext,
    DagsterEventType,
    DagsterInstance,
    MetadataValue,
    RunRecord,
    RunsFilter,
    TableRecord,
)

from music_assets.defs.partitions import partitions_of
from music_assets.sources.spotify.budget import KINDS
from music_assets.tables.mapped import UNMATCHED

if TYPE_CHECKING:
    from music_assets.sources.ledger import Ledger

# The sources that are shown though nothing was requested of them: a plot has no gap then.
SOURCES = ("spotify", "reccobeats", "labs", "listenbrainz")
IN_ALL = "requests_in_all"  # metadata that the next report counts from


def since_report(
    context: AssetExecutionContext, ledger: Ledger, statuses: Mapping[str, int]
) -> dict[str, Any]:
    """The metadata; `statuses` are the songs of the tables by match status."""
    instance = context.instance
    event = instance.get_latest_materialization_event(context.asset_key)
    shown = event.asset_materialization.metadata if event and event.asset_materialization else {}
    before = {name: value.value for name, value in shown.items()}
    since = datetime.fromtimestamp(event.timestamp if event else 0, UTC)
    runs = instance.get_run_records(RunsFilter(updated_after=since))  # this one among them
    songs, matched = sum(statuses.values()), statuses.get("matched", 0)
    decided = matched + sum(statuses.get(status, 0) for status in ("ambiguous", *UNMATCHED))
    return {
        **_requests(ledger, since, before.get(IN_ALL)),
        "songs": songs,
        "new_songs": songs - before.get("songs", 0),
        **({"match_rate": round(matched / decided, 4)} if decided else {}),
        "runs": sum((run.start_time or 0) >= since.timestamp() for run in runs),
        "seconds": round(sum(_seconds(run, since.timestamp()) for run in runs), 3),
        **_checks(instance, runs, since.timestamp()),
    }


def _requests(ledger: Ledger, since: datetime, earlier: Any) -> dict[str, Any]:
    """Requests by source since the previous report, which had counted `earlier`; those of today, and all."""
    today = datetime.now(UTC).date()
    in_all, of_day = _by_source(ledger.request_counts()), _by_source(ledger.request_counts(today))
    counted = Counter((earlier or {}).get(ledger.source, {}))
    if earlier is None:  # that of an earlier version had not: the ledger knows the minute
        later = Counter[str]()
        for _, kind, count in ledger.requests_since(since):
            later[kind] += count
        counted = in_all - _by_source(later)
    elif counted - in_all:  # in a ledger that is gone
        counted.clear()
    new = in_all - counted
    sources = list(dict.fromkeys([*SOURCES, *sorted(in_all)]))
    lines = [
        f"| source | since the previous report | {today} (UTC) | in all |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [f"| {name} | {new[name]:,} | {of_day[name]:,} | {in_all[name]:,} |" for name in sources]
    return {
        "requests": MetadataValue.md("\n".join(lines)),
        **{f"{name}_requests": new[name] for name in sources},
        IN_ALL: MetadataValue.json({**(earlier or {}), ledger.source: dict(in_all)}),
    }


def _by_source(kinds: Mapping[str, int]) -> Counter[str]:
    """Requests by source, of those by kind."""
    found = Counter[str]()
    for kind, count in kinds.items():
        found["spotify" if kind in KINDS else kind] += count
    return found


def _seconds(run: RunRecord, since: float) -> float:
    """How long a run has worked since then."""
    ended = run.end_time or datetime.now(UTC).timestamp()
    return max(0.0, ended - max(run.start_time or ended, since))


def _checks(instance: DagsterInstance, runs: Sequence[RunRecord], since: float) -> dict[str, Any]:
    """How many checks passed since then and how many did not, and which; each as it was evaluated last."""
    last: dict[tuple[str, ...], tuple[bool, str]] = {}
    for run in reversed(runs):
        keys = partitions_of(run.dagster_run.tags)
        partitions = "...".join(dict.fromkeys([*keys[:1], *keys[-1:]]))
        for entry in instance.all_logs(run.dagster_run.run_id, DagsterEventType.ASSET_CHECK_EVALUATION):
            if entry.timestamp > since and entry.dagster_event:
                check = entry.dagster_event.asset_check_evaluation_data
                of = (check.asset_key.to_user_string(), check.check_name, partitions)
                last[of] = (check.passed, check.description or "")
    failed = [
        TableRecord({"asset": asset, "check": name, "partitions": partitions, "reason": reason})
        for (asset, name, partitions), (passed, reason) in sorted(last.items())
        if not passed
    ]
    return {
        "checks_passed": len(last) - len(failed),
        "checks_failed": len(failed),
        "failed_checks": MetadataValue.table(failed) if failed else MetadataValue.text("none"),
    }
