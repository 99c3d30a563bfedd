"""What is to be run next: decided from facts alone, so that every case can be tried without a run.

Dagster knows a run's partitions before it starts, so a day is made of steps: extract what changed, ask while
the budget lasts, match and load what that changed, and fill the tables once after. Who gathers the facts is
`facts`, who turns requests into runs `sensors` and `schedules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from music_assets.defs.partitions import KEYS, runs_of
from music_assets.staging.store import fingerprint

# The jobs that spend requests: one at a time. What is loaded does not wait for them.
SPENDING = frozenset({"ask_first", "ask"})


@dataclass(frozen=True)
class Request:
    """One run to be started: a job, for a range of partitions or for none.

    `cause` changes with what made it necessary: a `run_key` is acted on once.
    """

    job: str
    cause: str
    partitions: tuple[str, str] | None = None

    @property
    def run_key(self) -> str:
        return ":".join((self.job, *(self.partitions or ()), self.cause))

    @property
    def tags(self) -> dict[str, str]:
        """The tags that give a Dagster run its partitions."""
        if self.partitions is None:
            return {}
        first, last = self.partitions
        return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


@dataclass(frozen=True)
class Facts:
    """What is known when deciding; each mapping has a cause by partition.

    `extract`: the MSD files are others than those that were read. `first`: why the songs wanted most are to
    be asked about, across all partitions, or None; `unseen`: the partitions nobody has asked about. `ask`:
    answers are there, or can be had, that are not staged. `load`: what is staged is not what should be, or
    not loaded. `refresh`: why Spotify is to be asked again about what is stalest, or None; `share`: that has
    a share of the requests of its own. `tables`: why the published tables are to be filled, or None. `going`:
    partitions of runs that have not ended, by job; all of them for an unpartitioned run. `hurry`: the tables
    are due soon. `day`: a cause that stays is acted on once a day; empty for once and for all.
    """

    extract: Mapping[str, str] = field(default_factory=dict)
    first: str | None = None
    unseen: frozenset[str] = frozenset()
    ask: Mapping[str, str] = field(default_factory=dict)
    load: Mapping[str, str] = field(default_factory=dict)
    refresh: str | None = None
    share: bool = False
    tables: str | None = None
    going: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hurry: bool = False
    day: str = ""


def what_is_next(facts: Facts) -> list[Request]:
    """The runs to start now; none where there is nothing to do, or all of it waits for what is going on.

    What is loaded waits for the songs that are being extracted, and, unless in a hurry, for its own answers;
    the tables wait for all of it. Asking waits for asking: there is one budget, and it goes to what is wanted
    most before a partition has its turn. A refresh comes first where it has a share of its own, since asking
    would leave nothing of the day; else it waits until there is nothing to ask. It never delays tables that
    are due.
    """
    requests = _ranges("extract", facts.extract, facts)
    if requests or "extract" in facts.going:
        return requests
    spending = facts.going.keys() & SPENDING
    refresh = [Request("refresh", fingerprint(facts.day, facts.refresh))] if facts.refresh else []
    if refresh and facts.share and not facts.hurry and not facts.going:
        return refresh
    asking = bool(facts.first or facts.ask or spending)
    if facts.first and not spending:
        requests.append(Request("ask_first", fingerprint(facts.day, facts.first)))
    elif not spending:
        requests += _ranges("ask", facts.ask, facts)
    if facts.going.keys() - SPENDING:
        return requests
    wait = frozenset() if facts.hurry else facts.ask.keys() | facts.unseen
    loads = _ranges("match_and_load", {key: facts.load[key] for key in facts.load.keys() - wait}, facts)
    if loads:
        return requests + loads
    if refresh and not asking and not facts.hurry:
        return refresh
    if facts.tables and (facts.hurry or not asking):
        requests.append(Request("tables", fingerprint(facts.day, facts.tables)))
    return requests


def _ranges(job: str, causes: Mapping[str, str], facts: Facts) -> list[Request]:
    """A request for each range of neighbours, without those that a run of this job has in hand."""
    keys = causes.keys() - facts.going.get(job, frozenset())
    requests = []
    for first, last in runs_of(keys):
        within = KEYS[KEYS.index(first) : KEYS.index(last) + 1]
        cause = fingerprint(facts.day, *(causes[key] for key in within))
        requests.append(Request(job, cause, (first, last)))
    return requests
