"""`music-assets explain`: why a track is matched as it is.

Here: its song, its candidates and the evidence, as staged, drawn for people to read. What counts as
evidence and how much is decided in `music_assets.matching`; where the row comes from is shown by `trace`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from rich.console import RenderableType
from rich.table import Table

from music_assets.cli import CommandError, data_option, staging_store, track_of
from music_assets.cli.console import SANDBOX_BANNER, Console, counted, facts_table, moment, shown, write_json
from music_assets.defs.assets.mapped_rows import renamings_of, song_of
from music_assets.ids import partition_of
from music_assets.matching import Renamings, matcher_version
from music_assets.matching import explain as explain_match
from music_assets.matching.evidence import PRIOR, VETO
from music_assets.resolution import candidate_of
from music_assets.settings import Settings
from music_assets.staging.rows import Row, decode
from music_assets.staging.store import StagingStore
from music_assets.tables import BY_HAND


@click.command()
@click.argument("id_", metavar="ID")
@data_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def explain(id_: str, data: str | None, as_json: bool) -> None:
    """Show an MSD track's candidates on Spotify, their scores, and the evidence for and against.

    ID is that of the track, of its song or artist, of its match on Spotify or that one's artist, its ISRC or
    its MusicBrainz recording; where it is of several tracks they are named. It reads what the last run
    staged, and sends no request.

    \b
    Examples:
      music-assets explain TRAAAAW128F429D538
      music-assets explain --json spotify:track:0OdUWJ0sBjDrqHygGUXeCF
    """
    settings = Settings.from_environment(data=data)
    store, track_id = staging_store(settings), track_of(id_, settings)
    songs, rows, searches = (
        _rows(store, kind, track_id) for kind in ("msd_songs", "mapped_songs", "spotify_search")
    )
    if not songs:
        partition = partition_of(track_id)
        raise CommandError(f"The MSD in use has no track {track_id}: {partition} is staged without it.")
    hits = {hit["spotify_track_id"]: hit for search in searches for hit in search["tracks"]}
    renamings = Renamings().union(*map(renamings_of, searches))
    if as_json:
        found = _facts(songs[0], rows, hits, renamings)
        write_json(found)
        return
    console = Console()
    for part in _parts(songs[0], rows, hits, renamings):
        console.print(part, "")
    if not any(row["spotify_track_id"] for row in rows):
        console.print(facts_table(_without_candidates(store, track_id, searches), "What was looked up"), "")
    if any(row["source"] == "sandbox" for row in rows):
        console.print(SANDBOX_BANNER)


def _facts(song: Row, rows: list[Row], hits: Mapping[str, Row], renamings: Renamings) -> dict[str, Any]:
    """What `--json` shows: the song, and each candidate with what it was compared with and the evidence."""
    candidates = []
    for row in rows:
        if (id_ := row["spotify_track_id"]) is None:
            continue
        hit = hits.get(id_)
        evidence = explain_match(song_of(song), candidate_of(hit), renamings) if hit else []
        lines = [
            {
                "evidence": line.evidence,
                "msd": line.song,
                "spotify": line.candidate,
                "bits": line.points if line.level else None,
                "vetoes": line.points <= VETO,
                "in_words": line.words,
            }
            for line in evidence
        ]
        candidates.append({**row, "hit": hit, "evidence": lines})
    names = ("status", "by_hand", "margin", "reasons", "known_mismatch", "duplicate_group", "matcher_version")
    return {"song": song, **{name: rows[0][name] for name in names}, "candidates": candidates}


def _parts(
    song: Row, rows: list[Row], hits: Mapping[str, Row], renamings: Renamings
) -> Iterator[RenderableType]:
    """The song, its candidates, and the evidence for the best and its nearest rival.

    `rows` are those of `mapped.songs`, `hits` the results of the search by Spotify id, `renamings` the
    artists that its release shows to be renamed.
    """
    best = rows[0]
    candidates = [row for row in rows if row["spotify_track_id"] is not None]
    rivals = [row for row in candidates[1:] if not row["equivalent"]]
    yield _song_table(song, best, len(rivals))
    if not candidates:
        return
    yield _candidates_table(candidates, hits)
    for row in (best, *rivals[:1]):
        if hit := hits.get(row["spotify_track_id"]):
            yield _evidence_table(song, hit, row, renamings)
    if best["matcher_version"] != matcher_version():
        yield (
            f"Decided by matcher {best['matcher_version']}; the evidence above is from {matcher_version()}. "
            "Run again to update the tables."
        )


def _without_candidates(store: StagingStore, track_id: str, searches: list[Row]) -> dict[str, Any]:
    """What Spotify and MusicBrainz said of a track that has no candidate."""
    facts: dict[str, Any] = {}
    for search in searches:
        answer = counted(search["hits"], "track") if search["hits"] is not None else search["reason"]
        when = f", {moment(search['fetched_at'])}" if search["fetched_at"] else ""
        facts["Spotify"] = f"{search['status']}: {shown(answer)}{when}"
    kind = "musicbrainz_recordings"
    file = store.staged_file(kind, partition_of(track_id))
    facts["MusicBrainz"] = "no recording"
    if file is None or not file.rows:
        facts["MusicBrainz"] = "nothing for its partition; is its dump there? See `music-assets doctor`"
    for row in _rows(store, kind, track_id) if file else []:
        name = f"{row['recording_name']} by {row['artist_credit_name']}"
        facts["MusicBrainz"] = f"{name} ({row['recording_mbid']}), score {row['score']:.3f}"
    facts["others"] = f"`music-assets trace {track_id}` lists the responses of every source"
    return facts


def _album_of(hit: Mapping[str, Any]) -> str | None:
    """The album that the evidence is of, and who named it where the track came without one."""
    if hit.get("album_name"):
        return str(hit["album_name"])
    if hit.get("listed_album"):
        return f"{hit['listed_album']} (named by {str(hit['question']).partition(' ')[0]})"
    return None


def _song_table(song: Row, best: Row, rivals: int) -> Table:
    facts = {name: song[name] for name in ("track_id", "title", "artist_name", "release", "year")}
    facts["duration"] = _seconds(song["duration"])
    by_hand = " (set by hand)" if best["by_hand"] else ""
    # Of a single recording the margin is its score; a lead says something of one that might be the song.
    leads = best["margin"] is not None and rivals and best["status"] in ("matched", "ambiguous")
    margin = f", leading by {best['margin']:.3f}" if leads else ""
    facts["status"] = f"{best['status']}{by_hand}{margin}"
    if best["spotify_track_id"] is None and best["reasons"]:
        facts["reasons"] = "; ".join(best["reasons"])
    if best["known_mismatch"]:
        facts["known mismatch"] = "yes: title and artist may not be those of the audio"
    if best["duplicate_group"]:
        facts["duplicates"] = f"in the group of {best['duplicate_group']}"
    facts["query"] = best["question"]
    return facts_table(facts)


def _candidates_table(candidates: list[Row], hits: Mapping[str, Row]) -> Table:
    table = Table("", "score", title="Candidates")
    table.add_column("candidate", min_width=22, overflow="fold")  # a Spotify id, whole
    table.add_column("length")
    table.add_column("reasons", overflow="fold")
    for row in candidates:
        hit = hits.get(row["spotify_track_id"], {})
        duration_ms = hit.get("duration_ms")
        name = shown(hit.get("name")) if hit else "not among the hits"
        artists = ", ".join(shown(artist["name"]) for artist in hit.get("artists") or [])
        table.add_row(
            "✔" if row["accepted"] else "=" if row["equivalent"] else "",
            "–" if row["score"] is None else f"{row['score']:.3f}",
            "\n".join([name, row["spotify_track_id"], *filter(None, (artists, _album_of(hit)))]),
            _seconds(duration_ms / 1000 if duration_ms else None),
            "; ".join(row["reasons"]),
        )
    table.caption = "✔ the match   = the same recording on another album"
    if any(row["source"] == BY_HAND for row in candidates):
        table.caption += "   – not compared: set by hand"
    return table


def _evidence_table(song: Row, hit: Row, row: Row, renamings: Renamings) -> Table:
    title = f"Evidence for {row['spotify_track_id']}, rank {row['rank']}"
    table = Table("evidence", "MSD", "Spotify", "bits", "of", "in words", title=title)
    table.caption = f"each bit doubles the odds that it is the song, which begin with {PRIOR:g} bits"
    for line in explain_match(song_of(song), candidate_of(hit), renamings):
        points, most = (f"{line.points:g}", f"{line.of:g}") if line.level else ("", "")
        points = "veto" if line.points <= VETO else points
        table.add_row(line.evidence, line.song, line.candidate, points, most, line.words)
    return table


def _rows(store: StagingStore, kind: str, track_id: str) -> list[Row]:
    """The track's rows of a staged kind."""
    partition = partition_of(track_id)
    staged = store.staged_file(kind, partition)
    if staged is None:
        if kind == "msd_songs":
            raise CommandError(
                f"There is no track {track_id}: nothing of its partition {partition} is staged here. Check "
                "the id, or name another folder with --data."
            )
        raise CommandError(
            f"Nothing of {kind} is staged for partition {partition}, where {track_id} belongs. Repeat "
            "`music-assets run` as before, with the same --msd."
        )
    return [row for row in decode(store.read(staged)) if row["track_id"] == track_id]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"
