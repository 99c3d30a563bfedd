"""The assets of published tables: where each column comes from."""

import pytest
from dagster import AssetKey
from dagster._core.execution.api import create_execution_plan

from music_assets.definitions import build_defs
from music_assets.defs.assets.common import table_key
from music_assets.defs.assets.tables import column_lineage
from music_assets.tables import METADATA, PUBLISHED

# Counted, or a constant.
WITHOUT_SOURCE = {("msd.artists", "songs"), ("spotify.popularity_history", "entity")}


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_column_comes_from_columns_of_the_tables_above(name: str) -> None:
    above = build_defs().resolve_asset_graph().get(table_key(PUBLISHED[name])).parent_keys
    lineage = column_lineage(name).deps_by_column
    assert list(lineage) == [column.name for column in PUBLISHED[name].columns]
    for column, sources in lineage.items():
        assert bool(sources) == ((name, column) not in WITHOUT_SOURCE), column
        for source in sources:
            assert source.asset_key in above
            assert source.column_name in METADATA.tables[".".join(source.asset_key.path[1:])].columns


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_run_fills_a_table_after_all_that_it_depends_on(name: str) -> None:
    """Else those below would seem to have changed since, and it out of date, after every run."""
    defs = build_defs()
    plan = create_execution_plan(defs.resolve_job_def("tables"))
    published = {table_key(table) for table in PUBLISHED.values()}
    key = table_key(PUBLISHED[name])
    before, todo = set[str](), {key.to_python_identifier()}
    while todo:
        todo = {step for one in todo for step in plan.get_step_by_key(one).get_execution_dependency_keys()}
        before |= todo
    above = defs.resolve_asset_graph().get(key).parent_keys & published
    assert {one.to_python_identifier() for one in above} <= before


def test_what_decides_a_value_is_among_its_sources() -> None:
    sources = column_lineage("analytics.songs").deps_by_column["match_probability"]
    match = AssetKey(["warehouse", "mapped", "songs"])
    assert {(one.asset_key, one.column_name) for one in sources} == {(match, "accepted"), (match, "score")}
