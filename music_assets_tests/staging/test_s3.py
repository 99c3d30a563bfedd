"""Staging on S3, over a real socket to a server: whole, checksummed, encrypted, and never listed."""

from __future__ import annotations

import base64
import hashlib
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import duckdb
import pytest

from music_assets.cli.job import run_job
from music_assets.settings import Settings
from music_assets.staging import errors, s3
from music_assets.staging.store import StagingStore
from music_assets_tests.support.s3_server import BUCKET, PLACE, S3Server, receipt, refusal

FILE = f"{PLACE}/songs/A/B.json.gz"


def settings(server: S3Server, data: Path, **more: str) -> Settings:
    return Settings.from_environment({}, data=str(data), staging=PLACE, s3_endpoint=server.endpoint, **more)


def test_a_file_and_its_receipt_come_back(s3_store: StagingStore, server: S3Server) -> None:
    assert s3_store.staged_file("songs", "AB") is None
    s3_store.write(receipt(), b"x")
    assert s3_store.staged_file("songs", "AB") == receipt()
    assert s3_store.read(receipt()) == b"x"
    assert s3_store.is_there(receipt()) and not s3_store.is_there(receipt(b"xy"))
    boto3.client("s3", endpoint_url=server.endpoint).delete_object(
        Bucket=BUCKET, Key="staged/songs/A/B.json.gz"
    )
    assert not s3_store.is_there(receipt())
    assert s3_store.url("songs", "AB") == FILE


def test_nothing_is_listed_and_no_request_is_wasted(s3_store: StagingStore, server: S3Server) -> None:
    s3_store.write(receipt(), b"x")
    assert s3_store.staged_files("songs", ["AB"]) == [receipt()]
    s3_store.read(receipt())
    assert server.asked == [
        f"GET /{BUCKET}/staged/songs/A/B.receipt.json",
        f"PUT /{BUCKET}/staged/songs/A/B.json.gz",
        f"PUT /{BUCKET}/staged/songs/A/B.receipt.json",
        f"GET /{BUCKET}/staged/songs/A/B.receipt.json",
        f"GET /{BUCKET}/staged/songs/A/B.json.gz",
    ]


def test_the_server_holds_a_file_against_our_checksum(s3_store: StagingStore, server: S3Server) -> None:
    s3_store.write(receipt(), b"x")
    sent = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    assert server.fresh[0]["x-amz-checksum-sha256"] == sent


def test_many_receipts_are_read_at_once_in_the_order_asked(s3_store: StagingStore) -> None:
    keys = [f"A{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    for key in keys[::2]:
        s3_store.write(receipt(slice_=key), b"x")
    found = s3_store.staged_files("songs", keys)
    assert [one and one.partition_key for one in found] == [
        key if n % 2 == 0 else None for n, key in enumerate(keys)
    ]


def test_a_large_file_goes_in_parts(
    s3_store: StagingStore, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "MULTIPART_BYTES", 1000)
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 1024 * 1024)  # S3 takes no smaller ones
    content = bytes(range(256)) * 25_000
    s3_store.write(receipt(content), content)
    assert sum("partNumber=" in one for one in server.asked) == 2
    assert s3_store.read(receipt(content)) == content


def test_a_large_file_that_breaks_off_leaves_the_old_one_and_no_parts(
    s3_store: StagingStore, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_store.write(receipt(), b"x")
    monkeypatch.setattr(s3, "MULTIPART_BYTES", 1000)
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 1024 * 1024)
    content = bytes(6_000_000)
    server.fault = lambda request: refusal(403, "AccessDenied") if "partNumber=2" in request.url else None
    with pytest.raises(errors.StagingError):
        s3_store.write(receipt(content), content)
    assert s3_store.staged_file("songs", "AB") is None
    assert s3_store.read(receipt()) == b"x"
    uploads = boto3.client("s3", endpoint_url=server.endpoint).list_multipart_uploads(Bucket=BUCKET)
    assert "Uploads" not in uploads


WRITES = """
import os, signal, sys
from music_assets.staging import store as s
from music_assets.staging.s3 import S3
put = S3.put
def dies_before_the_receipt(self, key, content, sha256=None):
    if key.endswith(".receipt.json"):
        os.kill(os.getpid(), signal.SIGKILL)
    put(self, key, content, sha256)
if sys.argv[2] == "dies":
    S3.put = dies_before_the_receipt
content = b"from another process"
receipt = s.StagedFile("songs", "AB", "else", 1, len(content), s.checksum(content), "run", "2026")
s.StagingStore(sys.argv[3], endpoint=sys.argv[1]).write(receipt, content)
"""


def test_a_kill_between_file_and_receipt_leaves_no_whole_file(
    s3_store: StagingStore, server: S3Server
) -> None:
    s3_store.write(receipt(), b"x")
    killed = subprocess.run([sys.executable, "-c", WRITES, server.endpoint, "dies", PLACE], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert s3_store.staged_file("songs", "AB") is None


def test_processes_and_threads_see_each_others_writes(s3_store: StagingStore, server: S3Server) -> None:
    assert s3_store.staged_file("songs", "AB") is None  # and this is not remembered
    subprocess.run([sys.executable, "-c", WRITES, server.endpoint, "lives", PLACE], check=True)
    found = s3_store.staged_file("songs", "AB")
    assert found is not None
    assert s3_store.read(found) == b"from another process"
    with ThreadPoolExecutor(1) as pool:
        pool.submit(StagingStore(PLACE, endpoint=server.endpoint).write, receipt(b"y"), b"y").result()
    assert s3_store.staged_file("songs", "AB") == receipt(b"y")


@pytest.mark.slow
def test_the_main_job_stages_on_s3_and_loads_from_there(server: S3Server, tmp_path: Path) -> None:
    mine = settings(server, tmp_path)
    first = run_job(mine, "AA")
    assert first.failed == []
    assert not mine.data.joinpath("staging").exists()
    with duckdb.connect(str(mine.published), read_only=True) as database:
        rows = database.execute("SELECT count(*) FROM analytics.songs").fetchone()
    assert rows == (first.songs,)
    assert first.songs > 0
    assert not [one for one in server.asked if "list-type" in one or one.startswith("HEAD")]

    store = StagingStore(PLACE, endpoint=server.endpoint)
    songs = store.staged_file("msd_songs", "AA")
    assert songs is not None
    copied = {"url": store.url("msd_songs", "AA"), "mandatory": True, "meta": {"content_length": songs.bytes}}
    assert store.read_json("staged_json", "AA", ".msd_songs.manifest") == {"entries": [copied]}

    server.asked.clear()
    assert run_job(mine, "AA").requests_spent == 0
    # Nothing is written again; whether a file is still there is looked up by HEAD.
    assert not [one for one in server.asked if not one.startswith(("GET", "HEAD"))]
