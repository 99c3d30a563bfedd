"""What must be true of the published tables, from their declarations: one step and a few statements a table.

Keys, references and completeness block: a table that fails them would mislead its readers, so they keep the
copy they have. Ranges, sudden drops, odd match rates, pending songs and old values are warned of. What a rule
counts is in `rules`.
"""

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    DagsterInstance,
    MetadataValue,
    multi_asset_check,
)
from sqlalchemy import Connection, Table, func, select

from music_assets.defs.assets.warehouse import table_key
from music_assets.defs.checks.rules import (
    PENDING_WARNS_ABOVE,
    ROWS_WARN_BELOW,
    Rule,
    blocking_rules,
    odd_partitions,
    old_rows,
    out_of_range,
    pending_share,
)
from music_assets.defs.resources import WarehouseResource
from music_assets.tables import PUBLISHED

_SONGS = PUBLISHED["analytics.songs"]


def table_checks(table: Table, retention_days: int) -> AssetChecksDefinition:
    """All checks of one published table."""
    key, rules = table_key(table), blocking_rules(table)
    warnings = _warnings(table, retention_days)
    others = {table_key(other) for rule in rules for other in rule.also}

    @multi_asset_check(
        name=f"{table.schema}_{table.name}_checks",
        specs=[
            *(
                AssetCheckSpec(
                    rule.name, asset=key, description=rule.description, blocking=True, additional_deps=others
                )
                for rule in rules
            ),
            *(AssetCheckSpec(name, asset=key, description=about) for name, about in warnings.items()),
        ],
    )
    def checks(
        context: AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[AssetCheckResult]:
        with warehouse.open().transaction(f"checking {table.fullname}") as connection:
            found = list(_blocking(connection, rules, key))
            rows = int(connection.execute(select(func.count()).select_from(table)).scalar_one())
            found += list(_warned(connection, table, warnings, retention_days, key))
        yield from found
        yield _kept(context.instance, key, rows)

    return checks


def _warnings(table: Table, retention_days: int) -> dict[str, str]:
    """Name and description of the checks that only warn of this table."""
    found = {
        "rows_are_kept": (
            f"The table has at least {ROWS_WARN_BELOW:.0%} of the rows it had when it was filled before. "
            "Fewer: is a part of the MSD missing, or is another one in use? Look at `meta.loads`, and at "
            "the notes of the run."
        )
    }
    if out_of_range(table):
        found["values_are_in_range"] = (
            "Every value lies in the range its column declares (docs/data_dictionary.md). Outliers are "
            "published as they came: look at some of them, and either leave them out of a study or widen "
            "the range."
        )
    if table is _SONGS:
        found["match_rates_are_alike"] = (
            "No partition's match rate is far from that of all: the letters mean nothing musically, so "
            "that one which differs was asked about, read or matched differently. Materialise it again "
            "from `msd_songs` on."
        )
        found["few_songs_are_pending"] = (
            f"At most {PENDING_WARNS_ABOVE:.0%} of the songs have not been asked about yet. Nothing is "
            "wrong where more are: run `ask` whenever the request budget is back, or switch `keep_going` "
            "on, which does."
        )
    if old_rows(table, retention_days) is not None:
        found["values_are_fresh"] = (
            f"No value of Spotify's is older than {retention_days} days (MUSIC_ASSETS_RETENTION_DAYS). "
            "Refresh what is older, or leave it out: Spotify's terms do not let one keep it for ever."
        )
    return found


def _blocking(connection: Connection, rules: list[Rule], key: AssetKey) -> Iterator[AssetCheckResult]:
    """Every rule in one statement: each counts the rows that break it."""
    counts = connection.execute(
        select(*(rule.broken.scalar_subquery().label(rule.name) for rule in rules))
    ).one()
    for rule, count in zip(rules, counts, strict=True):
        yield AssetCheckResult(
            check_name=rule.name,
            asset_key=key,
            passed=int(count or 0) == 0,
            severity=AssetCheckSeverity.ERROR,
            metadata={"rows": int(count or 0)},
        )


def _warned(
    connection: Connection, table: Table, names: dict[str, str], retention_days: int, key: AssetKey
) -> Iterator[AssetCheckResult]:
    def warning(name: str, passed: bool, said: str, **metadata: Any) -> AssetCheckResult:
        return AssetCheckResult(
            check_name=name,
            asset_key=key,
            passed=passed,
            severity=AssetCheckSeverity.WARN,
            description=said,
            metadata=metadata,
        )

    if "values_are_in_range" in names:
        counts = connection.execute(select(*out_of_range(table))).mappings().one()
        wrong = {name: int(count) for name, count in counts.items() if count}
        said = ", ".join(f"{name} in {count:,} rows" for name, count in wrong.items())
        yield warning("values_are_in_range", not wrong, said or "all are", columns=MetadataValue.json(wrong))
    if "match_rates_are_alike" in names:
        odd, rate = odd_partitions(connection)
        said = ", ".join(f"{name} {share:.1%}" for name, share in odd.items())
        yield warning(
            "match_rates_are_alike",
            not odd,
            f"of all {rate:.1%}" + (f", of {said}" if odd else ""),
            rate=round(rate, 4),
            odd=MetadataValue.json({name: round(share, 4) for name, share in odd.items()}),
        )
        pending, songs = pending_share(connection)
        share = pending / max(songs, 1)
        yield warning(
            "few_songs_are_pending",
            share <= PENDING_WARNS_ABOVE,
            f"{pending:,} of {songs:,} songs are pending",
            pending=pending,
            share=round(share, 4),
        )
    query = old_rows(table, retention_days)
    if query is not None:
        old = int(connection.execute(query).scalar_one())
        yield warning("values_are_fresh", old == 0, f"{old:,} rows are older", rows=old)


def _kept(instance: DagsterInstance, key: AssetKey, rows: int) -> AssetCheckResult:
    """Whether the table lost rows since it was filled before the last time."""
    before = [
        int(str(made.metadata["dagster/row_count"].value))
        for record in instance.fetch_materializations(key, limit=2).records
        if (made := record.asset_materialization) and "dagster/row_count" in made.metadata
    ][1:]
    return AssetCheckResult(
        check_name="rows_are_kept",
        asset_key=key,
        passed=not before or rows >= ROWS_WARN_BELOW * before[0],
        severity=AssetCheckSeverity.WARN,
        description=f"{rows:,} rows" + (f", {before[0]:,} before" if before else ""),
        metadata={"rows": rows, **({"rows_before": before[0]} if before else {})},
    )
