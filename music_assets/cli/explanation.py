"""Why a track is matched as it is: its song, its candidates and the evidence, as staged, for people to read.

Here: gathering it and drawing it. What the evidence is and what it is worth is `music_assets.matching`;
options and exit codes are in `commands.explain`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from music_assets.defs.assets.mapped_rows import BY_HAND, Row, song_of
from music_assets.defs.partitions import KEYS
from music_assets.errors import MusicAssetsError
from music_assets.matching import explain, matcher_version
from music_assets.resolution import candidate_of
from music_assets.staging.rows import decode
from music_assets.staging.store import StagingStore


class NotStaged(MusicAssetsError, LookupError):
    """A track of which nothing is staged; the message says what to do."""


@dataclass(frozen=True)
class Explanation:
    """What is staged of one track: the MSD song, its rows of `mapped.songs`, and the hits by Spotify id."""

    song: Row
    rows: list[Row]
    hits: dict[str, Row]

    @property
    def is_sandbox(self) -> bool:
        """Whether any of it was invented."""
        return any(row["source"] == "sandbox" for row in self.rows)


def find(store: StagingStore, track_id: str) -> Explanation:
    """What is staged of a track.

    Raises:
        NotStaged: it is no track id, its partition is not staged, or it has no such track.
    """
    letters = track_id[2:4]
    if len(track_id) != 18 or not track_id.startswith("TR") or letters not in KEYS:
        raise NotStaged(f"{track_id!r} is no MSD track id: one is TR and 16 more characters.")
    songs, mapped, searches = (
        _rows(store, kind, letters, track_id) for kind in ("msd_songs", "mapped_songs", "spotify_search")
    )
    if not songs:
        raise NotStaged(f"The MSD in use has no track {track_id}: partition {letters} is staged without it.")
    hits = {hit["spotify_track_id"]: hit for search in searches for hit in search["tracks"]}
    return Explanation(songs[0], mapped, hits)


def _rows(store: StagingStore, kind: str, letters: str, track_id: str) -> list[Row]:
    receipt = store.staged_file(kind, letters)
    if receipt is None:
        raise NotStaged(
            f"Nothing of {kind} is staged for partition {letters}, where {track_id} belongs: run "
            f"`music-assets run --partitions {letters}` first, or name another folder with --data."
        )
    return [row for row in decode(store.read(receipt)) if row["track_id"] == track_id]


def show(console: Console, found: Explanation) -> None:
    """Draw it: the song, the candidates, and the evidence of the best and of its nearest rival."""
    for part in _parts(found):
        console.print(part)
        console.print()


def _parts(found: Explanation) -> Iterator[RenderableType]:
    best = found.rows[0]
    yield _song_table(found.song, best)
    candidates = [row for row in found.rows if row["spotify_track_id"] is not None]
    if not candidates:
        return
    yield _candidates_table(found, candidates)
    rivals = [row for row in candidates[1:] if not row["equivalent"]]
    for row in (best, *rivals[:1]):
        if hit := found.hits.get(row["spotify_track_id"]):
            yield _evidence_table(found.song, hit, row)
    if best["matcher_version"] != matcher_version():
        yield Text(
            f"Decided by matcher {best['matcher_version']}; the evidence above is by {matcher_version()}: "
            "run again to bring the tables up to it."
        )


def _song_table(song: Row, best: Row) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name in ("track_id", "title", "artist_name", "release", "year"):
        table.add_row(name, Text(_shown(song[name])))
    table.add_row("duration", _seconds(song["duration"]))
    by_hand = " (set by hand)" if best["by_hand"] else ""
    margin = "" if best["margin"] is None else f", leading by {best['margin']:.3f}"
    table.add_row("status", f"{best['status']}{by_hand}{margin}")
    if best["spotify_track_id"] is None and best["reasons"]:
        table.add_row("reasons", Text("; ".join(best["reasons"])))
    if best["known_mismatch"]:
        table.add_row("known mismatch", "yes: title and artist may not be those of the audio")
    if best["duplicate_group"]:
        table.add_row("duplicates", f"of the group of {best['duplicate_group']}")
    table.add_row("question", Text(_shown(best["question"])))
    return table


def _candidates_table(found: Explanation, candidates: list[Row]) -> Table:
    table = Table("", "score", "candidate", "artists", "album", "length", "reasons", title="Candidates")
    for row in candidates:
        hit = found.hits.get(row["spotify_track_id"], {})
        mark = "✔" if row["accepted"] else "=" if row["equivalent"] else ""
        score = "–" if row["score"] is None else f"{row['score']:.3f}"
        name = _shown(hit.get("name")) if hit else "not among the hits"
        table.add_row(
            mark,
            score,
            Text(f"{name}\n{row['spotify_track_id']}"),
            Text(_artists(hit)),
            Text(_shown(hit.get("album_name"))),
            _seconds(hit["duration_ms"] / 1000 if hit.get("duration_ms") else None),
            Text("; ".join(row["reasons"])),
        )
    table.caption = "✔ the match   = the same recording on another album"
    if any(row["source"] == BY_HAND for row in candidates):
        table.caption += "   – not compared: set by hand"
    return table


def _evidence_table(song: Row, hit: Row, row: Row) -> Table:
    title = f"Evidence for {row['spotify_track_id']}, rank {row['rank']}"
    table = Table("evidence", "MSD", "Spotify", "points", "of", "in words", title=title)
    for line in explain(song_of(song), candidate_of(hit)):
        points = f"{line.points:g}" if line.level else ""
        of = f"{line.of:g}" if line.level else ""
        table.add_row(line.evidence, Text(line.song), Text(line.candidate), points, of, Text(line.words))
    return table


def _artists(hit: Row) -> str:
    return ", ".join(_shown(artist["name"]) for artist in hit.get("artists") or [])


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


def _shown(value: Any) -> str:
    return "–" if value in (None, "") else str(value)
