"""Staging on S3, over a real socket to a server: whole, checksummed, unlisted, and clear when it fails."""

from __future__ import annotations

import base64
import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import duckdb
import pytest
from werkzeug.wrappers import Request, Response

from music_assets.deployment import SettingError, Settings
from music_assets.doctor import OK, PROBLEM, examine
from music_assets.io_managers import errors, s3
from music_assets.io_managers.store import Receipt, SliceStore, checksum
from music_assets.runner import run
from music_assets_tests.io_managers.s3_server import BUCKET, S3Server, refusal, running

PLACE = f"s3://{BUCKET}/staged"
FILE = f"{PLACE}/songs/A/B.json.gz"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    monkeypatch.setattr(s3, "ATTEMPTS", 2)  # one pause of a second at most
    with running(monkeypatch) as server:
        yield server


@pytest.fixture
def store(server: S3Server) -> SliceStore:
    return SliceStore(PLACE, endpoint=server.endpoint)


def receipt(content: bytes = b"x", slice_: str = "AB", facts: str = "") -> Receipt:
    return Receipt(
        "songs", slice_, "made-from", 1, len(content), checksum(content), "run", "2026", facts={"n": facts}
    )


def settings(server: S3Server, data: Path, **more: str) -> Settings:
    return Settings.from_environment({}, data=str(data), staging=PLACE, s3_endpoint=server.endpoint, **more)


def test_a_file_and_its_receipt_come_back(store: SliceStore) -> None:
    assert store.receipt("songs", "AB") is None
    store.write(receipt(), b"x")
    assert store.receipt("songs", "AB") == receipt()
    assert store.read(receipt()) == b"x"
    assert store.url("songs", "AB") == FILE


def test_nothing_is_listed_and_no_request_is_wasted(store: SliceStore, server: S3Server) -> None:
    store.write(receipt(), b"x")
    assert store.receipts("songs", ["AB"]) == [receipt()]
    store.read(receipt())
    assert server.asked == [
        f"DELETE /{BUCKET}/staged/songs/A/B.receipt.json",
        f"PUT /{BUCKET}/staged/songs/A/B.json.gz",
        f"PUT /{BUCKET}/staged/songs/A/B.receipt.json",
        f"GET /{BUCKET}/staged/songs/A/B.receipt.json",
        f"GET /{BUCKET}/staged/songs/A/B.json.gz",
    ]


def test_the_server_holds_a_file_against_our_checksum(store: SliceStore, server: S3Server) -> None:
    store.write(receipt(), b"x")
    sent = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    assert server.fresh[0]["x-amz-checksum-sha256"] == sent


def test_many_receipts_are_read_at_once_in_the_order_asked(store: SliceStore) -> None:
    keys = [f"A{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    for key in keys[::2]:
        store.write(receipt(slice_=key), b"x")
    found = store.receipts("songs", keys)
    assert [one and one.slice for one in found] == [key if n % 2 == 0 else None for n, key in enumerate(keys)]


def test_a_large_file_goes_in_parts(
    store: SliceStore, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "MULTIPART_BYTES", 1000)
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 1024 * 1024)  # S3 takes no smaller ones
    content = bytes(range(256)) * 25_000
    store.write(receipt(content), content)
    assert sum("partNumber=" in one for one in server.asked) == 2
    assert store.read(receipt(content)) == content


def test_a_large_file_that_breaks_off_leaves_the_old_one_and_no_parts(
    store: SliceStore, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(receipt(), b"x")
    monkeypatch.setattr(s3, "MULTIPART_BYTES", 1000)
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 1024 * 1024)
    content = bytes(6_000_000)
    server.fault = lambda request: refusal(403, "AccessDenied") if "partNumber=2" in request.url else None
    with pytest.raises(errors.NotAllowed):
        store.write(receipt(content), content)
    assert store.receipt("songs", "AB") is None
    assert store.read(receipt()) == b"x"
    uploads = boto3.client("s3", endpoint_url=server.endpoint).list_multipart_uploads(Bucket=BUCKET)
    assert "Uploads" not in uploads


@pytest.mark.parametrize(
    ("sse", "sent"),
    [
        ("AES256", {"x-amz-server-side-encryption": "AES256"}),
        ("aws:kms", {"x-amz-server-side-encryption": "aws:kms"}),
        (
            "aws:kms:arn:aws:kms:eu-west-1:1:key/k",
            {"x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:1:key/k"},
        ),
    ],
)
def test_all_that_is_written_is_encrypted_as_set(server: S3Server, sse: str, sent: dict[str, str]) -> None:
    SliceStore(PLACE, endpoint=server.endpoint, sse=sse).write(receipt(), b"x")
    assert len(server.fresh) == 2
    assert all(sent.items() <= headers.items() for headers in server.fresh)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MUSIC_ASSETS_S3_SSE": "aes"}, "MUSIC_ASSETS_S3_SSE cannot be used: 'aes': it takes AES256"),
        ({"MUSIC_ASSETS_S3_ENDPOINT": "localhost:8333"}, "MUSIC_ASSETS_S3_ENDPOINT cannot be used: it takes"),
        ({"MUSIC_ASSETS_S3_ENDPOINT": "http://u:pw@h"}, "it must not hold a user or password"),
        ({"MUSIC_ASSETS_STAGING": "gs://b/p"}, "MUSIC_ASSETS_STAGING is 'gs://b/p': it takes a folder"),
    ],
)
def test_settings_of_s3_that_cannot_be_meant_are_named(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        Settings.from_environment(environment)
    assert "pw" not in str(caught.value)


WRITES = """
import os, signal, sys
from music_assets.io_managers import store as s
from music_assets.io_managers.s3 import S3
put = S3.put
def dies_before_the_receipt(self, key, content, sha256=None):
    if key.endswith(".receipt.json"):
        os.kill(os.getpid(), signal.SIGKILL)
    put(self, key, content, sha256)
if sys.argv[2] == "dies":
    S3.put = dies_before_the_receipt
content = b"from another process"
receipt = s.Receipt("songs", "AB", "else", 1, len(content), s.checksum(content), "run", "2026")
s.SliceStore(sys.argv[3], endpoint=sys.argv[1]).write(receipt, content)
"""


def test_a_kill_between_file_and_receipt_leaves_no_whole_file(store: SliceStore, server: S3Server) -> None:
    store.write(receipt(), b"x")
    killed = subprocess.run([sys.executable, "-c", WRITES, server.endpoint, "dies", PLACE], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store.receipt("songs", "AB") is None


def test_processes_and_threads_see_each_others_writes(store: SliceStore, server: S3Server) -> None:
    assert store.receipt("songs", "AB") is None  # and this is not remembered
    subprocess.run([sys.executable, "-c", WRITES, server.endpoint, "lives", PLACE], check=True)
    found = store.receipt("songs", "AB")
    assert found is not None
    assert store.read(found) == b"from another process"
    with ThreadPoolExecutor(1) as pool:
        pool.submit(SliceStore(PLACE, endpoint=server.endpoint).write, receipt(b"y"), b"y").result()
    assert store.receipt("songs", "AB") == receipt(b"y")


def test_a_server_that_is_busy_for_a_moment_is_asked_again(store: SliceStore, server: S3Server) -> None:
    times = iter([refusal(503, "SlowDown")])
    server.fault = lambda request: next(times, None)
    store.write(receipt(), b"x")
    assert store.receipt("songs", "AB") == receipt()


def cut_off(request: Request) -> Response | None:
    """Half of what was asked for, then the end of the connection."""
    if request.method != "GET" or not request.path.endswith(".json.gz"):
        return None
    return Response(iter([b"half"]), 200, headers={"Content-Length": "1000"})


def test_an_answer_that_breaks_off_is_asked_for_again(store: SliceStore, server: S3Server) -> None:
    store.write(receipt(), b"x")
    times = iter([cut_off])
    server.fault = lambda request: next(times, lambda request: None)(request)
    assert store.read(receipt()) == b"x"


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (
            refusal(403, "AccessDenied"),
            errors.NotAllowed,
            "s3:GetObject, s3:PutObject and s3:DeleteObject on staging-tests/",
        ),
        (
            refusal(403, "InvalidAccessKeyId"),
            errors.WrongCredentials,
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID",
        ),
        (refusal(400, "ExpiredToken"), errors.WrongCredentials, "expired ones must be fetched anew"),
        (refusal(503, "SlowDown"), errors.Throttled, "Wait a little and run again"),
        (refusal(400, "KMS.NotFoundException"), errors.NotAllowed, "the key that MUSIC_ASSETS_S3_SSE names"),
        (refusal(418, "Teapot"), errors.StagingError, "answered Teapot"),
        (cut_off, errors.BrokenTransfer, "did not arrive whole, in 2 tries"),
    ],
    ids=["no permission", "wrong key", "expired", "throttled", "KMS key", "strange", "truncated on the way"],
)
def test_what_s3_refuses_is_told_with_object_and_remedy(
    store: SliceStore, server: S3Server, fault: object, kind: type[Exception], said: str
) -> None:
    server.fault = fault if callable(fault) and not isinstance(fault, Response) else lambda request: fault
    with pytest.raises(kind, match=said) as caught:
        store.read(receipt())
    assert FILE in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_missing_bucket_is_told_with_the_setting(server: S3Server) -> None:
    store = SliceStore("s3://nobody/staged", endpoint=server.endpoint)
    for attempt in (lambda: store.receipt("songs", "AB"), lambda: store.write(receipt(), b"x")):
        with pytest.raises(errors.NoBucket, match="there is no bucket 'nobody' .*MUSIC_ASSETS_STAGING"):
            attempt()


def test_a_name_that_no_bucket_can_have_is_told(server: S3Server) -> None:
    with pytest.raises(errors.NoBucket, match="'my_bucket!' can be no bucket's name"):
        SliceStore("s3://my_bucket!/staged", endpoint=server.endpoint).receipt("songs", "AB")


def test_a_server_that_is_not_there_is_told_with_the_setting(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    with pytest.raises(errors.Unreachable, match="nothing answers at http://127.0.0.1:9 .*S3_ENDPOINT"):
        SliceStore(PLACE, endpoint="http://127.0.0.1:9").receipt("songs", "AB")


def test_no_credentials_at_all_are_told(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    boto3.DEFAULT_SESSION = None
    with pytest.raises(errors.WrongCredentials, match="no good AWS credentials"):
        SliceStore(PLACE, endpoint=server.endpoint).receipt("songs", "AB")


def test_a_profile_that_does_not_exist_is_told(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    boto3.DEFAULT_SESSION = None
    with pytest.raises(errors.WrongCredentials, match="no good AWS credentials .*nobody"):
        SliceStore(PLACE, endpoint=server.endpoint)


def test_an_object_cut_short_in_the_bucket_is_told_and_made_again(
    store: SliceStore, server: S3Server
) -> None:
    store.write(receipt(b"whole"), b"whole")
    boto3.client("s3", endpoint_url=server.endpoint).put_object(
        Bucket=BUCKET, Key="staged/songs/A/B.json.gz", Body=b"wh"
    )
    with pytest.raises(errors.DamagedFile, match="has 2 bytes, and 5 by its receipt. .* run again") as caught:
        store.read(receipt(b"whole"))
    assert FILE in str(caught.value)
    assert store.receipt("songs", "AB") is None


def test_the_main_job_stages_on_s3_and_loads_from_there(server: S3Server, tmp_path: Path) -> None:
    mine = settings(server, tmp_path, s3_sse="AES256")
    first = run(mine, "AA")
    assert first.failed == []
    assert not mine.data.joinpath("staging").exists()
    with duckdb.connect(str(mine.published), read_only=True) as database:
        rows = database.execute("SELECT count(*) FROM analytics.songs").fetchone()
    assert rows == (first.songs,)
    assert first.songs > 0
    assert not [one for one in server.asked if "list-type" in one or one.startswith("HEAD")]
    assert all("x-amz-server-side-encryption" in headers for headers in server.fresh)

    store = SliceStore(PLACE, endpoint=server.endpoint)
    songs = store.receipt("msd_songs", "AA")
    assert songs is not None
    copied = {"url": store.url("msd_songs", "AA"), "mandatory": True, "meta": {"content_length": songs.bytes}}
    assert store.read_json("staged_json/msd_songs", "AA", ".manifest") == {"entries": [copied]}

    server.asked.clear()
    assert run(mine, "AA").requests_spent == 0
    assert not [one for one in server.asked if not one.startswith("GET")]  # nothing is written anew


@pytest.mark.parametrize(
    ("bucket", "state", "said"),
    [(BUCKET, OK, "can be written to"), ("nobody", PROBLEM, "there is no bucket 'nobody'")],
)
def test_doctor_tries_the_bucket_and_leaves_nothing_there(
    server: S3Server, tmp_path: Path, bucket: str, state: str, said: str
) -> None:
    environment = {
        "MUSIC_ASSETS_STAGING": f"s3://{bucket}/staged",
        "MUSIC_ASSETS_S3_ENDPOINT": server.endpoint,
    }
    found = {one.what: one for one in examine(environment, data=str(tmp_path), offline=True)}["staging"]
    assert found.state == state
    assert said in f"{found.said} {found.advice}"
    assert "Contents" not in boto3.client("s3", endpoint_url=server.endpoint).list_objects_v2(Bucket=BUCKET)


def test_a_run_without_its_bucket_fails_in_words(server: S3Server, tmp_path: Path) -> None:
    wrong = Settings.from_environment(
        {}, data=str(tmp_path), staging="s3://nobody/x", s3_endpoint=server.endpoint
    )
    assert any("there is no bucket 'nobody'" in one for one in run(wrong, "AA").failed)
