"""One file of a companion set to rows by track id, in the form its site gives it; None for an odd line.

Which files there are is in `sets`. The Taste Profile has 48 million lines: `index` reads it by SQL.
"""

from __future__ import annotations

import io
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from music_assets.ids import is_msd_track_id
from music_assets.sources.dumps import DumpDamaged

Row = dict[str, Any]  # with `track_id`
_CLIQUE = re.compile(r"%((?:-?\d{1,9},)+) ?(.*)")
_MOST_JSON = 16 << 20  # bytes of a track's file; real ones have some KB
_MOST_LINE = 1 << 20  # characters; real ones have up to 40,000
_MOST_WEIGHT = 100  # of a tag
_TAGS = """
    SELECT tids.tid, tags.tag, tid_tag.val
    FROM tid_tag JOIN tids ON tids.ROWID = tid_tag.tid JOIN tags ON tags.ROWID = tid_tag.tag
    ORDER BY tid_tag.tid
"""


def tagtraum(file: Path) -> Iterator[Row | None]:
    """`TR…<tab>genre`, and a second genre where there were votes for another."""
    of = file.name.split(".")[0].rpartition("_")[2]  # cd1, cd2 or cd2c
    for line in lines(file):
        track_id, *genres = (part.strip() for part in line.split("\t"))
        genres = [genre for genre in genres if genre]
        if is_msd_track_id(track_id) and 1 <= len(genres) <= 2 and max(map(len, genres)) <= 32:
            yield {"track_id": track_id, of: genres}
        else:
            yield None


def secondhandsongs(file: Path) -> Iterator[Row | None]:
    """`%work,work, title` opens a group of covers; below it `TR…<SEP>AR…<SEP>performance`, -1 if unknown."""
    works: list[int] | None = None
    tracks: list[Row] = []

    def group() -> Iterator[Row]:
        clique = min((track["track_id"] for track in tracks), default="")
        return ({**track, "clique": clique, "works": works} for track in tracks)

    for line in lines(file):
        if opens := _CLIQUE.fullmatch(line):
            yield from group()
            works, tracks = [int(work) for work in opens[1].split(",") if work], []
            continue
        track_id, *rest = line.split("<SEP>")
        if works is None or not is_msd_track_id(track_id) or not (len(rest) == 2 and _is_number(rest[1])):
            works = None if line.startswith("%") else works  # what follows is of a group that is unknown
            yield None
            continue
        performance = int(rest[1])
        tracks.append(
            {"track_id": track_id, "performance": performance if performance > 0 else None, **_split(file)}
        )
    yield from group()


def musixmatch(file: Path) -> Iterator[Row | None]:
    """`%word,word,…` has the words; below it `TR…,id at musiXmatch,number of the word:count,…`."""
    words: list[str] = []
    for line in lines(file):
        if line.startswith("%"):
            words = line[1:].rstrip(",").split(",")
            continue
        track_id, mxm_tid, *counts = f"{line},".split(",")  # an id is empty where it is missing
        pairs = [pair.split(":") for pair in counts if pair]
        fits = all(
            len(pair) == 2 and all(map(_is_number, pair)) and 0 < int(pair[0]) <= len(words) for pair in pairs
        )
        if fits and is_msd_track_id(track_id) and _is_number(mxm_tid):
            found = [{"word": words[int(at) - 1], "count": int(count)} for at, count in pairs]
            yield {"track_id": track_id, "mxm_tid": int(mxm_tid), "words": found, **_split(file)}
        else:
            yield None


def lastfm(file: Path) -> Iterator[Row | None]:
    """The tags in the SQLite database, or in a ZIP with a JSON file of each track."""
    for track_id, tags in (_of_database if file.suffix == ".db" else _of_json)(file):
        weighed = [(tag, weight) for tag, text in tags if (weight := _weight(text)) is not None]
        if not is_msd_track_id(track_id) or len(weighed) < len(tags):
            yield None
        if is_msd_track_id(track_id) and weighed:
            best_first = sorted(weighed, key=lambda one: (-one[1], one[0]))
            yield {"track_id": track_id, "tags": [{"tag": tag, "weight": val} for tag, val in best_first]}


READERS: dict[str, Callable[[Path], Iterator[Row | None]]] = {
    "tagtraum": tagtraum,
    "lastfm": lastfm,
    "secondhandsongs": secondhandsongs,
    "musixmatch": musixmatch,
}


def _of_database(file: Path) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro&immutable=1", uri=True)) as db:
            db.text_factory = lambda text: text.decode("utf-8", "replace")
            for track_id, rows in groupby(db.execute(_TAGS), key=itemgetter(0)):
                yield str(track_id), [(str(tag), weight) for _, tag, weight in rows]
    except sqlite3.Error as error:
        raise DumpDamaged(file, str(error)) from error


def _of_json(file: Path) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    with _zip(file) as archive:
        for member in archive.infolist():
            if not member.filename.endswith(".json") or member.filename.startswith("__MACOSX"):
                continue
            track_id = member.filename.rpartition("/")[2].removesuffix(".json")
            try:
                content = archive.read(member) if member.file_size <= _MOST_JSON else b""
                tags = [(str(tag), weight) for tag, weight in orjson.loads(content)["tags"]]
            except (KeyError, TypeError, ValueError):
                track_id, tags = "", []
            yield track_id, tags


def lines(file: Path) -> Iterator[str]:
    """The lines of a text file, or of the one in a ZIP, but for comments and empty ones."""
    with opened(file) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="\n")
        while line := text.readline(_MOST_LINE):
            if (line := line.strip("\r\n \x1a")) and not line.startswith("#"):
                yield line


@contextmanager
def opened(file: Path) -> Iterator[Any]:
    """The bytes of a file, or of the one in a ZIP of its name."""
    if file.suffix != ".zip":
        with file.open("rb") as stream:
            yield stream
        return
    with _zip(file) as archive:
        name = file.name.removesuffix(".zip")
        found = [
            one for one in archive.namelist() if one.rpartition("/")[2] == name and "__MACOSX" not in one
        ]
        if not found:
            raise DumpDamaged(file, f"it holds no {name}")
        with archive.open(found[0]) as stream:
            yield stream


@contextmanager
def _zip(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zlib.error) as error:
        raise DumpDamaged(file, str(error) or type(error).__name__) from error


def _split(file: Path) -> Row:
    return {"split": "test" if "_test" in file.name else "train"}


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,9}", text) is not None


def _weight(value: Any) -> float | None:
    """A tag's weight, 0 to 100; None for what is none."""
    try:
        weight = float(value)
    except (TypeError, ValueError):
        return None
    return weight if 0 <= weight <= _MOST_WEIGHT else None
