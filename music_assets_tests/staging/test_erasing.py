"""What is removed for good from staging: all of a kind, a slice, or what only looks removed already."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from music_assets.staging.store import StagingStore
from music_assets_tests.support.s3_server import BUCKET, S3Server, receipt

ALL = ["AB", "AC", "2026-11-22"]


@pytest.fixture(params=["folder", "S3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StagingStore:
    place: StagingStore = (
        StagingStore(str(tmp_path)) if request.param == "folder" else request.getfixturevalue("s3_store")
    )
    for slice_ in ALL:
        place.write(receipt(slice_=slice_), b"x")
        place.write_json("songs_of_others", slice_, ".manifest.json", {})
    return place


def test_the_slices_of_a_kind_are_those_with_a_file(store: StagingStore) -> None:
    assert store.keys("songs") == sorted(ALL)
    assert store.keys("songs_of_others") == store.keys("nothing") == []
    assert store.content("songs", "AC") == b"x"


def test_a_slice_goes_and_its_neighbours_stay(store: StagingStore) -> None:
    assert store.erase("songs", "AC", count_only=True) == 2
    assert store.erase("songs", "AC") == 2
    assert store.keys("songs") == sorted({*ALL} - {"AC"})
    assert store.staged_file("songs", "AC") is None
    assert store.erase("songs", "2026-11-22") == 2
    assert store.keys("songs") == ["AB"]


def test_a_kind_goes_and_others_stay(store: StagingStore) -> None:
    assert store.erase("songs") == 6
    assert store.keys("songs") == []
    assert store.read_json("songs_of_others", "AB", ".manifest.json") == {}


def test_what_a_killed_write_left_goes_alone(tmp_path: Path) -> None:
    store = StagingStore(str(tmp_path))
    store.write(receipt(), b"x")
    (tmp_path / "songs" / "A" / "B.json.gz.77.part").write_bytes(b"half")
    assert store.erase("songs", leftovers=True) == 1
    assert store.read(receipt()) == b"x"


def test_earlier_versions_and_uploads_cut_short_go_from_s3(s3_store: StagingStore, server: S3Server) -> None:
    s3 = boto3.client("s3", endpoint_url=server.endpoint)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    def versions() -> int:
        listed = s3.list_object_versions(Bucket=BUCKET, Prefix="staged/songs/")
        return len(listed.get("Versions", [])) + len(listed.get("DeleteMarkers", []))

    for content in (b"x", b"y", b"x"):
        s3_store.write(receipt(content=content), content)  # each removes the receipt and writes it again
    s3.create_multipart_upload(Bucket=BUCKET, Key="staged/songs/A/B.json.gz")
    assert versions() > 6
    assert s3_store.erase("songs", leftovers=True) == 5  # two files, two receipts, an upload
    assert versions() == 2
    assert s3_store.read(receipt()) == b"x"
    assert s3_store.erase("songs") == 2
    assert versions() == 0
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
