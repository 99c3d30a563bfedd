"""Requests per matched song, as the work proceeds: ways to resolve songs, side by side.

    python -m benchmarks.requests [--songs N] [--shape full|real] [--mode development|extended] [--json FILE]
    python -m benchmarks.requests --behaviours [--songs N] [--json FILE]

The ways: what the predecessor did (search the song, fetch its tracks, search its artist, fetch those), one
search per song, by release, and by release after the sources without a key: ids of an Echo Nest archive and
of ListenBrainz Labs, verified at ReccoBeats. All goes over HTTP to a sandbox, by `music_assets.resolution`,
until no song is open, hottest first; the pipeline's matcher decides what is a match. The songs are invented
in the full MSD's shape (`benchmarks.shape`), or the real ones of its 10,000-song subset (`--shape real`),
whose releases hardly ever share one. Where the matches of a way differ from those of a search for each song,
they are listed by kind.

With `--behaviours`: by release in development mode while the sandbox misbehaves, one way after another.

Requests per song are Spotify's alone; those to the other services are extrapolated to a million songs, with
the hours that they take at one a second.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.common import SHARED, resident_mb
from benchmarks.matching_sandbox import read_songs
from benchmarks.shape import full_scale
from music_assets.defs.assets.mapped_rows import candidate_of, song_of
from music_assets.matching import decide
from music_assets.resolution import Resolver, SearchBacklog
from music_assets.resolution.id_providers import EchoNestIds, LabsIds
from music_assets.sandbox.process import SandboxAddress, running_sandbox
from music_assets.sandbox.spotify.catalogue import ensure_catalogue
from music_assets.sources import reccobeats
from music_assets.sources.echonest import EchoNestArchive
from music_assets.sources.http import HttpPolicy
from music_assets.sources.ledger import Ledger, open_ledger
from music_assets.sources.listenbrainz import LABS, Labs
from music_assets.sources.reccobeats import RECCOBEATS, ReccoBeats
from music_assets.sources.spotify import SongQuery, SpotifyCatalog, SpotifySettings, track_row
from music_assets.sources.spotify.client import SpotifyClient
from music_assets.sources.spotify.queries import queries_for
from music_assets_tests.support.degraded import CASES, resolved
from music_assets_tests.support.echonest_archive import shares, write_archive
from music_assets_tests.support.sandbox import running_server, truth

CSV = SHARED / "msd_subset_10k.csv.gz"
BY_SEARCH, BY_RELEASE = "one search per song", "by release"
KEYLESS = "keyless sources first"  # ids of the archive and of Labs, verified at ReccoBeats
WAYS = (BY_SEARCH, BY_RELEASE, KEYLESS)
MILLION = 1_000_000
PREDECESSOR, FEW = "the predecessor's way", 300  # songs; its cost is the same for each
POINTS = 20  # of the curve
CHEAP = (0.1, 0.5)  # requests per song
Row = dict[str, Any]


@dataclass
class Course:
    """The result of a way; `points` are the requests spent, songs answered and songs matched by then."""

    way: str
    requests: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)  # requests to the sources without a key
    answered: int = 0
    matches: dict[str, str] = field(default_factory=dict)
    points: list[tuple[int, int, int]] = field(default_factory=list)
    fine: list[tuple[int, int]] = field(default_factory=list)  # (requests, answered), batch by batch
    resolved: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def spent(self) -> int:
        return self.requests.total()

    def answered_below(self, cost: float) -> float:
        """The share of the songs answered while the mean of all so far was below so many requests."""
        below = [answered for spent, answered in self.fine if spent < cost * answered]
        return max(below, default=0) / self.answered

    def figures(self) -> dict[str, Any]:
        return {
            "requests": dict(self.requests),
            "requests_to_others": dict(self.others),
            "answered": self.answered,
            "matched": len(self.matches),
            "requests_per_song": round(self.spent / self.answered, 4),
            "requests_per_match": round(self.spent / len(self.matches), 4),
            "answered_below": {str(cost): round(self.answered_below(cost), 4) for cost in CHEAP},
            "curve": self.points,
            "seconds": round(self.seconds, 1),
        }


def records(frame: pd.DataFrame) -> list[Row]:
    """The songs as rows, with None where a value is missing."""
    rows: list[Row] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows


def fill(backlog: SearchBacklog, rows: Iterable[Row]) -> None:
    """Put these songs into the backlog, by partition as the pipeline does."""
    by_key: dict[str, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row["track_id"][2:4], []).append(row)
    for key, mine in by_key.items():
        backlog.put(key, "one", mine)


def settings_of(address: SandboxAddress, mode: str) -> SpotifySettings:
    return SpotifySettings(
        address.client_id,
        address.client_secret,
        source="sandbox",
        mode=mode,
        base_url=address.base_url,
        token_url=address.token_url,
        requests_per_30s=None,
    )


def keyless(
    stack: ExitStack, folder: Path, archive: Path, address: SandboxAddress, ledger: Ledger
) -> dict[str, Any]:
    """The sources without a key, as a `Resolver` takes them."""

    def opened(client: type[Any], policy: HttpPolicy, url: str) -> Any:
        at = replace(policy, base_url=url, requests_per_second=None)
        return stack.enter_context(client(at, ledger, source="sandbox"))

    labs, verifying = (
        opened(Labs, LABS, address.labs_url),
        opened(ReccoBeats, RECCOBEATS, address.reccobeats_url),
    )
    opened_archive = stack.enter_context(EchoNestArchive.open(archive, folder))
    return {
        "providers": [EchoNestIds(lambda: opened_archive), LabsIds(labs)],
        "reccobeats": verifying,
        "lookups": "once",
    }


def go(way: str, rows: list[Row], folder: Path, archive: Path, address: SandboxAddress, mode: str) -> Course:
    """Resolve all songs this way, in steps, and count the matches after each."""
    folder.mkdir(parents=True)
    course = Course(way)
    by_id = {row["track_id"]: row for row in rows}
    began = time.perf_counter()
    with ExitStack() as stack:
        ledger = open_ledger(folder / "ledger.sqlite", source="sandbox")
        stack.callback(ledger.close)
        backlog = SearchBacklog(ledger)
        fill(backlog, rows)
        sources = keyless(stack, folder, archive, address, ledger) if way == KEYLESS else {}
        catalog = stack.enter_context(
            SpotifyCatalog.open(settings_of(address, mode), ledger, elsewhere=reccobeats)
        )
        resolver = Resolver(catalog, backlog, by_release=way != BY_SEARCH, **sources)
        unanswered = dict.fromkeys(by_id)
        while unanswered:
            outcome = resolver.resolve(most=-(-len(rows) // POINTS))
            if outcome.out_of_budget or outcome.errors or not outcome.resolved.total():
                reason = outcome.out_of_budget or outcome.errors or "nothing more is resolved"
                raise SystemExit(f"{way}: {reason}")
            resolved = course.resolved.total()
            course.fine += [(course.spent + spent, resolved + done) for spent, done in outcome.curve]
            course.requests += Counter(outcome.requests)
            course.resolved += outcome.resolved
            for some in _chunks(list(unanswered)):
                cached = catalog.cached(_query(by_id[id_]) for id_ in some)
                for id_, result in cached.items():
                    del unanswered[id_]
                    best = decide(song_of(by_id[id_]), map(candidate_of, result.tracks)).best
                    if best is not None:
                        course.matches[id_] = best
            course.answered = len(rows) - len(unanswered)
            course.points.append((course.spent, course.answered, len(course.matches)))
        sent = ledger.request_counts()
        course.others = Counter({kind: sent.get(kind, 0) for kind in ("reccobeats", "labs")})
    course.seconds = time.perf_counter() - began
    return course


def predecessor(rows: list[Row], folder: Path, address: SandboxAddress, mode: str) -> Course:
    """Search the song, fetch the tracks found, search their first artist, fetch the artists found.

    Batches where there are any, and no request repeated within a song, which is better than it was.
    """
    folder.mkdir(parents=True)
    course = Course(PREDECESSOR)
    began = time.perf_counter()
    ledger = open_ledger(folder / "ledger.sqlite", source="sandbox")  # for the budget; no response is cached
    client = SpotifyClient(settings_of(address, mode), ledger)

    def fetch(kind: str, ids: list[str]) -> list[Any]:
        if mode == "extended":
            return list(client.get(kind, ids=",".join(ids))[kind]) if ids else []
        return [client.get(f"{kind}/{id_}") for id_ in ids]

    def search(type_: str, query: str) -> list[str]:
        items = client.get("search", q=query, type=type_, limit=10)[f"{type_}s"]["items"]
        return list(dict.fromkeys(item["id"] for item in items))

    for row in rows:
        query = queries_for(row["title"], row["artist_name"])[0]
        tracks = [
            track_row(track, source="sandbox", fetched_at=None)
            for track in fetch("tracks", search("track", query))
        ]
        fetch("artists", search("artist", f"artist:'{row['artist_name']}'"))
        best = decide(song_of(row), map(candidate_of, tracks)).best
        course.answered += 1
        if best is not None:
            course.matches[row["track_id"]] = best
    course.requests = Counter({kind: n for kind, n in client.request_counts.items() if kind != "token"})
    course.points = [(course.spent, course.answered, len(course.matches))]
    client.close()
    ledger.close()
    course.seconds = time.perf_counter() - began
    return course


def differences(course: Course, base: Course, right: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """The songs whose match differs from that of a search for each, by kind."""
    kinds: dict[str, list[str]] = {}
    for track_id in sorted(course.matches.keys() | base.matches.keys()):
        one, other = course.matches.get(track_id), base.matches.get(track_id)
        if one == other:
            continue
        truth_ = right.get(track_id, set())
        if one is None:
            kind = "not matched, and search was right" if other in truth_ else "not matched, search was wrong"
        elif other is None:
            kind = "right, and search had none" if one in truth_ else "wrong, and search had none"
        elif one in truth_ and other in truth_:
            kind = "the same recording, another copy of it"
        elif one in truth_ or other in truth_:
            kind = (
                f"{'right' if one in truth_ else 'wrong'}, search was {'wrong' if one in truth_ else 'right'}"
            )
        else:
            kind = "both wrong"
        kinds.setdefault(kind, []).append(track_id)
    return kinds


def show(
    courses: list[Course], base: Course, right: Mapping[str, set[str]], shown: int, rows: list[Row]
) -> None:
    """The table, the curves and the differences."""
    heads = ("songs", "matched", "requests", "per song", "per match", "right", "s")
    print(f"\n{'way':<32}{''.join(f'{head:>9}' for head in heads)}")
    for one in courses:
        matched = len(one.matches)
        correct = sum(best in right.get(id_, ()) for id_, best in one.matches.items())
        print(
            f"{one.way:<32}{one.answered:>9,}{matched:>9,}{one.spent:>9,}{one.spent / one.answered:>9.3f}"
            f"{one.spent / matched:>9.3f}{correct / matched:>9.2%}{one.seconds:>9.0f}"
        )
        print(f"{'':<4}{', '.join(f'{kind} {count:,}' for kind, count in one.requests.most_common())}")
        for kind, sent in (+one.others).items():
            whole = sent * MILLION / one.answered
            print(f"{'':<4}{sent:,} to {kind}: {whole:,.0f} for a million songs, {whole / 3600:.1f} h")
        if one.resolved:
            print(f"{'':<4}resolved by {', '.join(f'{how} {n:,}' for how, n in one.resolved.most_common())}")
    print("\nshare of the songs answered while the mean so far was below so many requests per song")
    for one in courses:
        if one.fine:
            shares_ = "".join(f"{f'below {cost}':>14} {one.answered_below(cost):>6.1%}" for cost in CHEAP)
            print(f"{one.way:<32}{shares_}")
    print("\nrequests per match, step by step (a twentieth of the songs, or what one round settles)")
    for one in courses:
        if len(one.points) > 1:
            steps = zip([(0, 0, 0), *one.points], one.points, strict=False)
            each = [(b[0] - a[0]) / max(b[2] - a[2], 1) for a, b in steps]
            print(f"{one.way:<32}{''.join(f'{value:>7.2f}' for value in each)}   {_bars(each)}")
    by_id = {row["track_id"]: row for row in rows}
    for one in courses:
        if one.way in WAYS and one is not base:
            print(f"\n{one.way}: matches that differ from those of one search per song")
            for kind, ids in sorted(differences(one, base, right).items(), key=lambda item: -len(item[1])):
                print(f"  {len(ids):>6,}  {kind}")
                for id_ in ids[:shown]:
                    row = by_id[id_]
                    print(f"          {id_} {row['artist_name']} | {row['title']} | {row['release']}")


def misbehaving(frame: pd.DataFrame, catalogue: Path, home: Path) -> dict[str, Any]:
    """Requests and recall for each way the sandbox misbehaves, beside those of the undisturbed run."""
    right = truth(catalogue)
    figures: dict[str, Any] = {}
    base, found = 0, set[str]()
    heads = ("per song", "of base", "recall", "false", "runs")
    print(f"\n{'':<38}{''.join(f'{head:>9}' for head in heads)}")
    with running_server(catalogue) as server:
        for name, case in CASES.items():
            outcome = resolved(server, frame, home / name.replace(" ", "_"), case)
            requests, correct = outcome.requests.total(), outcome.right(right)
            base, found = base or requests, found or correct
            row = {
                "requests_per_song": requests / len(frame),
                "of_undisturbed": requests / base,
                "recall": len(correct & found) / len(found),
                "false_matches": len(outcome.matches) - len(correct),
                "runs": outcome.runs,
            }
            figures[name] = row
            per_song, of_base, recall, false, runs = row.values()
            print(f"{name:<38}{per_song:>9.3f}{of_base:>9.2f}{recall:>9.3f}{false:>9}{runs:>9}", flush=True)
    return figures


def _bars(values: list[float]) -> str:
    most = max(*values, 1.0)
    return "".join("▁▂▃▄▅▆▇█"[min(7, int(8 * value / most))] for value in values)


def _query(row: Row) -> SongQuery:
    return SongQuery(row["track_id"], row["title"], row["artist_name"])


def _chunks(things: list[str], size: int = 1000) -> Iterator[list[str]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]


def compared(rows: list[Row], catalogue: Path, home: Path, mode: str) -> list[Course]:
    """Every way in this access mode, the predecessor's first."""
    print(f"\n== {mode} mode", flush=True)
    with running_sandbox(catalogue, mode=mode) as address:
        courses = [predecessor(rows[:FEW], home / mode / "predecessor", address, mode)]
        for number, way in enumerate(WAYS):
            courses.append(go(way, rows, home / mode / str(number), home / "archive.tar", address, mode))
    return courses


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--songs", type=int, help="so many (default: 20,000 of the full shape, all real ones)"
    )
    parser.add_argument("--shape", choices=("full", "real"), default="full", help="invented, or the subset's")
    parser.add_argument("--mode", choices=("development", "extended"), action="append", help="default: both")
    parser.add_argument("--behaviours", action="store_true", help="while the sandbox misbehaves")
    parser.add_argument("--show", type=int, default=0, help="songs to name of each kind of difference")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    if options.shape == "real" and not CSV.is_file():
        parser.error(f"there is no {CSV.name} beside the repository; try --shape full")
    frame = full_scale(options.songs or 20_000) if options.shape == "full" else read_songs(CSV, options.songs)
    rows = records(frame)
    figures: dict[str, Any] = {"shape": options.shape, "songs": len(rows)}
    with tempfile.TemporaryDirectory(prefix="requests_") as folder:
        home = Path(folder)
        catalogue = home / "catalogue.sqlite"
        ensure_catalogue(catalogue, [("all", "", lambda: frame)])
        right = truth(catalogue)
        there = sum(bool(ids) for ids in right.values())
        print(f"{len(rows):,} songs ({options.shape} shape), {there:,} of them on the sandbox's Spotify")
        if options.behaviours:
            figures["behaviours"] = misbehaving(frame, catalogue, home)
        else:
            became = write_archive(home / "archive.tar", frame, catalogue)
            print(f"the archive: {', '.join(f'{kind} {n:,}' for kind, n in sorted(shares(became).items()))}")
            for mode in options.mode or ("development", "extended"):
                courses = compared(rows, catalogue, home, mode)
                show(courses, courses[1], right, options.show, rows)
                figures[mode] = {one.way: one.figures() for one in courses}
        print(f"\nmost memory of this process: {resident_mb(peak=True):,.0f} MB")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
