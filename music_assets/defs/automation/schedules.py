"""The daily schedule, and by when its tables are promised.

`daily` starts the day: it brings in what changed on disk. What follows from that (asking, loading, the
tables) is started by the sensor `keep_going`, step by step; both are off until they are switched on in the
UI, under Automation, or by `dagster schedule start daily` and `dagster sensor start keep_going`.
"""

from collections.abc import Iterator, Mapping, Sequence

from dagster import (
    AssetsDefinition,
    DefaultScheduleStatus,
    FreshnessPolicy,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    apply_freshness_policy,
    schedule,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from music_assets.defs.automation.day import READY_BY, day_of, time_to_work
from music_assets.defs.automation.facts import to_extract
from music_assets.defs.automation.steps import Facts, Request, plan_runs
from music_assets.defs.resources import MsdResource, StagingResource
from music_assets.defs.stages import Plan
from music_assets.errors import MusicAssetsError
from music_assets.settings import Settings


def build_schedules(
    settings: Settings, jobs: Sequence[UnresolvedAssetJobDefinition]
) -> list[ScheduleDefinition]:
    """The schedules, at the settings' times."""
    hour, minute = settings.schedule.daily_start.split(":")

    @schedule(
        name="daily",
        job=next(job for job in jobs if job.name == "extract"),
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone=settings.schedule.timezone,
        default_status=DefaultScheduleStatus.STOPPED,
        description=(
            "Starts the day: extracts the MSD directories that are new or changed. Switch keep_going on "
            "beside it, which does the rest; tables "
            f"are promised by {READY_BY:%H:%M} ({settings.schedule.timezone})."
        ),
    )
    def daily(
        context: ScheduleEvaluationContext, msd: MsdResource, staging: StagingResource
    ) -> Iterator[RunRequest | SkipReason]:
        day = day_of(
            context.scheduled_execution_time, settings.schedule.daily_start, settings.schedule.timezone
        )
        try:
            plan = Plan(staging.store(), {"msd": msd})
            changed = to_extract(plan, msd.root().partitions())
        except (MusicAssetsError, OSError) as error:
            yield SkipReason(str(error))
            return
        if not changed:
            yield SkipReason("No MSD directory is new or changed; `keep_going` does what else there is.")
        for request in plan_runs(Facts(extract=changed, day=day.name)):
            yield run_request(request)

    return [daily]


def run_request(request: Request) -> RunRequest:
    """A request as Dagster takes it."""
    return RunRequest(run_key=request.run_key, job_name=request.job, tags=request.tags)


def with_deadline(tables: Mapping[str, AssetsDefinition], settings: Settings) -> Iterator[AssetsDefinition]:
    """These assets; the wide tables promise to be filled between the daily start and when they are due."""
    policy = FreshnessPolicy.cron(
        deadline_cron=f"{READY_BY.minute} {READY_BY.hour} * * *",
        lower_bound_delta=time_to_work(settings.schedule.daily_start),
        timezone=settings.schedule.timezone,
    )
    for name, table in tables.items():
        wide = name.startswith("analytics.")
        yield table.map_asset_specs(lambda spec: apply_freshness_policy(spec, policy)) if wide else table
