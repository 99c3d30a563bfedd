"""`music-assets explain`: why a track is matched as it is.

Here: its song, its candidates and the evidence, as staged, drawn for people to read. What counts as
evidence and how much is decided in `music_assets.matching`; where the row comes from is shown by `trace`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from music_assets.cli import CommandError, TrackId, data_option
from music_assets.cli.console import SANDBOX_BANNER, facts_table, shown
from music_assets.ids import partition_of

if TYPE_CHECKING:
    from music_assets.staging.store import StagingStore

Row = dict[str, Any]


@click.command()
@click.argument("track_id", metavar="TRACK_ID", type=TrackId())
@data_option
def explain(track_id: str, data: str | None) -> None:
    """Show an MSD track's candidates on Spotify, their scores, and the evidence for and against.

    It reads what the last run staged, and sends no request.

    \b
    Example:
      music-assets explain TRAAAAW128F429D538
    """
    from music_assets.defs.wiring import resources
    from music_assets.settings import Settings

    store = resources(Settings.from_environment(data=data))["staging"].store()
    explanation = Explanation.read(store, track_id)
    console = Console()
    for part in explanation.parts():
        console.print(part)
        console.print()
    if any(row["source"] == "sandbox" for row in explanation.rows):
        console.print(SANDBOX_BANNER)


@dataclass(frozen=True)
class Explanation:
    """What is staged for one track: the MSD song, its rows of `mapped.songs`, the hits by Spotify id, and the
    artists that its release shows to be renamed."""

    song: Row
    rows: list[Row]
    hits: dict[str, Row]
    renamings: frozenset[tuple[str, str]]

    @classmethod
    def read(cls, store: StagingStore, track_id: str) -> Explanation:
        """Read it from the staged files.

        Raises:
            CommandError: the track's partition is not staged, or has no such track.
        """
        from music_assets.defs.assets.mapped_rows import renamings_of

        songs, mapped, searches = (
            _rows(store, kind, track_id) for kind in ("msd_songs", "mapped_songs", "spotify_search")
        )
        if not songs:
            raise CommandError(
                f"The MSD in use has no track {track_id}: partition {partition_of(track_id)} is staged "
                "without it."
            )
        hits = {hit["spotify_track_id"]: hit for search in searches for hit in search["tracks"]}
        return cls(songs[0], mapped, hits, frozenset().union(*map(renamings_of, searches)))

    def parts(self) -> Iterator[RenderableType]:
        """What to show: the song, the candidates, and the evidence for the best and its nearest rival."""
        from music_assets.matching import matcher_version

        best = self.rows[0]
        yield self._song_table(best)
        candidates = [row for row in self.rows if row["spotify_track_id"] is not None]
        if not candidates:
            return
        yield self._candidates_table(candidates)
        rivals = [row for row in candidates[1:] if not row["equivalent"]]
        for row in (best, *rivals[:1]):
            if hit := self.hits.get(row["spotify_track_id"]):
                yield self._evidence_table(hit, row)
        if best["matcher_version"] != matcher_version():
            yield Text(
                f"Decided by matcher {best['matcher_version']}; the evidence above is from "
                f"{matcher_version()}. Run again to update the tables."
            )

    def _song_table(self, best: Row) -> Table:
        facts = {name: self.song[name] for name in ("track_id", "title", "artist_name", "release", "year")}
        facts["duration"] = _seconds(self.song["duration"])
        by_hand = " (set by hand)" if best["by_hand"] else ""
        margin = "" if best["margin"] is None else f", leading by {best['margin']:.3f}"
        facts["status"] = f"{best['status']}{by_hand}{margin}"
        if best["spotify_track_id"] is None and best["reasons"]:
            facts["reasons"] = "; ".join(best["reasons"])
        if best["known_mismatch"]:
            facts["known mismatch"] = "yes: title and artist may not be those of the audio"
        if best["duplicate_group"]:
            facts["duplicates"] = f"in the group of {best['duplicate_group']}"
        facts["query"] = best["question"]
        return facts_table(facts)

    def _candidates_table(self, candidates: list[Row]) -> Table:
        from music_assets.defs.assets.mapped_rows import BY_HAND

        table = Table("", "score", "candidate", "artists", "album", "length", "reasons", title="Candidates")
        for row in candidates:
            hit = self.hits.get(row["spotify_track_id"], {})
            duration_ms = hit.get("duration_ms")
            name = shown(hit.get("name")) if hit else "not among the hits"
            table.add_row(
                "✔" if row["accepted"] else "=" if row["equivalent"] else "",
                "–" if row["score"] is None else f"{row['score']:.3f}",
                Text(f"{name}\n{row['spotify_track_id']}"),
                Text(", ".join(shown(artist["name"]) for artist in hit.get("artists") or [])),
                Text(shown(hit.get("album_name"))),
                _seconds(duration_ms / 1000 if duration_ms else None),
                Text("; ".join(row["reasons"])),
            )
        table.caption = "✔ the match   = the same recording on another album"
        if any(row["source"] == BY_HAND for row in candidates):
            table.caption += "   – not compared: set by hand"
        return table

    def _evidence_table(self, hit: Row, row: Row) -> Table:
        from music_assets.defs.assets.mapped_rows import song_of
        from music_assets.matching import explain
        from music_assets.matching.evidence import PRIOR, VETO
        from music_assets.resolution import candidate_of

        title = f"Evidence for {row['spotify_track_id']}, rank {row['rank']}"
        table = Table("evidence", "MSD", "Spotify", "bits", "of", "in words", title=title)
        table.caption = f"each bit doubles the odds that it is the song, which begin with {PRIOR:g} bits"
        for line in explain(song_of(self.song), candidate_of(hit), self.renamings):
            points, most = (f"{line.points:g}", f"{line.of:g}") if line.level else ("", "")
            points = "veto" if line.points <= VETO else points
            table.add_row(
                line.evidence, Text(line.song), Text(line.candidate), points, most, Text(line.words)
            )
        return table


def _rows(store: StagingStore, kind: str, track_id: str) -> list[Row]:
    """The track's rows of a staged kind."""
    from music_assets.staging.rows import decode

    partition = partition_of(track_id)
    staged = store.staged_file(kind, partition)
    if staged is None:
        raise CommandError(
            f"Nothing of {kind} is staged for partition {partition}, where {track_id} belongs. Run "
            f"`music-assets run --partitions {partition}` first, or name another folder with --data."
        )
    return [row for row in decode(store.read(staged)) if row["track_id"] == track_id]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"
