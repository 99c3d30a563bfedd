"""The one place where everything meets: assets, checks, jobs, schedules, sensors, resources.

Dagster loads `defs`; tests and tools call `build_defs` with what they want to be different.
"""

from typing import Any

from dagster import Definitions, in_process_executor

from music_assets.defs import automation, checks
from music_assets.defs.assets import (
    analytics,
    answers,
    mapping,
    msd,
    refresh,
    report,
    spotify,
    staging,
    warehouse,
)
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
            msd.read_msd,
            answers.spotify_answers,
            spotify.spotify_search,
            spotify.spotify_tracks,
            mapping.mapped_songs,
            mapping.artist_votes,
            spotify.spotify_artists,
            spotify.audio_features,
            *staging.gates,
            *staging.staging_tables,
            refresh.spotify_refresh,
            refresh.artist_releases,
            refresh.refreshed_slices,
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
