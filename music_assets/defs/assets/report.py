"""The report: the asset that writes `report.html`, and shows its main figures in Dagster's UI.

What is on the page is in `music_assets.report`; what the UI shows of the runs, in `since_report`.
"""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, TableRecord, asset

from music_assets.defs.assets.common import OWNERS, PUBLISHED
from music_assets.defs.assets.since_report import since_report
from music_assets.defs.resources import LedgerResource, ReportResource, WarehouseResource
from music_assets.report.directories import by_letter, read_directories

if TYPE_CHECKING:
    import pandas as pd

    from music_assets.report.page import Report

# Shown in the UI, whose history outlives a purge: counts alone, and none by Spotify's genres.
_IN_THE_UI = ("sources", "decades", "statuses", "doubts")


@asset(
    deps=["published_copy"],
    group_name=PUBLISHED,
    owners=OWNERS,
    kinds={"html"},
    description=(
        "What the last run spent and found, here as metadata, and as curves under *Plots*: requests by "
        "source, seconds, new songs, match rate, checks that failed, the MSD's directories compared. Every "
        "run that fills the tables ends here, and each report counts what came since the one before, of "
        "however many runs. Beside it one page with figures for a paper's appendix: coverage, why songs have "
        "no match, scores, popularity, audio features, artists, what is NULL, how fresh values are, terms."
    ),
)
def report(
    context: AssetExecutionContext,
    warehouse: WarehouseResource,
    report_page: ReportResource,
    ledger: LedgerResource,
) -> MaterializeResult[None]:
    from music_assets.report.page import Report  # loads Altair, which takes a second

    with warehouse.open().transaction("reporting") as connection:
        read, directories = Report.read(connection), read_directories(connection)
    path = Path(report_page.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(read.html(), encoding="utf-8")
    return MaterializeResult(
        metadata={
            **since_report(context, ledger.open(), read.statuses),
            "directories": MetadataValue.md(by_letter(directories)),
            "page": MetadataValue.path(str(path)),
            "figures": MetadataValue.md(_pictures(read)),
            **{name: _table(read.frame(name)) for name in _IN_THE_UI},
            **{f"songs_{status}": count for status, count in read.statuses.items()},
        }
    )


def _pictures(read: "Report") -> str:
    """The figures as pictures in Markdown, in the page's colours on white."""
    from music_assets.report.charts import standalone

    shown = [one for one in read.figures() if one.figure.name in _IN_THE_UI and one.svg]
    return "\n\n".join(
        f"**{one.figure.title}**\n\n![{one.figure.title}](data:image/svg+xml;base64,"
        f"{base64.b64encode(standalone(one.svg).encode()).decode()})"
        for one in shown
    )


def _table(frame: "pd.DataFrame") -> Any:
    plain = frame.astype(object).where(frame.notna(), None)
    records = [TableRecord({str(name): one for name, one in row.items()}) for row in plain.to_dict("records")]
    return MetadataValue.table(records) if records else MetadataValue.text("No songs.")
