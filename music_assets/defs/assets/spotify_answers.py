"""Resolving songs in order of priority, across all partitions: the asset that spends a scarce budget.

A partition's own results are staged by `spotify_search`, in `spotify`, which finds the songs resolved here in
the ledger. Which source is searched next is decided in `music_assets.resolution`.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, asset

from music_assets.defs.assets.common import OWNERS, SPOTIFY, SPOTIFY_REQUESTS, listed
from music_assets.defs.assets.spotify import VERSION, add_to_backlog
from music_assets.defs.partitions import KEYS
from music_assets.defs.resources import StagingResource
from music_assets.defs.source_resources import ResolutionResource
from music_assets.progress import advanced
from music_assets.resolution import ResolutionOutcome
from music_assets.resolution.plan import plan_of_backlog
from music_assets.staging.partitions import read_rows
from music_assets.staging.store import StagingStore

NAME = "spotify_answers"
_JOB = "ask_first"  # the job of this asset alone, which the sensors start (`automation.jobs`)
_STATE = ".state.json"
_POINTS = 20  # of the curve in the metadata


@asset(
    name=NAME,
    group_name=SPOTIFY,
    owners=OWNERS,
    kinds={"spotify"},
    tags={"terms": "spotify"},
    pool=SPOTIFY_REQUESTS,
    code_version=VERSION,
    deps=["msd_songs", "musicbrainz_recordings"],
    description=(
        "Looks up the songs of all extracted partitions in order of priority (a list of tracks, then "
        "`song_hotttnesss`): in the sources without a key, then by searches of Spotify for what is left, as "
        "far as the budget goes; one album may resolve many songs. The results are in the ledger, where "
        "`spotify_search` finds them. Materializing again goes on where this ended."
    ),
)
def spotify_answers(
    context: AssetExecutionContext, resolution: ResolutionResource, staging: StagingResource
) -> MaterializeResult[Any]:
    store = staging.store()
    files = [file for file in store.staged_files("msd_songs", KEYS) if file is not None]
    for number, file in enumerate(files, start=1):
        add_to_backlog(resolution, file, partial(read_rows, store, file))
        advanced("songs to resolve", file.partition_key, number, len(files), file.rows)

    # Shown while the run works: what it is about to spend.
    context.add_asset_metadata({"plan": MetadataValue.md(plan_of(resolution))}, asset_key=NAME)
    shown = 0

    def progress(done: int, of: int) -> None:
        nonlocal shown
        advanced("songs resolved", "", done, of, done - shown)
        shown = done

    before = resolution.sources.request_counts()
    outcome = resolution.resolver(progress).resolve()
    # A run of its own fails while Spotify is down, so that it is reported and repeated ever later. Where it
    # is part of a run, as of a command's, the rest goes on.
    if (outage := resolution.spotify.catalog().outage) and context.run.job_name == _JOB:
        raise outage
    write_state(store, {file.partition_key: file.checksum for file in files}, outcome)
    spent = resolution.sources.requests_since(before)
    return MaterializeResult(metadata={**_metadata(outcome, resolution), **spent})


def plan_of(resolution: ResolutionResource) -> str:
    """What it takes to resolve the songs that are open now, in Markdown."""
    spotify = resolution.spotify
    spent = spotify.ledger.open().request_counts()
    return plan_of_backlog(resolution.backlog(), spent, per_day=spotify.requests_per_day).as_markdown()


def write_state(store: StagingStore, checksums: dict[str, str], outcome: ResolutionOutcome) -> None:
    """Store, for the sensors, which songs were seen, when each partition got results, and when to go on."""
    before = read_state(store)["partitions"]
    now = datetime.now(UTC).isoformat()
    partitions = {
        key: {
            "checksum": checksum,
            "at": now if key in outcome.partitions else before.get(key, {}).get("at", now),
        }
        for key, checksum in checksums.items()
    }
    until = outcome.out_of_budget.until.isoformat() if outcome.out_of_budget else None
    store.write_json(NAME, "all", _STATE, {"partitions": partitions, "go_on_at": until, "asked_at": now})


def read_state(store: StagingStore) -> dict[str, Any]:
    """What `write_state` stored last; without partitions if it never did."""
    return store.read_json(NAME, "all", _STATE) or {"partitions": {}, "go_on_at": None, "asked_at": None}


def _metadata(outcome: ResolutionOutcome, resolution: ResolutionResource) -> dict[str, Any]:
    count = resolution.backlog().count()
    over = outcome.out_of_budget
    catalog = resolution.spotify.catalog()
    requests = sum(outcome.requests.values())
    resolved = sum(outcome.resolved.values())
    left = catalog.budget.left("search")
    return {
        "resolved": resolved,
        **{f"resolved_by_{how}": number for how, number in outcome.resolved.items()},
        "requests_spent": requests,
        "requests_saved": resolved - outcome.resolved["search"],
        **{f"requests_for_{kind}": number for kind, number in outcome.requests.items()},
        "requests_per_song": round(requests / resolved, 3) if resolved else 0.0,
        "pending": count["open"],
        "failed": count["failed"],
        "partitions_answered": len(outcome.partitions),
        "responses": dict(sorted(catalog.response_counts.items())),
        "access": catalog.mode or "not known yet",
        "searches_left": "no limit of ours" if left is None else left,
        "go_on_at": over.until.isoformat(timespec="seconds") if over else "",
        "unreached": len(outcome.unreached),
        "reasons": listed([*map(str, outcome.closed.values()), *sorted({*outcome.unreached.values()})]),
        "curve": MetadataValue.md(curve(outcome.curve)),
    }


def curve(points: list[tuple[int, int]]) -> str:
    """Requests spent and songs resolved as a Markdown table with bars: what each request brings."""
    if not points:
        return "No request was spent."
    step = max(1, -(-len(points) // _POINTS))
    shown = [*points[step - 1 :: step]]
    if shown[-1] != points[-1]:
        shown.append(points[-1])
    most = max(points[-1][1], 1)
    rows = [f"| {spent:,} | {done:,} | {'█' * round(20 * done / most)} |" for spent, done in shown]
    return "\n".join(["| requests | songs resolved | |", "| ---: | ---: | :--- |", *rows])
