"""Put the report together: what is counted, and the one file it goes into (`page.html`, a Jinja template).

Which figures there are is in `figures`, how they are drawn in `charts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from numbers import Integral
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection, func, select

from music_assets.export.references import as_text, references
from music_assets.report.charts import svg
from music_assets.report.figures import FIGURES, Figure, rows, spearman, sql
from music_assets.tables import PUBLISHED
from music_assets.tables.terms import TERMS


@dataclass(frozen=True)
class Shown:
    """A figure with the rows it shows."""

    figure: Figure
    number: int
    frame: pd.DataFrame
    correlation: str | None = None

    @cached_property
    def svg(self) -> str:
        """The drawing; empty where there is nothing to draw."""
        return svg(self.figure.draw(self.frame)) if len(self.frame) else ""

    @property
    def query(self) -> str:
        """The query the rows come from; empty where they come from none."""
        return sql(self.figure.name) if self.figure.has_query else ""

    @property
    def correlation_query(self) -> str:
        """The query that Spearman's ρ in the caption comes from; empty where there is none."""
        return sql("correlations") if self.correlation else ""


@dataclass(frozen=True)
class Report:
    """All that the page says, read from the published tables."""

    sections: dict[str, list[Shown]]
    missing: dict[str, pd.DataFrame]  # by whose terms: columns of analytics.songs that are NULL somewhere
    freshness: pd.DataFrame
    matchers: pd.DataFrame
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def read(cls, connection: Connection) -> Report:
        """Run every query."""
        known = {row.pair: row for row in rows(connection, "correlations").itertuples()}
        sections: dict[str, list[Shown]] = {}
        number = 0
        for title, figures in FIGURES.items():
            for figure in figures:
                number += 1
                frame = rows(connection, figure.name) if figure.has_query else pd.DataFrame()
                words = _correlation(known.get(figure.correlation))
                shown = Shown(figure, number, figure.shown(frame), words)
                sections.setdefault(title, []).append(shown)
        return cls(sections, missing(connection), rows(connection, "freshness"), rows(connection, "versions"))

    def figures(self) -> Iterator[Shown]:
        """All figures, in order."""
        for shown in self.sections.values():
            yield from shown

    def frame(self, name: str) -> pd.DataFrame:
        """What the figure `name` shows."""
        return next(one.frame for one in self.figures() if one.figure.name == name)

    @property
    def statuses(self) -> dict[str, int]:
        """How many songs have each status."""
        frame = self.frame("statuses")
        return {
            str(status): int(songs) for status, songs in zip(frame["status"], frame["songs"], strict=True)
        }

    def html(self) -> str:
        """The page; whatever is text in the tables is escaped."""
        songs = sum(self.statuses.values())
        owners = list(dict.fromkeys(terms for one in self.figures() for terms in one.figure.terms))
        used = {terms for one in self.figures() if one.svg for terms in one.figure.terms}
        page: str = _template().render(
            report=self,
            songs=songs,
            matched=f"{self.statuses.get('matched', 0) / songs:.1%}" if songs else "none",
            sandbox="sandbox" in set(self.freshness["source"]),
            version=version("music-assets"),
            terms=TERMS,
            owners=owners,
            restricted={name for name, terms in TERMS.items() if not terms.free},
            references=[as_text(one) for one in references(used)],
        )
        return page


def missing(connection: Connection) -> dict[str, pd.DataFrame]:
    """The columns of `analytics.songs` that are NULL somewhere: in how many rows, and why; by their terms."""
    table = PUBLISHED["analytics.songs"]
    counts = select(func.count(), *(func.count(column) for column in table.c))
    songs, *filled = connection.execute(counts).one()
    found: dict[str, list[dict[str, Any]]] = {}
    for column, count in zip(table.c, filled, strict=True):
        if count < songs:
            row = {"column": column.name, "NULL": songs - count, "songs": songs, "why": column.info["null"]}
            found.setdefault(column.info["source"], []).append(row)
    return {terms: pd.DataFrame(columns) for terms, columns in found.items()}


def _correlation(row: Any) -> str | None:
    if row is None or pd.isna(row.rho):
        return None
    interval = spearman(float(row.rho), int(row.songs))
    words = f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else ""
    return f"Spearman's ρ = {row.rho:.2f}{words}, {row.songs:,} songs."


def _value(value: Any) -> str:
    """A value of a table, in words."""
    if pd.isna(value):
        return "NULL"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, Integral) else str(value)


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("music_assets.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["value"] = _value
    return environment.get_template("page.html")
