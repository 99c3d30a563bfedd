"""A small Echo Nest archive for the songs of a catalogue: right ids, dead and wrong ones, unknown songs.

Everything follows from the song id and a seed. The shape of a file is the real archive's; the shares are
invented. Reading archives is in `music_assets.sources.echonest`.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from music_assets.sandbox.other_services import gone
from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets_tests.support.sandbox import truth

if TYPE_CHECKING:
    import pandas as pd

KNOWN = 0.7  # of the songs have a Spotify id in the archive
_WRONG, _DEAD, _MOVED = (
    0.05,
    0.07,
    0.15,
)  # of those: another song's id, a dead one, a dead one and then right ones
_FOLDER = "millionsongdataset_echonest"
_NOISE = 1000  # tracks that wrong ids are taken from

Write = Callable[[str, bytes], None]


def write_archive(
    path: str | os.PathLike[str],
    songs: pd.DataFrame,
    catalogue: str | os.PathLike[str],
    *,
    seed: int = 0,
    broken: int = 0,
) -> dict[str, str]:
    """Write an archive about these songs (columns `song_id` and `track_id`) and say what became of each.

    A path that ends in `.tar`, `.tar.gz` or `.tar.bz2` becomes such a file, any other a folder. By song id
    the answer says `right`, `moved` (a dead id first), `wrong`, `dead`, `elsewhere` (known, not on Spotify),
    `empty` or `broken` (no JSON: the first `broken` songs).
    """
    right = truth(catalogue)
    others = _some_tracks(catalogue)
    became: dict[str, str] = {}
    with _writer(Path(path)) as write:
        for song_id, track_id in zip(songs["song_id"], songs["track_id"], strict=True):
            if song_id in became:  # a song of several tracks
                continue
            dice = random.Random(f"{seed}/{song_id}")
            kind, ids = _fate(dice, sorted(right.get(track_id, ())), others)
            if len(became) < broken:
                kind, content = "broken", b'{"response": {"status": {"version": "4.2"'
            else:
                content = orjson.dumps(_answer(song_id, kind, ids, dice))
            write(f"{song_id[2:4]}/{song_id}.json", content)
            became[song_id] = kind
    return became


def shares(became: dict[str, str]) -> dict[str, int]:
    """How many songs became what."""
    return dict(Counter(became.values()))


def _fate(dice: random.Random, right: list[str], others: list[str]) -> tuple[str, list[str]]:
    """What the archive knows of a song, and the Spotify ids it has for it."""
    if dice.random() >= KNOWN:
        return ("empty" if dice.random() < 0.5 else "elsewhere"), []
    roll, stranger = dice.random(), dice.choice(others)
    if roll < _WRONG and stranger not in right:
        return "wrong", [stranger]
    if not right or roll < _WRONG + _DEAD:
        return "dead", [gone(right[0] if right else stranger)]
    dice.shuffle(right)
    return ("moved", [gone(right[0]), *right]) if roll < _WRONG + _DEAD + _MOVED else ("right", right)


def _answer(song_id: str, kind: str, ids: list[str], dice: random.Random) -> Any:
    status = {"version": "4.2", "code": 0, "message": "Success"}
    if kind == "empty":
        return {"response": {"status": status, "songs": []}}

    def track(catalog: str, foreign: str) -> dict[str, str]:
        own = "TR" + "".join(dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=16))
        return {
            "catalog": catalog,
            "foreign_id": f"{catalog}:track:{foreign}",
            "id": own,
            "album_type": "unknown",
        }

    tracks = [track("7digital-US", str(dice.randrange(10**8))), *(track("spotify", id_) for id_ in ids)]
    song = {"id": song_id, "artist_foreign_ids": [], "foreign_ids": [], "tracks": tracks}
    return {"response": {"status": status, "songs": [song]}}


def _some_tracks(catalogue: str | os.PathLike[str]) -> list[str]:
    with contextlib.closing(open_to_read(catalogue)) as db:
        return [id_ for (id_,) in db.execute("SELECT id FROM tracks ORDER BY id LIMIT ?", [_NOISE])]


@contextlib.contextmanager
def _writer(path: Path) -> Iterator[Write]:
    path.parent.mkdir(parents=True, exist_ok=True)
    compression = {".tar": "", ".gz": "gz", ".bz2": "bz2"}.get(path.suffix)
    if compression is None:
        yield lambda name, content: _write_file(path / name, content)
        return
    with tarfile.open(path, f"w:{compression}") as tar:  # type: ignore[call-overload]

        def add(name: str, content: bytes) -> None:
            member = tarfile.TarInfo(f"{_FOLDER}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))

        yield add


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
