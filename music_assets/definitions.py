"""The one place where everything meets: assets, checks, jobs, schedules, sensors, resources.

Dagster loads `defs`; tests and tools call `build_defs` with what they want to be different.
"""

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import Definitions, in_process_executor, load_defs

from music_assets.defs import automation, checks, own, wiring
from music_assets.defs.assets import msd as msd_assets
from music_assets.defs.assets import report, spotify_answers, tables
from music_assets.defs.assets import staging as staging_assets
from music_assets.defs.partitions import days, days_policy
from music_assets.defs.registry import STAGES, STAGES_BY_DAY
from music_assets.defs.stage_assets import stage_asset
from music_assets.settings import Settings


def build_defs(
    *,
    settings: Settings | None = None,
    resources: Mapping[str, Any] | None = None,
    data: str | None = None,
    msd: str | None = None,
    staging: str | None = None,
    warehouse: str | None = None,
    spotify: str | None = None,
) -> Definitions:
    """Assemble the project.

    `settings` are the environment's unless given, and of these `data`, `msd`, `staging`, `warehouse` and
    `spotify` win over the variables of these names. `resources` replace those of the same key that
    the settings make.

    Raises:
        SettingError: a setting has a value that cannot be used.
    """
    settings = settings or Settings.from_environment(
        data=data, msd=msd, staging=staging, warehouse=warehouse, spotify=spotify
    )
    engine = "duckdb" if settings.warehouse_is_local else "redshift"
    jobs = automation.build_jobs(settings)
    project = Definitions(
        assets=[
            msd_assets.msd_files,
            *map(stage_asset, STAGES),
            *(stage_asset(one, partitions_def=days, policy=days_policy) for one in STAGES_BY_DAY),
            spotify_answers.spotify_answers,
            staging_assets.staged_json,
            staging_assets.staged_json_refresh,
            *(
                table.map_asset_specs(lambda spec: spec.merge_attributes(kinds={engine}))
                for table in (
                    *staging_assets.staging_tables,
                    *staging_assets.refresh_tables,
                    *automation.with_deadline(tables.published_tables, settings),
                )
            ),
            tables.published_copy,
            report.report,
        ],
        asset_checks=checks.build_checks(settings.retention_days),
        jobs=jobs,
        schedules=automation.build_schedules(settings, jobs),
        sensors=automation.build_sensors(settings, jobs),
        resources={**wiring.resources(settings), **(resources or {})},
        # Steps are short and share one warehouse file: a process each would cost more than they do.
        executor=in_process_executor,
    )
    return _with_own(project)


def _with_own(project: Definitions) -> Definitions:
    """The project with what somebody added in `defs/own`."""
    if all(path.name.startswith("__") for path in Path(own.__path__[0]).iterdir()):
        return project  # looking through a package takes Dagster a second
    return Definitions.merge(project, load_defs(own))


defs = build_defs()
if "grpc" in sys.argv and "DAGSTER_HOME" not in os.environ:
    # `dagster dev` and `dg dev` then store runs in a folder that is removed at the end.
    logging.getLogger("music_assets").warning(
        "DAGSTER_HOME is not set: what this UI shows and runs is forgotten when it ends. `music-assets ui` "
        "opens it on the data folder, as does DAGSTER_HOME=$PWD/data/dagster."
    )
