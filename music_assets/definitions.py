"""The one place where everything meets: assets, checks, jobs, schedules, sensors, resources.

Dagster loads `defs`; tests and tools call `build_defs` with what they want to be different.
"""

from typing import Any

from dagster import Definitions, in_process_executor

from music_assets.defs import automation, checks
from music_assets.defs.assets import (
    analytics,
    report,
    spotify_answers,
    staging,
    warehouse,
)
from music_assets.defs.partitions import days, days_policy
from music_assets.defs.registry import STAGES, STAGES_BY_DAY
from music_assets.defs.stage_assets import stage_asset
from music_assets.settings import Settings, resources


def build_defs(**overrides: Any) -> Definitions:
    """Assemble the project.

    `overrides` are settings by name (`data=`, `msd=`, `staging=`, `warehouse=`, `spotify=`), which win
    over the environment's; or `settings=`, all of them ready made; and `resources=`, a mapping of
    resources that replace ours of the same key.
    """
    replaced = overrides.pop("resources", {})
    settings = overrides.pop("settings", None) or Settings.from_environment(**overrides)
    return Definitions(
        assets=[
            *map(stage_asset, STAGES),
            *(stage_asset(one, partitions_def=days, policy=days_policy) for one in STAGES_BY_DAY),
            spotify_answers.spotify_answers,
            staging.staged_json,
            staging.staged_json_refresh,
            *staging.staging_tables,
            *staging.refresh_tables,
            *warehouse.tables,
            *automation.promised(analytics.tables, settings),
            analytics.published_copy,
            report.report,
        ],
        asset_checks=checks.build_checks(settings.retention_days),
        jobs=automation.jobs,
        schedules=automation.build_schedules(settings),
        sensors=automation.build_sensors(settings),
        resources={**resources(settings), **replaced},
        # Steps are short and share one warehouse file: a process each would cost more than they do.
        executor=in_process_executor,
    )


defs = build_defs()
