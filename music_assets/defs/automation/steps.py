"""What is to be run next: decided from facts alone, so that every case can be tried without a run.

Dagster knows a run's partitions before it starts, so a day is made of steps: extract what changed, ask while
the budget lasts, match and load what that changed, and fill the tables once after. Who gathers the facts is
`facts`, who turns requests into runs `sensors` and `schedules`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from music_assets.defs.partitions import KEYS, runs_of
from music_assets.staging.store import fingerprint

# The jobs that spend requests: one at a time. What is loaded does not wait for them.
SEARCH_JOBS = frozenset({"ask_first", "ask"})


@dataclass(frozen=True)
class Request:
    """One run to be started: a job, for a range of partitions or for none.

    `cause` changes with what made it necessary: a `run_key` is acted on once. A refresh is for a `day`.
    """

    job: str
    cause: str
    partitions: tuple[str, str] | None = None
    day: str | None = None

    @property
    def run_key(self) -> str:
        return ":".join((self.job, *(self.partitions or ()), *filter(None, [self.day]), self.cause))

    def again(self, attempt: int) -> Request:
        """The same request, once more after so many failed runs."""
        return replace(self, cause=f"{self.cause}:{attempt}") if attempt else self

    @property
    def tags(self) -> dict[str, str]:
        """The tags that give a Dagster run its partitions."""
        if self.day is not None:
            return {"dagster/partition": self.day}
        if self.partitions is None:
            return {}
        first, last = self.partitions
        return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


@dataclass(frozen=True)
class Facts:
    """What is known when deciding; each mapping has a cause by partition.

    `extract`: the MSD files have changed since they were read. `priority_search`: why songs of all partitions
    are to be searched in order of priority, or None; `unsearched`: the partitions whose songs that has not
    seen. `search`: results are there, or can be had, that are not staged. `load`: what is staged is out of
    date, or not loaded. `refresh`: why what is stalest is to be requested again, or None, on `refresh_day`
    (UTC); `refresh_has_own_budget`: it has a share of the requests to itself; `unloaded_days`: refreshed days
    that are not loaded. `tables`: why the published tables are to be filled, or None. `in_progress`:
    partitions of runs that have not ended, by job; all of them for an unpartitioned run. `near_deadline`: the
    tables are due soon. `day`: a cause that stays is acted on once a day; empty for once and for all.
    """

    extract: Mapping[str, str] = field(default_factory=dict)
    priority_search: str | None = None
    unsearched: frozenset[str] = frozenset()
    search: Mapping[str, str] = field(default_factory=dict)
    load: Mapping[str, str] = field(default_factory=dict)
    refresh: str | None = None
    refresh_day: str = ""
    refresh_has_own_budget: bool = False
    unloaded_days: Sequence[str] = ()
    tables: str | None = None
    in_progress: Mapping[str, frozenset[str]] = field(default_factory=dict)
    near_deadline: bool = False
    day: str = ""


def plan_runs(facts: Facts) -> list[Request]:
    """The runs to start now; none where there is nothing to do, or all of it waits for what is in progress.

    What is loaded waits for the songs that are being extracted and, unless the deadline is near, for its own
    search results; the tables wait for all of it. Searches wait for one another: there is one budget, and it
    goes to songs by priority before a partition has its turn. A refresh comes first where it has a budget of
    its own, since searches would leave nothing of the day; else it waits until there is nothing to search. It
    never delays tables that are due.
    """
    requests = _ranges("extract", facts.extract, facts)
    if requests or "extract" in facts.in_progress:
        return requests
    spending = facts.in_progress.keys() & SEARCH_JOBS
    refresh = _refreshes(facts)
    if refresh and facts.refresh_has_own_budget and not facts.near_deadline and not facts.in_progress:
        return refresh
    searching = bool(facts.priority_search or facts.search or spending)
    if facts.priority_search and not spending:
        requests.append(Request("ask_first", fingerprint(facts.day, facts.priority_search)))
    elif not spending:
        requests += _ranges("ask", facts.search, facts)
    if facts.in_progress.keys() - SEARCH_JOBS:
        return requests
    wait = frozenset() if facts.near_deadline else facts.search.keys() | facts.unsearched
    loads = _ranges("match_and_load", {key: facts.load[key] for key in facts.load.keys() - wait}, facts)
    if loads:
        return requests + loads
    if refresh and not searching and not facts.near_deadline:
        return refresh
    if facts.tables and (facts.near_deadline or not searching):
        requests.append(Request("tables", fingerprint(facts.day, facts.tables)))
    return requests


def _refreshes(facts: Facts) -> list[Request]:
    """A request for the day that is due, and one for each day that was refreshed and is not loaded."""
    causes = dict.fromkeys(facts.unloaded_days, "not loaded")
    if facts.refresh:
        causes[facts.refresh_day] = facts.refresh
    return [
        Request("refresh", fingerprint(facts.day, cause), day=day) for day, cause in sorted(causes.items())
    ]


def _ranges(job: str, causes: Mapping[str, str], facts: Facts) -> list[Request]:
    """A request for each range of neighbours, without those that a run of this job is working on."""
    keys = causes.keys() - facts.in_progress.get(job, frozenset())
    requests = []
    for first, last in runs_of(keys):
        within = KEYS[KEYS.index(first) : KEYS.index(last) + 1]
        cause = fingerprint(facts.day, *(causes[key] for key in within))
        requests.append(Request(job, cause, (first, last)))
    return requests
