"""Small files of the companion sets, in the form their sites give them."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

SHS_HEADER = "# TRAINING SET\n# SECONDHANDSONGS DATASET\n#   %a,b,c, title          - beginning of a clique\n"
MXM_HEADER = "# TRAINING SET\n# MusiXmatch dataset, the official lyrics dataset\n"


def zipped(file: Path) -> Path:
    """The file in a ZIP of its name, as sites give it, with what macOS adds; the file itself is removed."""
    packed = file.with_name(f"{file.name}.zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"__MACOSX/{file.name}", b"\0\5\26\7")
        archive.write(file, f"folder/{file.name}")
    file.unlink()
    return packed


def write_genres(folder: Path, of: str, genres: Mapping[str, Sequence[str]]) -> Path:
    lines = ["# MSD tagtraum", *("\t".join([track, *some]) for track, some in genres.items())]
    return _write(folder / f"msd_tagtraum_{of}.cls", "\n".join(lines) + "\n")


def write_covers(folder: Path, split: str, cliques: Sequence[tuple[str, Sequence[str]]]) -> Path:
    """Each clique with its works and title as in the file, and its tracks, with performances from 1."""
    text = SHS_HEADER
    for opens, tracks in cliques:
        text += f"%{opens}\n"
        text += "".join(
            f"{track}<SEP>ARXJJSN1187B98CB37<SEP>{n}\n" for n, track in enumerate(tracks, start=1)
        )
    return _write(folder / f"shs_dataset_{split}.txt", text)


def write_lyrics(folder: Path, split: str, words: str, lines: Sequence[str]) -> Path:
    return _write(folder / f"mxm_dataset_{split}.txt", MXM_HEADER + "\n".join([f"%{words}", *lines]) + "\n")


def write_plays(folder: Path, triplets: Sequence[tuple[str, str, int]]) -> Path:
    return _write(folder / "train_triplets.txt", "".join(f"{u}\t{s}\t{n}\n" for u, s, n in triplets))


def write_tag_database(folder: Path, tags: Mapping[str, Mapping[str, float]]) -> Path:
    file = folder / "lastfm_tags.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    names = sorted({tag for some in tags.values() for tag in some})
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE tags (tag TEXT)")
        db.execute("CREATE TABLE tids (tid TEXT)")
        db.execute("CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT)")
        db.executemany("INSERT INTO tags VALUES (?)", [(name,) for name in names])
        for row, (track, some) in enumerate(tags.items(), start=1):
            db.execute("INSERT INTO tids VALUES (?)", (track,))
            rows = [(row, names.index(tag) + 1, weight) for tag, weight in some.items()]
            db.executemany("INSERT INTO tid_tag VALUES (?, ?, ?)", rows)
    db.close()
    return file


def write_tag_archive(folder: Path, name: str, tags: Mapping[str, Sequence[Sequence[str]]]) -> Path:
    file = folder / f"lastfm_{name}.zip"
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for track, some in tags.items():
            content = {"artist": "A", "timestamp": "2011-08-02", "similars": [], "tags": some, "title": "T"}
            place = f"lastfm_{name}/{track[2]}/{track[3]}/{track[4]}/{track}.json"
            archive.writestr(place, json.dumps({**content, "track_id": track}))
    return file


def _write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
