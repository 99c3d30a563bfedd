"""What is run next: every case from facts alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from music_assets.defs.automation.steps import Facts, Request, plan_runs
from music_assets.defs.partitions import KEYS, PARTITIONS_A_RUN

NONE: frozenset[str] = frozenset()


def runs(facts: Facts) -> list[tuple[str, tuple[str, str] | None]]:
    return [(request.job, request.partitions) for request in plan_runs(facts)]


def test_nothing_is_run_where_nothing_is_to_be_done() -> None:
    assert plan_runs(Facts()) == []


def test_changed_directories_are_extracted_in_ranges_of_neighbours() -> None:
    changed = dict.fromkeys(["AA", "AB", "AD", "ZZ"], "x")
    assert runs(Facts(extract=changed)) == [
        ("extract", ("AA", "AB")),
        ("extract", ("AD", "AD")),
        ("extract", ("ZZ", "ZZ")),
    ]


def test_a_range_is_no_larger_than_a_run() -> None:
    requests = plan_runs(Facts(extract=dict.fromkeys(KEYS, "x")))
    assert len(requests) == -(-len(KEYS) // PARTITIONS_A_RUN)


def test_all_else_waits_for_songs_that_are_being_extracted() -> None:
    going = {"extract": frozenset({"AA"})}
    assert plan_runs(Facts(search={"AB": "x"}, load={"AB": "x"}, tables="x", in_progress=going)) == []


def test_what_is_in_hand_is_not_asked_for_again() -> None:
    going = {"extract": frozenset({"AA", "AB"})}
    assert runs(Facts(extract=dict.fromkeys(["AA", "AB", "AC"], "x"), in_progress=going)) == [
        ("extract", ("AC", "AC"))
    ]


def test_answers_come_before_loading_and_loading_before_the_tables() -> None:
    facts = Facts(search={"AA": "x"}, load={"AA": "x", "AB": "x"}, tables="x")
    assert runs(facts) == [("ask", ("AA", "AA")), ("match_and_load", ("AB", "AB"))]
    assert runs(Facts(load={"AA": "x"}, tables="x")) == [("match_and_load", ("AA", "AA"))]
    assert runs(Facts(tables="x")) == [("tables", None)]


def test_only_one_asks() -> None:
    for job in ("ask", "ask_first"):
        assert (
            runs(Facts(priority_search="x", search={"AB": "x"}, in_progress={job: frozenset({"AA"})})) == []
        )


def test_what_is_wanted_most_is_asked_before_a_partition_has_its_turn() -> None:
    facts = Facts(priority_search="x", search={"AB": "x"}, load={"AC": "x"}, tables="x")
    assert runs(facts) == [("ask_first", None), ("match_and_load", ("AC", "AC"))]
    assert runs(Facts(priority_search="x", tables="x")) == [("ask_first", None)]
    fresh = Facts(priority_search="x", unsearched=frozenset({"AA"}), load={"AA": "x"})
    assert runs(fresh) == [("ask_first", None)]
    assert runs(Facts(priority_search="x", tables="x", near_deadline=True)) == [
        ("ask_first", None),
        ("tables", None),
    ]


def test_a_refresh_waits_until_all_is_asked_and_loaded_and_the_tables_wait_for_it() -> None:
    refresh = [("refresh", None)]
    assert runs(Facts(refresh="x", tables="x")) == refresh
    assert runs(Facts(refresh="x", load={"AA": "x"})) == [("match_and_load", ("AA", "AA"))]
    assert runs(Facts(refresh="x", priority_search="x")) == [("ask_first", None)]
    assert runs(Facts(refresh="x", in_progress={"ask": frozenset({"AA"})})) == []
    assert runs(Facts(tables="x", in_progress={"refresh": frozenset(KEYS)})) == []


def test_a_refresh_with_a_share_of_its_own_comes_before_asking_takes_the_rest() -> None:
    facts = Facts(
        refresh="x",
        refresh_has_own_budget=True,
        priority_search="x",
        search={"AA": "x"},
        load={"AB": "x"},
        tables="x",
    )
    assert runs(facts) == [("refresh", None)]
    assert runs(Facts(refresh="x", refresh_has_own_budget=True, extract={"AA": "x"})) == [
        ("extract", ("AA", "AA"))
    ]
    assert (
        runs(Facts(refresh="x", refresh_has_own_budget=True, in_progress={"ask_first": frozenset(KEYS)}))
        == []
    )


def test_a_refresh_does_not_delay_tables_that_are_due() -> None:
    for share in (False, True):
        assert runs(Facts(refresh="x", refresh_has_own_budget=share, tables="x", near_deadline=True)) == [
            ("tables", None)
        ]


def test_tables_wait_for_answers_unless_in_a_hurry() -> None:
    asking = {"ask": frozenset({"AA"})}
    assert runs(Facts(tables="x", in_progress=asking)) == []
    assert runs(Facts(tables="x", in_progress=asking, near_deadline=True)) == [("tables", None)]
    assert runs(Facts(search={"AA": "x"}, tables="x", near_deadline=True)) == [
        ("ask", ("AA", "AA")),
        ("tables", None),
    ]


def test_in_a_hurry_what_is_there_is_loaded_before_its_answers() -> None:
    facts = Facts(search={"AA": "x"}, load={"AA": "x"}, near_deadline=True)
    assert runs(facts) == [("ask", ("AA", "AA")), ("match_and_load", ("AA", "AA"))]


def test_one_writer_at_a_time() -> None:
    for job in ("match_and_load", "tables", "music_etl", "__ASSET_JOB"):
        assert runs(Facts(load={"AA": "x"}, tables="x", in_progress={job: frozenset({"ZZ"})})) == []


def test_a_cause_starts_one_run_a_day() -> None:
    def key(**facts: object) -> str:
        (request,) = plan_runs(Facts(**facts))  # type: ignore[arg-type]
        return request.run_key

    assert key(load={"AA": "x"}, day="1") == key(load={"AA": "x"}, day="1")
    assert key(load={"AA": "x"}, day="1") != key(load={"AA": "y"}, day="1")
    assert key(load={"AA": "x"}, day="1") != key(load={"AA": "x"}, day="2")
    assert key(load={"AA": "x"}, day="1") != key(load={"AB": "x"}, day="1")
    assert key(load={"AA": "x"}, day="1") != key(search={"AA": "x"}, day="1")
    assert key(tables="x", day="1") != key(tables="y", day="1")


def test_a_range_reaches_its_run_as_tags() -> None:
    assert Request("extract", "x", ("AA", "AC")).tags == {
        "dagster/asset_partition_range_start": "AA",
        "dagster/asset_partition_range_end": "AC",
    }
    assert Request("tables", "x").tags == {}


@given(st.dictionaries(st.sampled_from(KEYS), st.text(max_size=3), min_size=1))
def test_every_partition_is_in_one_run(causes: dict[str, str]) -> None:
    covered: list[str] = []
    for request in plan_runs(Facts(extract=causes)):
        assert request.partitions is not None
        first, last = request.partitions
        covered += [key for key in KEYS if first <= key <= last]
    assert covered == sorted(causes)
