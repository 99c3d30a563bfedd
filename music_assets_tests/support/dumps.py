"""Small dumps in the formats of MusicBrainz and AcousticBrainz, written by a test for what it is about."""

from __future__ import annotations

import bz2
import csv
import io
import tarfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import zstandard

CANONICAL = "musicbrainz-canonical-dump-20261103-080003"
FEATURES = "acousticbrainz-lowlevel-features-20220623"
_COLUMNS = (
    "id artist_credit_id artist_mbids artist_credit_name release_mbid release_name recording_mbid "
    "recording_name combined_lookup score"
).split()


def mbid(number: int) -> str:
    return str(uuid.UUID(int=(number * 0x9E3779B1 % 2**32) << 96 | number))


def recording(
    number: int,
    name: str,
    artist: str = "The Ys",
    *,
    credit: int = 1,
    artists: str = mbid(500),
    release: str = "An Album",
    score: int | None = None,
) -> list[object]:
    """A row of the canonical dump."""
    lookup = (artist + name).replace(" ", "").lower()
    score = number if score is None else score
    return [number, credit, artists, artist, mbid(9000 + number), release, mbid(number), name, lookup, score]


def csv_of(columns: Sequence[str] | None, rows: Sequence[Sequence[object]], line_end: str = "\n") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerows([columns, *rows] if columns else rows)
    return text.getvalue().encode()


def tar_of(members: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, body in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return content.getvalue()


def write_canonical(
    folder: Path,
    rows: Sequence[Sequence[object]],
    redirects: Sequence[tuple[str, str]] = (),
    *,
    more: bytes = b"",
    name: str = CANONICAL,
) -> Path:
    """The canonical dump with these rows; `more` is put behind them as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = ("recording_mbid", "canonical_recording_mbid", "canonical_release_mbid")
    members = {
        f"{name}/TIMESTAMP": b"2026-11-03 08:00:03",
        f"{name}/canonical/canonical_release_redirect.csv": b"release_mbid\n",
        f"{name}/canonical/canonical_musicbrainz_data.csv": csv_of(_COLUMNS, rows) + more,
        f"{name}/canonical/canonical_recording_redirect.csv": csv_of(
            columns, [(one, two, mbid(1)) for one, two in redirects]
        ),
    }
    file = folder / f"{name}.tar.zst"
    file.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(tar_of(members)))
    return file


def write_mapping(folder: Path, rows: Sequence[Sequence[object]], more: bytes = b"") -> None:
    file = folder / "msd-mbid-2016-01-results-ab.csv.bz2"
    file.write_bytes(bz2.compress(csv_of(None, rows) + more))


def write_full(folder: Path, tables: Mapping[str, Sequence[Sequence[object]]]) -> None:
    """The full dump with these tables."""
    members = {
        f"mbdump/{name}": "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()
        for name, rows in tables.items()
    }
    (folder / "mbdump.tar.bz2").write_bytes(bz2.compress(tar_of({"COPYING": b"CC0", **members})))


def write_features(
    folder: Path, kind: str, rows: Sequence[Sequence[object]], columns: Sequence[str] = ()
) -> Path:
    """One file of AcousticBrainz's dump; `rows` are of the columns that are read unless others are given."""
    known = {
        "rhythm": ("mbid", "submission_offset", "bpm", "danceability"),
        "tonal": ("mbid", "submission_offset", "key_key", "key_scale"),
        "lowlevel": ("mbid", "submission_offset", "average_loudness"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    content = csv_of(columns or known[kind], rows, "\r\n")
    file = folder / f"{FEATURES}-{kind}.tar.zst"
    file.write_bytes(zstandard.compress(tar_of({f"{FEATURES}/{FEATURES}-{kind}.csv": content})))
    return file
