"""The report: one page that shows how the match went, for people who would rather look.

Counts and rates alone: no Spotify value is shown one by one, so nothing has to be purged here.
"""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, asset
from sqlalchemy import Connection, Select, func, select

from music_assets.defs.assets.common import OWNERS, PUBLISHED
from music_assets.defs.resources import ReportResource, WarehouseResource
from music_assets.tables import PUBLISHED as TABLES

_SONGS = TABLES["analytics.songs"]
_MATCHED = func.count(_SONGS.c.spotify_track_id).label("matched")
_ALL = func.count().label("songs")
# Of labelled pairs with such a score, how many are the same recording, and how many there are: with lengths
# and where the source gives none, by `python -m benchmarks.matching` (docs/matching.md).
_RELIABILITY = [
    ("below 0.05", 10, 2281),
    ("0.30 to 0.50", 4, 12),
    ("0.50 to 0.70", 9, 22),
    ("0.70 to 0.80", 5, 5),
    ("0.80 to 0.90", 18, 19),
    ("0.90 to 0.96", 63, 64),
    ("above 0.96", 1166, 1166),
]
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}svg{display:block;width:100%}"
    "text{font:13px system-ui,sans-serif;fill:#222}.note{background:#fff3cd;padding:.6rem 1rem}"
)


@asset(
    deps=["published_copy"],
    group_name=PUBLISHED,
    owners=OWNERS,
    kinds={"html"},
    description=(
        "One page with how the match went: by status, by decade, by partition. Its counts are this asset's "
        "metadata too."
    ),
)
def report(
    context: AssetExecutionContext, warehouse: WarehouseResource, report_page: ReportResource
) -> MaterializeResult[None]:
    with warehouse.open().transaction("reporting") as connection:
        statuses = _rows(connection, select(_SONGS.c.match_status, _ALL).group_by(_SONGS.c.match_status))
        decade = (_SONGS.c.year - _SONGS.c.year % 10).label("decade")
        decades = _rows(
            connection, select(decade, _MATCHED, _ALL).where(decade.is_not(None)).group_by("decade")
        )
        letters = func.substring(_SONGS.c.track_id, 3, 2).label("partition")
        partitions = _rows(connection, select(letters, _MATCHED, _ALL).group_by("partition"))
        sources = [row[0] for row in _rows(connection, select(_SONGS.c.source).distinct()) if row[0]]
    path = Path(report_page.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_page(statuses, decades, partitions, sandbox="sandbox" in sources), encoding="utf-8")
    return MaterializeResult(
        metadata={
            "page": MetadataValue.path(str(path)),
            **{f"songs_{status}": int(count) for status, count in statuses},
        }
    )


def _rows(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in connection.execute(query)), key=lambda row: str(row[0]))


def _page(
    statuses: list[tuple[Any, ...]],
    decades: list[tuple[Any, ...]],
    partitions: list[tuple[Any, ...]],
    *,
    sandbox: bool,
) -> str:
    songs = sum(count for _, count in statuses)
    matched = sum(count for status, count in statuses if status == "matched")
    note = (
        '<p class="note">Sandbox: the Spotify side is invented, to try the project without an account.</p>'
        if sandbox
        else ""
    )
    by_status = [(status, count, songs) for status, count in sorted(statuses, key=lambda row: -row[1])]
    share = f"{matched / songs:.1%}" if songs else "none"
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Music Assets</title>'
        f"<style>{_STYLE}</style>"
        f"<h1>Music Assets: {songs:,} MSD songs, {share} matched</h1>{note}<p>Made {made}.</p>"
        f"<h2>By status</h2>{_bars(by_status)}"
        f"<h2>Matched, by decade of the MSD's year</h2>"
        f"{_bars([(f'{int(decade)}s', matched, songs) for decade, matched, songs in decades])}"
        f"<h2>Matched, by partition</h2>{_bars(partitions)}"
        "<h2>What a score means: labelled pairs that are the same recording, by score</h2>"
        f"{_bars(_RELIABILITY)}</html>\n"
    )


def _bars(rows: list[tuple[Any, ...]]) -> str:
    """A bar a row `(name, part, whole)`: the share that the part has of the whole."""
    lines = []
    for place, (name, part, whole) in enumerate(rows):
        y = 24 * place
        width = 400 * part / whole if whole else 0
        lines.append(
            f'<text x="110" y="{y + 16}" text-anchor="end">{escape(str(name))}</text>'
            f'<rect x="120" y="{y + 3}" width="400" height="17" fill="#eee"/>'
            f'<rect x="120" y="{y + 3}" width="{width:.1f}" height="17" fill="#4c72b0"/>'
            f'<text x="530" y="{y + 16}">{part:,} of {whole:,}</text>'
        )
    return f'<svg viewBox="0 0 680 {24 * len(rows) + 4}" role="img">{"".join(lines)}</svg>'
