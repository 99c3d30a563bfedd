"""The sandbox's dumps: small files in the formats of MusicBrainz, AcousticBrainz and the Echo Nest archive.

A file is written when it is first requested, from the catalogue, the same on every machine. Where each stands
on the web and what it holds is in `music_assets.sources`; what the archive knows is in `echonest`. Reported
of November 2026: names, members, columns, line ends and checksums; the columns' values are invented.
"""

from __future__ import annotations

import bz2
import csv
import hashlib
import io
import re
import sqlite3
import tarfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import zstandard
from anyascii import anyascii

from music_assets.sandbox import echonest, full_dump
from music_assets.sandbox.recordings import mbid_of
from music_assets.sandbox.spotify.names import dice_of

CANONICAL = ("musicbrainz-canonical-dump-20261103-080003", "musicbrainz-canonical-dump-20261117-080003")
FEATURES = "acousticbrainz-lowlevel-features-20220623"
MAPPING = "msd-mbid-2016-01-results-ab.csv.bz2"
_KINDS = ("lowlevel", "rhythm", "tonal")
_COPYING = b"Creative Commons Legal Code\n\nCC0 1.0 Universal\n"
_KEYS = "C C# D Eb E F F# G Ab A Bb B".split()
_MAPPED = 50  # percent of the songs with a recording that the mapping of 2016 has
_MAPPED_WRONG = 4  # percent of those lead to another recording
_DATA = (
    *("id", "artist_credit_id", "artist_mbids", "artist_credit_name", "release_mbid", "release_name"),
    *("recording_mbid", "recording_name", "combined_lookup", "score"),
)
_PEAKS = (
    f"bpm_histogram_{peak}_peak_bpm_{what}" for peak in ("first", "second") for what in ("mean", "median")
)
_COLUMNS = {
    "lowlevel": ("average_loudness", "dynamic_complexity", "mfcc_zero_mean"),
    "rhythm": ("bpm", *_PEAKS, "danceability", "onset_rate"),
    "tonal": ("key_key", "key_scale", "tuning_frequency", "tuning_equal_tempered_deviation"),
}
Member = tuple[str, bytes]


class Dumps:
    """The dumps of one catalogue, as files below `<source>/`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._folder = TemporaryDirectory(prefix="music_assets_sandbox_")
        self._write: dict[str, Callable[[Path], None]] = {
            f"echonest/{echonest.NAME}": partial(_tar_bz2, lambda: echonest.members(db)),
            f"echonest/{MAPPING}": self._mapping,
            f"musicbrainz/{full_dump.NAME}": partial(_tar_bz2, lambda: full_dump.members(db, _COPYING)),
        }
        for name in CANONICAL:
            at = f"musicbrainz/{name}/{name}.tar.zst"
            self._write[at] = partial(_tar_zst, partial(self._canonical, name))
            self._write[f"{at}.sha256"] = partial(self._checksums, [at])
        kinds = [f"acousticbrainz/{FEATURES}-{kind}.tar.zst" for kind in _KINDS]
        for kind, at in zip(_KINDS, kinds, strict=True):
            self._write[at] = partial(_tar_zst, partial(self._features, kind))
        self._write["acousticbrainz/sha256sums"] = partial(self._checksums, kinds)

    @property
    def sources(self) -> set[str]:
        """The sources that have dumps."""
        return {path.partition("/")[0] for path in self._write}

    def file(self, path: str) -> Path | None:
        """The file of that path, written where it is not there yet; None where there is none."""
        write = self._write.get(path)
        if write is None:
            return None
        file = Path(self._folder.name) / path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write(file)
        return file

    def listing(self, path: str) -> str | None:
        """The page that lists a folder (its path ends with `/`), as a web server writes it."""
        below = [
            file.removeprefix(path) for file in self._write if path[-1:] == "/" and file.startswith(path)
        ]
        if not below:
            return None
        names = dict.fromkeys(f"{head}{slash}" for head, slash, _ in (file.partition("/") for file in below))
        links = "\n".join(
            f'<a href="{name}">{name}</a>{" " * 20}17-Nov-2026 08:13{" " * 8}-' for name in sorted(names)
        )
        title = f"Index of /{path}"
        return (
            f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1><hr><pre>"
            f'<a href="../">../</a>\n{links}\n</pre><hr></body>\n</html>\n'
        )

    def _checksums(self, paths: Iterable[str], to: Path) -> None:
        lines = []
        for path in paths:
            file = self.file(path)
            assert file is not None
            lines.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n")
        to.write_text("".join(lines))

    # -- MusicBrainz: one row per artist credit and title; other recordings of the same lead to it

    def _canonical(self, name: str) -> Iterator[Member]:
        yield f"{name}/TIMESTAMP", b"2026-11-17 08:00:03.172114"
        yield f"{name}/COPYING", _COPYING
        data: dict[str, tuple[Any, ...]] = {}
        redirects, releases = [], {}
        sql = (
            "SELECT artist_mbids, artist_name, release_mbid, release_name, mbid, name FROM recordings "
            "ORDER BY track_id IS NULL, mbid"
        )
        for number, row in enumerate(self._db.execute(sql), 1):
            artists, artist, release, _, mbid, title = row
            lookup = _lookup(artist + title)
            if first := data.get(lookup):
                redirects.append((mbid, first[6], first[4]))
                if release != first[4]:
                    releases[release] = (release, first[4], mbid_of("release group", release))
            elif lookup:
                credit = dice_of("credit", artists, artist) % 10**7
                data[lookup] = (number, credit, *row, lookup, number)
        yield f"{name}/canonical/canonical_musicbrainz_data.csv", _csv(_DATA, data.values())
        columns: tuple[str, ...] = ("recording_mbid", "canonical_recording_mbid", "canonical_release_mbid")
        yield f"{name}/canonical/canonical_recording_redirect.csv", _csv(columns, redirects)
        columns = ("release_mbid", "canonical_release_mbid", "release_group_mbid")
        yield f"{name}/canonical/canonical_release_redirect.csv", _csv(columns, releases.values())

    def _mapping(self, to: Path) -> None:
        """The mapping of 2016, without a header: MSD track, recording, title, artist. Some of it is wrong."""
        sql = (
            "SELECT s.track_id, r.mbid, s.title, s.artist_name "
            "FROM songs s JOIN recordings r USING (track_id) ORDER BY s.track_id"
        )
        rows, previous = [], ""
        for track_id, mbid, title, artist in self._db.execute(sql):
            dice = dice_of("mapping", track_id)
            if dice % 100 < _MAPPED:
                wrong = dice // 100 % 100 < _MAPPED_WRONG
                rows.append((track_id, previous if wrong and previous else mbid, title, artist))
            previous = mbid
        to.write_bytes(bz2.compress(_csv(None, rows)))

    # -- AcousticBrainz: a row per submission, all values text, CRLF

    def _features(self, kind: str) -> Iterator[Member]:
        yield f"{FEATURES}/COPYING", _COPYING
        rows: list[tuple[Any, ...]] = []
        sql = "SELECT mbid, tempo, key, mode, loudness FROM recordings WHERE tempo IS NOT NULL ORDER BY mbid"
        for mbid, *values in self._db.execute(sql):
            for offset in range(1 + dice_of("submissions", mbid) % 5):
                rows.append((mbid, offset, *_submission(kind, mbid, offset, *values)))
        content = _csv(("mbid", "submission_offset", *_COLUMNS[kind]), rows, "\r\n")
        yield f"{FEATURES}/{FEATURES}-{kind}.csv", content


def _submission(
    kind: str, mbid: str, offset: int, tempo: float, key: int, mode: int, loudness: float
) -> tuple[Any, ...]:
    """What an extractor submitted of a recording: near the truth, but for one submission in ten."""
    dice = dice_of("submission", mbid, str(offset))
    off = dice % 10 == 0 and offset > 1
    if kind == "rhythm":
        bpm = round(tempo * (2 if off else 0.998 + dice % 100 / 25_000), 6)
        danceability = round(0.8 + dice_of("danceability", mbid) % 1000 / 1000 + dice % 7 / 500, 6)
        return bpm, round(bpm), round(bpm), round(bpm / 2), round(bpm / 2), danceability, 3.1
    if kind == "tonal":
        return _KEYS[(key + 7 * off) % 12], "major" if mode else "minor", 440.2, 0.07
    average = round(min(0.99, max(0.01, 1 + loudness / 40)), 6)
    return average, round(2 + dice % 50 / 10, 4), -650.5


def _lookup(text: str) -> str:
    """As the dump compares names: no signs, case or accents."""
    return anyascii(re.sub(r"\W", "", text)).lower()


def _csv(columns: Iterable[str] | None, rows: Iterable[Iterable[Any]], line_end: str = "\n") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    if columns is not None:
        writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def _tar_zst(members: Callable[[], Iterator[Member]], to: Path) -> None:
    to.write_bytes(zstandard.compress(_tar(members())))


def _tar_bz2(members: Callable[[], Iterator[Member]], to: Path) -> None:
    to.write_bytes(bz2.compress(_tar(members())))


def _tar(members: Iterator[Member]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, body in members:
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return content.getvalue()
