"""What a table is declared with: columns, their types, and the tables' place on Redshift.

Here: the builders that the modules beside this one use, one line per column. The tables themselves are in
those modules, one per schema; how they are created, loaded and filled is in `music_assets.warehouse`.
"""

from __future__ import annotations

import json as json_
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

METADATA = MetaData()

# Whose terms a column's values are under. `CC0` is the MetaBrainz Foundation's: free for any use.
MSD, SPOTIFY, OURS, CC0 = "MSD", "Spotify", "Music Assets", "open"

# Of the values of `source`: rows that are invented, and those a person has set, which stand beside any.
SANDBOX, BY_HAND = "sandbox", "overrides"

# When a column is NULL that does not say so itself: in the MSD's files it depends on the type.
_MSD_NULL = {
    String: "the field is empty in the file",
    Double: "the file has NaN",
    BigInteger: "the file has -1",
}


class Super(TypeDecorator[Any]):
    """A list or a map: `SUPER` on Redshift, `JSON` on DuckDB."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "redshift":
            from sqlalchemy_redshift.dialect import SUPER

            return dialect.type_descriptor(SUPER())
        return dialect.type_descriptor(JSON())

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Redshift's driver gives a list or a map as its JSON text."""
        return json_.loads(value) if dialect.name == "redshift" and isinstance(value, str) else value


@dataclass(frozen=True)
class Field:
    """One column, before it belongs to a table: tables share fields, SQLAlchemy's columns cannot be shared.

    `source` says whose terms apply, `low` and `high` the range of the values in `unit`, `null` when the value
    is NULL. A text that is too long is cut where `truncate` allows it; elsewhere its row is left out.

    `key` marks the columns that identify a row. They are not a PRIMARY KEY: Redshift's planner believes one
    without enforcing it, and DuckDB's index refuses to delete and insert the same key in one transaction.
    Staged files are validated for it, published tables have an asset check.
    """

    type: TypeEngine[Any]
    name: str
    comment: str
    source: str
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    key: bool = False
    nullable: bool | None = None
    null: str | None = None
    truncate: bool = False

    def column(self) -> Column[Any]:
        """The column, for one table."""
        nullable = not self.key if self.nullable is None else self.nullable
        info = {
            "source": self.source,
            "unit": self.unit,
            "low": self.low,
            "high": self.high,
            "key": self.key,
            "null": (self.null or self._usual_null()) if nullable else "never",
            "truncate": self.truncate,
        }
        cut = " Longer ones are cut." if self.truncate else ""
        unit = f" In {self.unit}." if self.unit else ""
        comment = f"{self.comment}{unit}{cut}"
        return Column(self.name, self.type, comment=comment, info=info, nullable=nullable)

    def _usual_null(self) -> str:
        if self.source == MSD:
            return _MSD_NULL.get(type(self.type), "never")
        return "Spotify does not give it" if self.source == SPOTIFY else "never"


# The builders: `real("tempo", "Estimated tempo.", MSD, unit="BPM", low=0)`.
msd_id = partial(Field, String(18))  # TR…, SO…, AR…
spotify_id = partial(Field, String(22))  # base 62
mbid = partial(Field, String(36))  # a UUID in lower case
name = partial(Field, String(4 * 1024))  # the MSD has up to 1,024 bytes, Spotify longer ones
integer = partial(Field, Integer())
bigint = partial(Field, BigInteger())
real = partial(Field, Double())
flag = partial(Field, Boolean())
day = partial(Field, Date())
timestamp = partial(Field, DateTime())  # UTC, without a zone
json = partial(Field, Super())


def text(width: int, name: str, comment: str, source: str, **options: Any) -> Field:
    """A text of up to `width` bytes of UTF-8."""
    return Field(String(width), name, comment, source, **options)


def null_when(reason: str, *fields: Field) -> tuple[Field, ...]:
    """The fields, NULL for this reason unless they name another."""
    return tuple(field if field.null else replace(field, null=reason) for field in fields)


SOURCE = text(
    32,
    "source",
    "Where the values come from: `api`, `sandbox` (invented), `overrides` (set by hand), or another "
    "provider's name.",
    OURS,
)
FETCHED_AT = timestamp("fetched_at", "When the response came in (UTC).", OURS)

_SLICE = text(32, "slice", "The partition, or the refresh, the row came in with.", OURS, nullable=False)


def table(full_name: str, comment: str, fields: Iterable[Field], *, dist: str | None, sort: str) -> Table:
    """One table; `dist` and `sort` are Redshift's keys (DuckDB has no use for them).

    `dist` decides which node stores a row. It is the id a table is joined by: `track_id` for all tables about
    MSD tracks, so that songs, candidates and the wide table join without sending rows between nodes; the
    artist's or the Spotify id elsewhere. Ids are hashes, so every node gets its share. None is for the few
    rows of `meta`, which every node has a copy of.

    `sort` is the order of rows on disk. In published tables it is the same id, which makes these joins merge
    joins and the rows of one id a single block; in `staging` it is `slice`, by which rows are deleted and
    counted; in a history it is the day. Lists (SUPER) can be neither. Encodings are Redshift's own choice.
    """
    schema, _, short = full_name.partition(".")
    layout: dict[str, Any] = {"redshift_diststyle": "ALL"} if dist is None else {"redshift_distkey": dist}
    columns = [field.column() for field in fields]
    return Table(short, METADATA, *columns, schema=schema, comment=comment, redshift_sortkey=sort, **layout)


def staged(kind: str, comment: str, fields: Sequence[Field]) -> Table:
    """The staging table of one staged kind, distributed by its first column; rows are found by `slice`."""
    return table(f"staging.{kind}", comment, (_SLICE, *fields), dist=fields[0].name, sort="slice")


def published(
    full_name: str, comment: str, fields: Sequence[Field], *, dist: str | None = None, sort: str | None = None
) -> Table:
    """A table for readers, `<schema>.<table>`, distributed and sorted by its first column unless named."""
    first = fields[0].name
    return table(full_name, comment, fields, dist=dist or first, sort=sort or first)
