"""How right search and decision are together: the MSD's subset on the sandbox's Spotify.

    python -m benchmarks.matching_sandbox [--songs N] [--csv PATH] [--data DIR] [--json result.json]

The catalogue is made of a CSV of MSD field names (one row per track) by `music_assets.sandbox`, whose noise
is fixed. The songs are searched by the pipeline's own client (`music_assets.sources.spotify`) over HTTP from
a running sandbox, and decided as `mapped_songs` does. What was accepted is held against the catalogue's
truth. With `--data`, catalogue and responses are cached there, so that another matcher is measured on the
same responses without a request.

Precision is of the matches; recall is given of the songs that are on the sandbox at all, and of those whose
right track was among the hits: what lies between the two was lost by the search. Intervals are Wilson's,
95 %.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.matching import share
from music_assets.defs.assets.mapped_rows import map_song
from music_assets.matching import matcher_version, parse_title
from music_assets.sandbox.process import running_sandbox
from music_assets.sandbox.spotify.catalogue import ensure_catalogue
from music_assets.sources.ledger import open_ledger
from music_assets.sources.spotify import SongQuery, SpotifyCatalog, SpotifySettings
from music_assets_tests.support.sandbox import truth

CSV = Path(__file__).resolve().parents[2] / "shared" / "data" / "msd_subset_10k.csv.gz"
EDGES = (0.0, 0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.93, 0.96, 0.98, 1.01)
SHOWN = 12  # errors of a kind that are written out


@dataclass(frozen=True)
class Answered:
    """A song, what the search brought, the rows of `mapped.songs`, and the ids that are right."""

    song: dict[str, Any]
    hits: dict[str, dict[str, Any]]
    rows: list[dict[str, Any]]
    right: set[str]

    @property
    def status(self) -> str:
        return str(self.rows[0]["status"])

    @property
    def accepted(self) -> dict[str, Any] | None:
        return next((row for row in self.rows if row["accepted"]), None)

    @property
    def is_right(self) -> bool:
        return self.accepted is not None and self.accepted["spotify_track_id"] in self.right

    @property
    def among_hits(self) -> bool:
        return not self.right.isdisjoint(self.hits)

    @property
    def error(self) -> str | None:
        """What kind of error this is; None where there is none."""
        if self.is_right or (self.accepted is None and not self.right):
            return None
        if self.accepted is not None:
            return f"wrong: {self._wrong_kind(self.hits[self.accepted['spotify_track_id']])}"
        if not self.hits:
            return "missed: the search found nothing"
        return (
            f"missed: {self.status}" if self.among_hits else "missed: the right track is not among the hits"
        )

    def _wrong_kind(self, taken: dict[str, Any]) -> str:
        kinds = parse_title(taken["name"]).kinds ^ parse_title(self.song["title"]).kinds
        if kinds:
            return f"another version ({', '.join(sorted(kinds))})"
        if not self.right:
            return "the song is not on the sandbox"
        rights = [self.hits[id_] for id_ in self.right if id_ in self.hits]
        if not rights:
            return "the right track is not among the hits"
        own = {artist["spotify_artist_id"] for hit in rights for artist in hit["artists"]}
        if own.isdisjoint(artist["spotify_artist_id"] for artist in taken["artists"]):
            return "another artist"
        return "another recording of the artist"


def read_songs(csv: Path, count: int | None) -> pd.DataFrame:
    """The songs of the CSV, the MSD's unknowns as missing values."""
    frame = pd.read_csv(
        csv, nrows=count, keep_default_na=False, na_values={"year": ["0"], "song_hotttnesss": [""]}
    )
    return frame.sort_values("track_id", ignore_index=True)


def search(data: Path, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The staged result for each song, from the ledger in `data` or by searching a sandbox there."""
    catalogue = data / "catalogue.sqlite"
    ensure_catalogue(catalogue, [("all", f"{len(frame)} songs", lambda: frame)])
    queries = [SongQuery(row.track_id, row.title, row.artist_name) for row in frame.itertuples()]
    with ExitStack() as stack:
        address = stack.enter_context(running_sandbox(catalogue, mode="extended"))
        settings = SpotifySettings(
            address.client_id,
            address.client_secret,
            source="sandbox",
            mode="extended",
            base_url=address.base_url,
            token_url=address.token_url,
            requests_per_30s=None,
        )
        ledger = open_ledger(data / "ledger.sqlite", source="sandbox")
        stack.callback(ledger.close)
        client = stack.enter_context(SpotifyCatalog.open(settings, ledger))
        answers = [{**vars(answer), "question": answer.query} for answer in client.search_songs(queries)]
        print(
            f"requests: {client.request_counts.get('search', 0):,} for {len(queries):,} songs",
            file=sys.stderr,
        )
    return answers


def decide_all(
    frame: pd.DataFrame, answers: list[dict[str, Any]], right: dict[str, set[str]]
) -> list[Answered]:
    columns = ["track_id", "title", "artist_name", "release", "duration", "year"]
    songs = frame[columns].astype(object).where(frame[columns].notna(), None).to_dict("records")
    return [
        Answered(
            song,
            {hit["spotify_track_id"]: hit for hit in answer["tracks"]},
            map_song(song, answer),
            right.get(song["track_id"], set()),
        )
        for song, answer in zip(songs, answers, strict=True)
    ]


def reliability(answered: list[Answered]) -> list[dict[str, float]]:
    """For each bin of scores: how many candidates fall there, and which share of them is right."""
    scored = [
        (row["score"], row["spotify_track_id"] in one.right)
        for one in answered
        for row in one.rows
        if row["spotify_track_id"] is not None
    ]
    bins = []
    for low, high in pairwise(EDGES):
        inside = [is_right for score, is_right in scored if low <= score < high]
        if inside:
            share_right = sum(inside) / len(inside)
            bins.append({"from": low, "to": min(high, 1.0), "candidates": len(inside), "right": share_right})
    return bins


def figures(answered: list[Answered]) -> dict[str, tuple[int, int]]:
    """Each figure as right ones out of how many."""
    correct = sum(one.is_right for one in answered)
    return {
        "precision of the matches": (correct, sum(one.accepted is not None for one in answered)),
        "recall of songs that are there": (correct, sum(bool(one.right) for one in answered)),
        "recall of songs among the hits": (correct, sum(one.among_hits for one in answered)),
        "songs that are there, among the hits": (
            sum(one.among_hits for one in answered),
            sum(bool(one.right) for one in answered),
        ),
    }


def print_errors(answered: list[Answered], shown: int) -> dict[str, int]:
    kinds = Counter(kind for one in answered if (kind := one.error))
    print("\nerrors, by kind")
    for kind, count in kinds.most_common():
        print(f"  {count:>5}  {kind}")
    for kind in sorted(kinds) if shown else []:
        print(f"\n{kind}")
        for one in [one for one in answered if one.error == kind][:shown]:
            song, best = one.song, one.rows[0]
            print(f"  {_line(song['artist_name'], song['title'], song['release'], song['duration'])}")
            print(f"    question {best['question']}")
            for row in one.rows[:4]:
                hit = one.hits.get(row["spotify_track_id"])
                if hit:
                    names = ", ".join(artist["name"] for artist in hit["artists"])
                    mark = "*" if hit["spotify_track_id"] in one.right else " "
                    line = _line(names, hit["name"], hit["album_name"], hit["duration_ms"] / 1000)
                    print(f"   {mark}{row['score']:.3f} {line}: {'; '.join(row['reasons'])}")
    return dict(kinds)


def _line(artist: str, title: str, release: str, seconds: float) -> str:
    return f"{artist} | {title} | {release} | {seconds:.1f} s"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--songs", type=int, help="only so many (default: all of the CSV)")
    parser.add_argument("--csv", type=Path, default=CSV, help="metadata of the songs, in MSD field names")
    parser.add_argument("--data", type=Path, help="cache catalogue and responses here (default: nowhere)")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--show", type=int, default=SHOWN, help=f"errors of a kind to write out ({SHOWN})")
    options = parser.parse_args(arguments)
    if not options.csv.is_file():
        parser.error(f"{options.csv} does not exist; name the CSV of songs with --csv")
    frame = read_songs(options.csv, options.songs)
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or Path(folder)
        data.mkdir(parents=True, exist_ok=True)
        answers = search(data, frame)
        right = truth(data / "catalogue.sqlite")
    began = time.perf_counter()
    answered = decide_all(frame, answers, right)
    seconds = time.perf_counter() - began
    compared = sum(len(one.hits) for one in answered)
    print(f"matcher {matcher_version()}, {len(frame):,} songs of {options.csv.name}, searched over HTTP")
    print(f"{compared:,} candidates decided in {seconds:.1f} s ({compared / seconds:,.0f} a second)\n")
    for status, count in Counter(one.status for one in answered).most_common():
        print(f"  {count:>6,} {status}")
    print()
    shares = figures(answered)
    for name, (part, total) in shares.items():
        print(f"  {name:40}{share(part, total)}  ({part:,} of {total:,})")
    bins = reliability(answered)
    print("\nreliability: of the candidates with such a score, the share that is right")
    for entry in bins:
        print(f"  {entry['from']:.2f} to {entry['to']:.2f} {entry['candidates']:>7,}  {entry['right']:.3f}")
    kinds = print_errors(answered, options.show)
    if options.json:
        result = {
            "matcher": matcher_version(),
            "songs": len(frame),
            **shares,
            "reliability": bins,
            "errors": kinds,
        }
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
