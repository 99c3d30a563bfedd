"""The checks of the published tables: one step and a few statements per table.

Keys, references and completeness block: a table that fails them would mislead its readers, so they keep the
copy they have. Ranges, sudden drops, odd match rates, pending songs and old values are warned of. What is
counted is in `rules`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

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

from music_assets.defs.assets.common import table_key
from music_assets.defs.checks.rules import ROWS_WARN_BELOW, Finding, Rule, blocking_rules, warnings
from music_assets.defs.resources import WarehouseResource
from music_assets.tables import LOADS, PUBLISHED
from music_assets.warehouse.errors import WarehouseError

_ROWS = "rows_are_kept"
_ABOUT_ROWS = (
    f"The table has at least {ROWS_WARN_BELOW:.0%} of the rows it had when it was filled before. Fewer: is a "
    "part of the MSD missing, or is another one in use? Look at `meta.loads`, and at the notes of the run."
)

OTHERS_LOAD = (
    "Another run has loaded since this one began: the tables differ by that until it, or the next run, has "
    "filled them"
)


def referred_to(table: Table) -> set[AssetKey]:
    """The published tables that the blocking checks of a table look into: they are filled before it."""
    return {table_key(other) for rule in blocking_rules(table) for other in rule.also}


def table_checks(table: Table, retention_days: int) -> AssetChecksDefinition:
    """All checks of one published table."""
    key, rules, warned = table_key(table), blocking_rules(table), warnings(table, retention_days)
    others = referred_to(table)
    blocking = [
        AssetCheckSpec(
            rule.name, asset=key, description=rule.description, blocking=True, additional_deps=others
        )
        for rule in rules
    ]
    about = {_ROWS: _ABOUT_ROWS, **{one.name: one.description for one in warned}}

    @multi_asset_check(
        name=f"{table.schema}_{table.name}_checks",
        specs=[
            *blocking,
            *(AssetCheckSpec(name, asset=key, description=text) for name, text in about.items()),
        ],
        can_subset=True,  # so that each can be executed by itself in the UI
    )
    def checks(
        context: AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[AssetCheckResult]:
        opened = warehouse.open()
        wanted = {check.name for check in context.selected_asset_check_keys}
        chosen = [rule for rule in rules if rule.name in wanted]
        with opened.transaction(f"checking {table.fullname}") as connection:
            others = _others_load(connection, context.instance, context.op_execution_context.run_id)
            yield from _blocking(connection, chosen, key, others)
            rows = int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        if _ROWS in wanted:
            yield _warning(_ROWS, key, _rows_kept(context.instance, key, rows))
        # Apart from what blocks: a warning that cannot be computed is no reason to keep readers waiting.
        for one in (one for one in warned if one.name in wanted):
            try:
                with opened.transaction(f"looking at {table.fullname}") as connection:
                    found = one.find(connection)
            except WarehouseError as error:
                found = Finding(False, f"could not be computed: {error}")
            yield _warning(one.name, key, found)

    return checks


def are_torn(connection: Connection, instance: DagsterInstance, run_id: str) -> bool:
    """Whether the tables do not agree with each other because another run has loaded since this one began."""
    if not _others_load(connection, instance, run_id):
        return False
    rules = [rule for table in PUBLISHED.values() for rule in blocking_rules(table) if rule.also]
    return any(connection.execute(select(*(rule.broken.scalar_subquery() for rule in rules))).one())


def _others_load(connection: Connection, instance: DagsterInstance, run_id: str) -> bool:
    """Whether another run has loaded since this one began: what it filled before and after may not agree.

    That run, or whoever fills the tables after it, checks them again.
    """
    record = instance.get_run_record_by_id(run_id)
    if record is None or record.start_time is None:
        return False
    since = datetime.fromtimestamp(record.start_time, UTC).replace(tzinfo=None)
    of_others = select(func.count()).where(LOADS.c.run_id != run_id, LOADS.c.loaded_at >= since)
    return bool(connection.execute(of_others).scalar_one())


def _blocking(
    connection: Connection, rules: list[Rule], key: AssetKey, others: bool
) -> Iterator[AssetCheckResult]:
    """These rules in one statement: each counts the rows that break it.

    A reference is warned of alone while `others` load.
    """
    if not rules:
        return
    counts = connection.execute(
        select(*(rule.broken.scalar_subquery().label(rule.name) for rule in rules))
    ).one()
    for rule, count in zip(rules, counts, strict=True):
        warned = others and bool(rule.also)
        yield AssetCheckResult(
            check_name=rule.name,
            asset_key=key,
            passed=not count,
            severity=AssetCheckSeverity.WARN if warned else AssetCheckSeverity.ERROR,
            description=OTHERS_LOAD if warned and count else None,
            metadata={"rows": int(count or 0)},
        )


def _warning(name: str, key: AssetKey, found: Finding) -> AssetCheckResult:
    return AssetCheckResult(
        check_name=name,
        asset_key=key,
        passed=found.passed,
        severity=AssetCheckSeverity.WARN,
        description=found.message,
        metadata={
            label: MetadataValue.json(value) if isinstance(value, dict) else value
            for label, value in found.metadata.items()
        },
    )


def _rows_kept(instance: DagsterInstance, key: AssetKey, rows: int) -> Finding:
    """Whether the table lost rows since it was filled before the last time."""
    before = [
        int(str(event.metadata["dagster/row_count"].value))
        for record in instance.fetch_materializations(key, limit=2).records
        if (event := record.asset_materialization) and "dagster/row_count" in event.metadata
    ][1:]
    if not before:
        return Finding(True, f"{rows:,} rows", {"rows": rows})
    message = f"{rows:,} rows, {before[0]:,} before"
    return Finding(rows >= ROWS_WARN_BELOW * before[0], message, {"rows": rows, "rows_before": before[0]})
