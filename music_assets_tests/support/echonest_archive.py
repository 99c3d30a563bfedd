"""The sandbox's Echo Nest archive about some songs, in every form it is read in, damaged files too.

What the archive knows is in `music_assets.sandbox.echonest`, reading it in `music_assets.sources.echonest`.
"""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from music_assets.sandbox.echonest import FOLDER, song_files
from music_assets.sandbox.spotify.catalogue import open_to_read

if TYPE_CHECKING:
    import pandas as pd

Write = Callable[[str, bytes], None]


def write_archive(
    path: str | os.PathLike[str],
    songs: pd.DataFrame,
    catalogue: str | os.PathLike[str],
    *,
    seed: int = 0,
    broken: int = 0,
) -> dict[str, str]:
    """Write an archive about these songs (a column `song_id`) and say what became of each.

    A path that ends in `.tar`, `.tar.gz` or `.tar.bz2` becomes such a file, any other a folder. The first
    `broken` songs become `broken`: their files are not JSON.
    """
    wanted = set(songs["song_id"])
    became: dict[str, str] = {}
    with _writer(Path(path)) as write, closing(open_to_read(catalogue)) as db:
        for song_id, fate, content in song_files(db, seed):
            if song_id not in wanted:
                continue
            if len(became) < broken:
                fate, content = "broken", b'{"response": {"status": {"version": "4.2"'
            write(f"{song_id[2:4]}/{song_id}.json", content)
            became[song_id] = fate
    return became


def shares(became: dict[str, str]) -> dict[str, int]:
    """How many songs became what."""
    return dict(Counter(became.values()))


@contextlib.contextmanager
def _writer(path: Path) -> Iterator[Write]:
    path.parent.mkdir(parents=True, exist_ok=True)
    compression = {".tar": "", ".gz": "gz", ".bz2": "bz2"}.get(path.suffix)
    if compression is None:
        yield lambda name, content: _write_file(path / name, content)
        return
    with tarfile.open(path, f"w:{compression}") as tar:  # type: ignore[call-overload]

        def add(name: str, content: bytes) -> None:
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))

        yield add


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
