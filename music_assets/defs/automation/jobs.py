"""The jobs, cut by what each needs.

`extract` needs the MSD and the dumps, `ask_first`, `ask` and `refresh` are those that spend requests,
`match_and_load` spends none and can run in parallel, `tables` is unpartitioned and runs once after them.
`music_etl` is all of them. How many run at once is said in `dagster.yaml` (`instance` writes it), by the
pools of their assets.
"""

from dagster import AssetKey, AssetSelection, define_asset_job
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from music_assets.defs.assets.common import REFRESH
from music_assets.defs.assets.staging import NAME as STAGED_JSON
from music_assets.defs.registry import COMPUTED, READING, SPENDING
from music_assets.settings import Settings
from music_assets.tables import PUBLISHED, STAGED

_from_dumps = AssetSelection.assets("companion_songs", "musicbrainz_recordings", "acousticbrainz_features")
extracted = AssetSelection.assets(*READING.outputs) | _from_dumps
_matched = AssetSelection.assets(*(kind for stage in COMPUTED for kind in stage.outputs))
_asked = _matched | AssetSelection.assets(*(kind for stage in SPENDING for kind in stage.outputs))
_staged = AssetSelection.assets(STAGED_JSON, *(AssetKey(["warehouse", "staging", kind]) for kind in STAGED))

# All that is made a partition at a time, what is made once a day, and once of all partitions.
partitioned = extracted | AssetSelection.assets(*STAGED) | _staged
asked_first = AssetSelection.assets("spotify_answers")
refreshed = AssetSelection.groups(REFRESH)
unpartitioned = AssetSelection.assets(
    *(AssetKey(["warehouse", *name.split(".")]) for name in PUBLISHED), "published_copy", "report"
)


def build_jobs(settings: Settings) -> list[UnresolvedAssetJobDefinition]:
    """The jobs, with the settings' tags for where they run; none on a laptop."""
    placed = settings.aws.job_tags
    return [
        define_asset_job(
            "extract",
            selection=extracted,
            tags=placed.get("extract"),
            description=(
                "Read the MSD files of a partition, link its songs by the open dumps. Runs in parallel."
            ),
        ),
        define_asset_job(
            "ask_first",
            selection=asked_first,
            tags=placed.get("ask"),
            description=(
                "Search Spotify for the songs of all partitions by priority, as far as the budget goes. What "
                "it finds is in the ledger; `ask` stages it."
            ),
        ),
        define_asset_job(
            "ask",
            selection=_asked,
            tags=placed.get("ask"),
            description="Stage what is known of a partition's songs, and search Spotify for the rest.",
        ),
        define_asset_job(
            "match_and_load",
            selection=_matched | _staged,
            tags=placed.get("match_and_load"),
            description="Match, validate and load what was extracted and found. No requests; in parallel.",
        ),
        define_asset_job(
            "refresh",
            selection=refreshed,
            tags=placed.get("refresh", placed.get("ask")),
            description=(
                "Request the matched tracks and artists again that were not requested for longest, and new "
                "releases, with a share of the requests. Once a day; what it loads, `tables` publishes."
            ),
        ),
        define_asset_job(
            "tables",
            selection=unpartitioned,
            tags=placed.get("tables"),
            description="Fill the published tables, check them and give readers their copy.",
        ),
        define_asset_job(
            "music_etl",
            selection=partitioned | asked_first | unpartitioned,
            tags=placed.get("music_etl"),
            description="Everything but the refresh, from MSD files to the tables that people query.",
        ),
    ]
