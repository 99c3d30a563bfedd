"""The sandbox's dumps: their true formats, listings and checksums, and how much of the songs they know."""

from __future__ import annotations

import bz2
import csv
import hashlib
import io
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
import requests
import zstandard

from music_assets.ids import MBID
from music_assets.resolution.recordings import link, wanted
from music_assets.sandbox import full_dump
from music_assets.sandbox.dumps import CANONICAL
from music_assets.sources.ledger import Ledger
from music_assets.sources.musicbrainz import MusicBrainz, MusicBrainzFiles
from music_assets.sources.reccobeats import RECCOBEATS, ReccoBeats
from music_assets_tests.support.sandbox import SandboxServer, songs_frame, truth

FRAME = songs_frame(300)
FEATURES = "acousticbrainz-lowlevel-features-20220623"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def songs() -> pd.DataFrame:
    return FRAME


@pytest.fixture
def get(server: SandboxServer) -> Iterator[Any]:
    with requests.Session() as session:

        def fetch(path: str, **headers: str) -> requests.Response:
            return session.get(f"{server.address.dumps_url}{path}", headers=headers, timeout=30)

        yield fetch


def members(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def unpacked(content: bytes) -> dict[str, bytes]:
    return members(zstandard.ZstdDecompressor().decompressobj().decompress(content))


def rows(content: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@pytest.fixture
def canonical(get: Any) -> tuple[Rows, Rows]:
    """The newest canonical dump, found as a person finds it: the data, and what was merged into it."""
    names = re.findall(r'href="(musicbrainz-canonical-dump-\d{8}-\d{6})/"', get("musicbrainz/").text)
    assert len(names) == 2
    newest = max(names)
    assert f'href="{newest}.tar.zst.sha256"' in get(f"musicbrainz/{newest}/").text
    content = get(f"musicbrainz/{newest}/{newest}.tar.zst").content
    checksum, name = get(f"musicbrainz/{newest}/{newest}.tar.zst.sha256").text.split()
    assert (checksum, name) == (hashlib.sha256(content).hexdigest(), f"{newest}.tar.zst")
    files = {name.removeprefix(f"{newest}/"): body for name, body in unpacked(content).items()}
    assert {"COPYING", "TIMESTAMP", "canonical/canonical_release_redirect.csv"} <= files.keys()
    data, redirects = (
        f"canonical/canonical_{name}.csv" for name in ("musicbrainz_data", "recording_redirect")
    )
    return rows(files[data]), rows(files[redirects])


def test_the_canonical_dump_has_one_row_per_artist_and_title(canonical: tuple[Rows, Rows]) -> None:
    data, redirects = canonical
    assert len({row["combined_lookup"] for row in data}) == len(data) > 300
    for row in data:
        assert all(map(MBID.fullmatch, [row["recording_mbid"], row["release_mbid"]]))
        assert all(map(MBID.fullmatch, row["artist_mbids"].split(",")))
        assert re.fullmatch(r"\w+", row["combined_lookup"]) and row["score"].isdigit()
    known = {row["recording_mbid"] for row in data}
    assert all(row["canonical_recording_mbid"] in known for row in redirects)
    assert not known & {row["recording_mbid"] for row in redirects}


def test_most_songs_have_a_recording_and_half_of_those_are_analysed(
    canonical: tuple[Rows, Rows], get: Any
) -> None:
    mapping = bz2.decompress(get("echonest/msd-mbid-2016-01-results-ab.csv.bz2").content).decode()
    mapped = list(csv.reader(io.StringIO(mapping)))
    assert 0.25 < len(mapped) / len(FRAME) < 0.55 and all(len(row) == 4 for row in mapped)
    known = {row["recording_mbid"] for part in canonical for row in part}
    assert {row[1] for row in mapped} <= known and {row[0] for row in mapped} <= set(FRAME["track_id"])
    titles = Counter(row["recording_name"] for row in canonical[0])
    found = sum(
        title.replace("'", "’").removesuffix(" (Album Version)") in titles for title in FRAME["title"]
    )
    assert 0.65 < found / len(FRAME) < 0.9


def test_acousticbrainz_has_rows_by_submission_in_three_files(canonical: tuple[Rows, Rows], get: Any) -> None:
    sums = dict(reversed(line.split()) for line in get("acousticbrainz/sha256sums").text.splitlines())
    tables = {}
    for kind in ("lowlevel", "rhythm", "tonal"):
        name = f"{FEATURES}-{kind}.tar.zst"
        content = get(f"acousticbrainz/{name}").content
        assert sums[name] == hashlib.sha256(content).hexdigest()
        body = unpacked(content)[f"{FEATURES}/{FEATURES}-{kind}.csv"]
        assert body.count(b"\r\n") == body.count(b"\n")
        tables[kind] = rows(body)
    keys = [[(row["mbid"], row["submission_offset"]) for row in table] for table in tables.values()]
    assert keys[0] == keys[1] == keys[2] and len(set(keys[0])) == len(keys[0])
    known = {row["recording_mbid"] for part in canonical for row in part}
    assert {mbid for mbid, _ in keys[0]} < known
    assert 0.4 < len({mbid for mbid, _ in keys[0]}) / len(known) < 0.7
    assert {row["key_scale"] for row in tables["tonal"]} == {"major", "minor"}
    assert all(0 <= float(row["average_loudness"]) < 1 for row in tables["lowlevel"])
    assert all(0 < float(row["danceability"]) < 3 and float(row["bpm"]) > 20 for row in tables["rhythm"])


def test_one_song_in_five_of_the_archive_has_no_right_id(get: Any, songs_catalogue: Path) -> None:
    content = get("echonest/millionsongdataset_echonest.tar.bz2").content
    right = truth(songs_catalogue)
    with_ids, good = 0, 0
    for name, body in members(bz2.decompress(content)).items():
        (_, folder, file) = name.split("/")
        assert folder == file[2:4]
        for song in orjson.loads(body)["response"]["songs"]:
            tracks = [track for track in song["tracks"] if track["catalog"].startswith("spotify")]
            ids = {track["foreign_id"].removeprefix("spotify:track:") for track in tracks}
            assert song["title"] and all(track["album_name"] for track in tracks)
            (track_id,) = FRAME.loc[FRAME["song_id"] == file.removesuffix(".json"), "track_id"]
            with_ids += bool(ids)
            good += bool(ids & right[track_id])
    assert 0.62 < with_ids / len(FRAME) < 0.78 and 0.7 < good / with_ids < 0.87


def test_a_download_can_be_resumed_and_what_is_not_there_is_404(get: Any) -> None:
    path = "echonest/millionsongdataset_echonest.tar.bz2"
    whole = get(path).content
    rest = get(path, Range="bytes=1000-")
    assert (rest.status_code, rest.content) == (206, whole[1000:])
    for missing in ("echonest/x", "musicbrainz/x/", "musicbrainz", "acousticbrainz/../x"):
        assert get(missing).status_code == 404


def test_the_same_songs_give_the_same_dumps(get: Any, songs_catalogue: Path) -> None:
    from music_assets_tests.support.sandbox import running_server

    path = f"acousticbrainz/{FEATURES}-rhythm.tar.zst"
    with running_server(songs_catalogue) as other:
        again = requests.get(f"{other.address.dumps_url}{path}", timeout=30).content
    assert again == get(path).content


def test_the_full_dump_leads_songs_to_their_tracks(
    server: SandboxServer, get: Any, songs_catalogue: Path, ledger: Ledger, tmp_path: Path
) -> None:
    """End to end: two dumps, the join, ISRCs, and the lookup that verifies them."""
    (tmp_path / "mbdump.tar.bz2").write_bytes(get(f"musicbrainz/{full_dump.NAME}").content)
    name = CANONICAL[-1]
    archive = f"{name}.tar.zst"
    (tmp_path / archive).write_bytes(get(f"musicbrainz/{name}/{archive}").content)
    files = MusicBrainzFiles.find(tmp_path)
    assert files is not None and files.full is not None
    frame = FRAME.assign(artist_mbid=None).astype(object)
    rows = frame.where(frame.notna(), None).to_dict("records")
    with MusicBrainz.open(files, tmp_path / "cache") as musicbrainz:
        candidates = musicbrainz.candidates(map(wanted, rows))([row["track_id"] for row in rows])
    links = {row["track_id"]: link(row, candidates.get(row["track_id"], ())) for row in rows}
    isrcs = {id_: one.recording.isrcs for id_, one in links.items() if one and one.recording.isrcs}
    linked = {id_: one.recording.spotify_track_ids for id_, one in links.items() if one}
    right = truth(songs_catalogue)
    assert 0.15 * len(FRAME) < len(isrcs) < 0.35 * len(FRAME)
    for id_, tracks in linked.items():
        assert set(tracks or ()) <= right[id_]
    policy = replace(RECCOBEATS, base_url=server.address.reccobeats_url, requests_per_second=None)
    with ReccoBeats(policy, ledger, source="sandbox") as client:
        found, _ = client.tracks(isrc for each in isrcs.values() for isrc in each)
    verified = [id_ for id_, (isrc, *_) in isrcs.items() if isrc in found]
    assert len(verified) > 0.8 * len(isrcs)
    for id_ in verified:
        assert {row["spotify_track_id"] for row in found[isrcs[id_][0]]} <= right[id_]
