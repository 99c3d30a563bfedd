"""Dumps with changed bytes, lines and cells: read without what is odd, or refused by name."""

from __future__ import annotations

import bz2
import io
import random
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import zstandard

from music_assets.ids import MBID, is_spotify_id
from music_assets.sandbox.dumps import Dumps
from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets.sources.acousticbrainz import AcousticBrainz, find_files
from music_assets.sources.dumps import DumpError
from music_assets.sources.echonest import EchoNestArchive
from music_assets.sources.musicbrainz import MusicBrainz, MusicBrainzFiles, WantedSong
from music_assets.staging.rows import encode_for
from music_assets_tests.campaigns.world import LONG
from music_assets_tests.support.dumps import tar_of
from music_assets_tests.support.sandbox import catalogue, songs_frame

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

CASES = 2000 if LONG else 12  # of each dump
SONGS = songs_frame(40)
ODD = (
    b"",
    b"\0",
    b"\xff\xfe",
    b'"',
    b'"""',
    b"\r",
    b"\n\n",
    b"x" * 100_000,
    b",,,,",
    b"nan",
    b"1e999",
    b"-1",
)


def changed(content: bytes, dice: random.Random) -> bytes:
    """A text file with one to three lines or cells that are not what they were."""
    lines, separator = content.split(b"\n"), b"\t" if b"\t" in content else b","
    for _ in range(dice.choice((1, 1, 2, 3))):
        at, odd = dice.randrange(len(lines)), dice.choice(ODD)
        cells = lines[at].split(separator)
        place = dice.randrange(len(cells))
        match dice.choice(("cell", "cell", "cell", "drop", "line", "twice", "cut", "swap")):
            case "cell":
                cells[place] = odd
            case "drop":
                del cells[place]
            case "line":
                cells = [odd]
            case "twice":
                lines.insert(at, lines[at])
            case "cut":
                lines = lines[: at + 1]
            case _:
                cells.reverse()
        lines[at] = separator.join(cells)
    return b"\n".join(lines)


def repacked(file: Path, dice: random.Random) -> bytes:
    """An archive with one of its members changed, or with changed bytes of its own."""
    packed = file.read_bytes()
    is_zst = file.suffix == ".zst"
    if dice.random() < 0.25:
        at, size = dice.randrange(len(packed)), dice.choice((1, 8, 200))
        return (
            packed[:at] if dice.random() < 0.3 else packed[:at] + dice.randbytes(size) + packed[at + size :]
        )
    content = zstandard.ZstdDecompressor().stream_reader(packed).read() if is_zst else bz2.decompress(packed)
    if file.name.endswith(".csv.bz2"):
        return bz2.compress(changed(content, dice))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        members = {one.name: opened.read() for one in tar if (opened := tar.extractfile(one))}
    name = dice.choice([name for name in members if name.endswith((".csv", ".json")) or "mbdump/" in name])
    members[name] = changed(members[name], dice)
    tarred = tar_of(members)
    return zstandard.compress(tarred) if is_zst else bz2.compress(tarred)


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dumps]:
    with closing(open_to_read(catalogue(tmp_path_factory.mktemp("catalogue"), SONGS))) as db:
        yield Dumps(db)


def musicbrainz(folder: Path, cache: Path) -> list[dict[str, Any]]:
    files = MusicBrainzFiles.find(folder)
    assert files
    songs = [
        WantedSong(row.track_id, row.song_id, row.title, None, (row.artist_name,))
        for row in SONGS.itertuples()
    ]
    with MusicBrainz.open(files, cache) as opened:
        found = opened.candidates(songs)([song.track_id for song in songs])
    assert found.keys() <= {song.track_id for song in songs}
    every = [one for candidates in found.values() for one in candidates]
    assert all(MBID.fullmatch(one.recording_mbid) and one.recording_name.strip() for one in every)
    return []


def acousticbrainz(folder: Path, cache: Path) -> list[dict[str, Any]]:
    with AcousticBrainz.open(find_files(folder), cache) as opened:
        rows = opened._db.execute("SELECT mbid::VARCHAR FROM features").fetchall()
        return opened.features([mbid for (mbid,) in rows])


def echonest(folder: Path, cache: Path) -> list[dict[str, Any]]:
    (file,) = folder.glob("*.bz2")
    with EchoNestArchive.open(file, cache) as opened:
        found = opened.ids_of(SONGS["song_id"]).values()
    spotifys = [id_ for ids in found for id_ in (*ids.tracks, *ids.albums, *ids.albums.values())]
    assert all(map(is_spotify_id, spotifys))
    assert all(MBID.fullmatch(id_) for ids in found for id_ in ids.recordings)
    return []


DUMPS: dict[str, tuple[str, Callable[[Path, Path], list[dict[str, Any]]]]] = {
    "MusicBrainz": ("musicbrainz/", musicbrainz),
    "AcousticBrainz": ("acousticbrainz/", acousticbrainz),
    "Echo Nest": ("echonest/millionsong", echonest),
}


@pytest.mark.parametrize("name", DUMPS)
def test_a_changed_dump_is_read_or_refused_by_name(name: str, dumps: Dumps, tmp_path: Path) -> None:
    prefix, read = DUMPS[name]
    paths = [path for path in dumps._write if path.startswith(prefix) and not path.endswith(("256", "sums"))]
    became: Counter[str] = Counter()
    for case in range(CASES):
        dice = random.Random(f"{name} {case}")
        folder = tmp_path / f"{case}"
        chosen = dice.choice(paths)
        for path in paths:
            file = dumps.file(path)
            assert file
            place = folder / file.name
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(repacked(file, dice) if path == chosen else file.read_bytes())
        try:
            rows = read(folder, folder / "cache")
            encoded = encode_for("acousticbrainz_features", [{**row, "source": "x"} for row in rows], "AA")
            assert encoded.validation is not None and not encoded.changes, encoded.changes
            became["read"] += 1
        except DumpError as error:
            assert len(str(error)) < 2000
            became[type(error).__name__] += 1
        except Exception as error:
            raise AssertionError(f"{name}, case {case}, {chosen}") from error
    assert became["read"] and sum(became.values()) == CASES
