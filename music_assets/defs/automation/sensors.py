"""The sensors: what starts a run, or reports one, because something has happened.

`msd_files_changed` looks at the MSD's directories, `keep_going` starts what follows, and
`run_failed` reports failures. All are off until they are switched on: in the UI under Automation, or by
`dagster sensor start <name>`. What they decide is in `steps`, from the facts in `facts`.
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dagster import (
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunFailureSensorContext,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    run_failure_sensor,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from music_assets.defs.assets.spotify_answers import read_state
from music_assets.defs.automation.alerts import FailedRun, report_failure, report_missed
from music_assets.defs.automation.day import Day, day_of
from music_assets.defs.automation.facts import (
    Loads,
    days_to_load,
    extracted,
    go_on_at,
    refreshed_at,
    to_extract,
    to_fill,
    to_load,
    to_refresh,
    to_request,
    to_resolve_first,
    unseen,
)
from music_assets.defs.automation.schedules import run_request
from music_assets.defs.automation.steps import SEARCH_JOBS, Facts, plan_runs
from music_assets.defs.dumps import DumpsResource
from music_assets.defs.failures import cause_of
from music_assets.defs.partitions import KEYS, partitions_of
from music_assets.defs.resources import (
    CompanionResource,
    CorrectionsResource,
    MsdResource,
    SpotifyResource,
    StagingResource,
    WarehouseResource,
)
from music_assets.defs.run_launcher import COMMAND_LINE
from music_assets.defs.source_resources import ResolutionResource, SourcesResource
from music_assets.defs.stages import Plan
from music_assets.errors import MusicAssetsError
from music_assets.settings import Settings

# A sensor has a minute. The MSD may be on a slow disk: the look goes on at the next tick where it stopped.
LOOK_S, LOOKED_AT_ONCE = 30.0, 26
# A step that failed is tried again after this long, then after twice as long: a service may be down.
RETRY_AFTER, RETRIES = timedelta(minutes=10), 3
_GOING = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


def build_sensors(settings: Settings, jobs: Sequence[UnresolvedAssetJobDefinition]) -> list[SensorDefinition]:
    """The sensors, with the settings' times, and where failures are reported."""
    steps = {job.name: job for job in jobs if job.name != "music_etl"}
    reading = steps.pop("extract")
    return [_msd_files_changed(reading), _keep_going(settings, list(steps.values())), _run_failed(settings)]


def _msd_files_changed(reading: UnresolvedAssetJobDefinition) -> SensorDefinition:
    @sensor(
        name="msd_files_changed",
        jobs=[reading],
        minimum_interval_seconds=600,
        default_status=DefaultSensorStatus.STOPPED,
        description=(
            "Extracts MSD directories when a file in them is new, changed or gone, by names, sizes and "
            "times: for files that arrive at any time of day. Once a day `daily` does the same. A directory "
            "that is gone as a whole is named and stays extracted: part of the MSD may not be mounted."
        ),
    )
    def msd_files_changed(
        context: SensorEvaluationContext, msd: MsdResource, staging: StagingResource
    ) -> SensorResult | SkipReason:
        try:
            plan = Plan(staging.store(), {"msd": msd})
            there = msd.root().partitions()
            todo = [key for key in there if key > (context.cursor or "")]
            changed: dict[str, str] = {}
            until = time.monotonic() + LOOK_S
            while todo:
                part, todo = todo[:LOOKED_AT_ONCE], todo[LOOKED_AT_ONCE:]
                changed |= to_extract(plan, part)
                after = part[-1]
                if time.monotonic() >= until:
                    break
            plan.look_at(["msd_songs"], KEYS)
            gone = [key for key in KEYS if key not in there and plan.file("msd_songs", key)]
        except (MusicAssetsError, OSError) as error:
            return SkipReason(str(error))
        requests = plan_runs(Facts(extract=changed, in_progress=_in_progress(context.instance)))
        looked = f"Looked as far as {after}, and goes on there" if todo else "Looked at all directories"
        reason = f"{looked}: none is new or changed since it was extracted."
        if gone:
            reason += f" The MSD has no files of {', '.join(gone)} any more; what was extracted stays."
        return SensorResult(
            run_requests=[run_request(request) for request in requests],
            skip_reason=None if requests else reason,
            cursor=after if todo else "",
        )

    return msd_files_changed


def _keep_going(settings: Settings, steps: list[UnresolvedAssetJobDefinition]) -> SensorDefinition:
    @sensor(
        name="keep_going",
        jobs=steps,
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.STOPPED,
        description=(
            "Starts what follows when a run has ended, the day begins, or the request budget is back: "
            "searches for what is new or pending, matches and loads what changed, refreshes what is stalest "
            "once a day, then fills the tables once."
        ),
    )
    def keep_going(
        context: SensorEvaluationContext,
        staging: StagingResource,
        companion: CompanionResource,
        corrections: CorrectionsResource,
        dumps: DumpsResource,
        resolution: ResolutionResource,
        sources: SourcesResource,
        spotify: SpotifyResource,
        warehouse: WarehouseResource,
    ) -> SensorResult | SkipReason:
        now = datetime.now(UTC)
        day = day_of(now, settings.schedule.daily_start, settings.schedule.timezone)
        seen = json.loads(context.cursor or "{}")
        if any(_is_ahead(seen.get(name), now) for name in ("looked", "ended")):
            seen = {}  # the clock has been put back: nothing would have passed, or ended, since
        ended = _ended_after(context.instance, seen.get("ended"))
        if ended is None and not _time_has_come(seen, day, now):
            return SkipReason("No run has ended, and it is not yet time for anything.")
        filled = _filled(context.instance)
        if _passed(seen, day.due, now) and (filled is None or filled < day.start):
            due = day.due.astimezone(ZoneInfo(settings.schedule.timezone))
            report_missed(f"{due:%H:%M}", settings.alert_webhook, context.log)
        in_progress = _in_progress(context.instance)
        if in_progress.keys() - SEARCH_JOBS:
            return SkipReason(f"Waiting for {', '.join(sorted(in_progress))}.")
        known: dict[str, Any] = {"corrections": corrections, "dumps": dumps, "resolution": resolution}
        known |= {"companion": companion, "sources": sources, "spotify": spotify}
        try:
            plan = Plan(staging.store(), known)
            corrections.read()  # a wrong file is reported though nothing is staged yet
            keys = extracted(plan)
            state = read_state(plan.store)
            loads = Loads.read(warehouse.open())
            facts = Facts(
                priority_search=to_resolve_first(plan, keys, state, now),
                unsearched=frozenset(unseen(plan, keys, state)),
                search=to_request(plan, keys, state, now),
                load=to_load(plan, keys, loads),
                refresh=_refresh_due(context.instance, plan, loads, day.start, now)
                if settings.refresh.share > 0
                else None,
                refresh_day=now.date().isoformat(),
                refresh_has_own_budget=settings.spotify.requests_per_day is not None,
                unloaded_days=days_to_load(plan, loads),
                tables=to_fill(loads, filled, day.start, now),
                in_progress=in_progress,
                near_deadline=day.hurry <= now < day.due,
                day=day.name,
            )
        except (MusicAssetsError, OSError) as error:
            return SkipReason(str(error))
        attempts, retry_at = _attempts(context.instance, day.start, now)
        requests = [request.again(attempts[request.job]) for request in plan_runs(facts)]
        # A budget that is back was acted on now: where that run failed, its time is still in the state.
        times = [at for at in (go_on_at(state), retry_at) if at and at > now]
        cursor = {
            "ended": ended or seen.get("ended"),
            "looked": now.isoformat(),
            "go_on_at": min(times).isoformat() if times else None,
        }
        return SensorResult(
            run_requests=[run_request(request) for request in requests],
            skip_reason=None if requests else "All that is there is matched, loaded and published.",
            cursor=json.dumps(cursor),
        )

    return keep_going


def _run_failed(settings: Settings) -> SensorDefinition:
    @run_failure_sensor(
        name="run_failed",
        minimum_interval_seconds=30,
        default_status=DefaultSensorStatus.STOPPED,
        description=(
            "Reports a failed run, with its partitions, the cause and how to retry: in this sensor's "
            "log, and where MUSIC_ASSETS_ALERT_WEBHOOK says."
        ),
    )
    def run_failed(context: RunFailureSensorContext) -> None:
        run = context.dagster_run
        if COMMAND_LINE in run.tags:  # the command has said so
            return
        causes = [cause_of(event) for event in context.get_step_failure_events()]
        failed = FailedRun(
            job=run.job_name,
            run_id=run.run_id,
            partitions=partitions_of(run.tags),
            causes=causes or [context.failure_event.message or "the run ended without saying why"],
        )
        report_failure(failed, settings.alert_webhook, context.log)

    return run_failed


def _in_progress(instance: DagsterInstance) -> dict[str, frozenset[str]]:
    """The partitions of runs that have not ended, by job; those of the command line wait for themselves."""
    going: dict[str, frozenset[str]] = {}
    for run in instance.get_runs(RunsFilter(statuses=_GOING)):
        if COMMAND_LINE in run.tags:
            continue
        keys = frozenset(partitions_of(run.tags) or KEYS)
        going[run.job_name] = going.get(run.job_name, frozenset()) | keys
    return going


def _attempts(
    instance: DagsterInstance, since: datetime, now: datetime
) -> tuple[Counter[str], datetime | None]:
    """Which attempt of each job the day is at, by its failed runs, and when the next of any begins."""
    failed: defaultdict[str, list[datetime]] = defaultdict(list)
    filters = RunsFilter(statuses=[DagsterRunStatus.FAILURE], created_after=since)
    for record in instance.get_run_records(filters):
        failed[record.dagster_run.job_name].append(record.update_timestamp.replace(tzinfo=UTC))
    attempts: Counter[str] = Counter()
    next_ones = []
    for job, times in failed.items():
        attempts[job] = min(len(times), RETRIES)
        again = max(times) + RETRY_AFTER * 2 ** (len(times) - 1)
        if max(times) > now:  # the clock has been put back
            again = now
        if len(times) <= RETRIES and again > now:
            attempts[job] -= 1
            next_ones.append(again)
    return attempts, min(next_ones, default=None)


def _ended_after(instance: DagsterInstance, seen: str | None) -> str | None:
    """When the last run ended, if that was after `seen`."""
    after = datetime.fromisoformat(seen) if seen else None
    ended: Sequence[Any] = instance.get_run_records(
        RunsFilter(statuses=_ENDED, updated_after=after), limit=1, order_by="update_timestamp"
    )
    return ended[0].update_timestamp.replace(tzinfo=UTC).isoformat() if ended else None


def _time_has_come(seen: dict[str, str | None], day: Day, now: datetime) -> bool:
    """Whether a time lies between the last look and now at which there may be something to do."""
    go_on = seen.get("go_on_at")
    times = [day.start, day.hurry, day.due, *([datetime.fromisoformat(go_on)] if go_on else [])]
    return not seen.get("looked") or any(_passed(seen, at, now) for at in times)


def _passed(seen: dict[str, str | None], at: datetime, now: datetime) -> bool:
    """Whether a time lies between the last look and now."""
    looked = seen.get("looked")
    return looked is not None and datetime.fromisoformat(looked) < at <= now


def _is_ahead(moment: str | None, now: datetime) -> bool:
    return moment is not None and datetime.fromisoformat(moment) > now


def _refresh_due(
    instance: DagsterInstance, plan: Plan, loads: Loads, since: datetime, now: datetime
) -> str | None:
    """Why a refresh is due. It began when its run did, however that ended, or with a command."""
    runs = instance.get_run_records(RunsFilter(job_name="refresh"), limit=1)
    times = [record.create_timestamp.replace(tzinfo=UTC) for record in runs]
    if at := refreshed_at(plan):
        times.append(at)
    # Not those of a clock that has been put back since.
    return to_refresh(loads, max((at for at in times if at <= now), default=None), since)


def _filled(instance: DagsterInstance) -> datetime | None:
    """When the run began that published last."""
    event = instance.get_latest_materialization_event(AssetKey("published_copy"))
    if event is None:
        return None
    record = instance.get_run_record_by_id(event.run_id)
    began = record.start_time if record and record.start_time else event.timestamp
    return datetime.fromtimestamp(began, UTC)
