"""When S3 fails: what passes is tried again, the rest told with object, setting and remedy, and no secret."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from werkzeug.wrappers import Request, Response

from music_assets.cli.checks import OK, PROBLEM, examine
from music_assets.cli.job import run_job
from music_assets.settings import SettingError, Settings
from music_assets.staging import errors, s3
from music_assets.staging.store import StagingStore
from music_assets_tests.support.s3_server import BUCKET, PLACE, Fault, S3Server, receipt, refusal

FILE = f"{PLACE}/songs/A/B.json.gz"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MUSIC_ASSETS_S3_ENDPOINT": "localhost:8333"}, "MUSIC_ASSETS_S3_ENDPOINT cannot be used: it takes"),
        ({"MUSIC_ASSETS_S3_ENDPOINT": "http://u:pw@h"}, "without user or password"),
        ({"MUSIC_ASSETS_STAGING": "gs://b/p"}, "MUSIC_ASSETS_STAGING is 'gs://b/p': it takes a folder"),
    ],
)
def test_settings_of_s3_that_cannot_be_meant_are_named(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        Settings.from_environment(environment)
    assert "pw" not in str(caught.value)


def test_a_server_that_is_busy_for_a_moment_is_asked_again(s3_store: StagingStore, server: S3Server) -> None:
    times = iter([refusal(503, "SlowDown")])
    server.fault = lambda request: next(times, None)
    s3_store.write(receipt(), b"x")
    assert s3_store.staged_file("songs", "AB") == receipt()


def cut_off(request: Request) -> Response | None:
    """Half of what was asked for, then the end of the connection."""
    if request.method != "GET" or not request.path.endswith(".json.gz"):
        return None
    return Response(iter([b"half"]), 200, headers={"Content-Length": "1000"})


def test_an_answer_that_breaks_off_is_asked_for_again(s3_store: StagingStore, server: S3Server) -> None:
    s3_store.write(receipt(), b"x")
    times = iter([cut_off])
    server.fault = lambda request: next(times, lambda request: None)(request)
    assert s3_store.read(receipt()) == b"x"


def no_answer(request: Request) -> Response | None:
    time.sleep(1)
    return None


def half_an_answer(request: Request) -> Response | None:
    def body() -> Iterator[bytes]:
        yield b"half"
        time.sleep(1)

    return Response(body(), 200, headers={"Content-Length": "1000"})


@pytest.mark.parametrize("fault", [no_answer, half_an_answer])
def test_a_stalled_connection_is_left_and_named(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(s3, "READ_TIMEOUT_S", 0.3)
    store = StagingStore(PLACE, endpoint=server.endpoint)
    store.write(receipt(), b"x")
    server.fault = fault
    with pytest.raises(errors.StagingError, match=r"ReadTimeoutError.*Check the network") as caught:
        store.read(receipt())
    assert FILE in str(caught.value) and server.endpoint in str(caught.value)
    times = iter([fault])
    server.fault = lambda request: next(times, lambda request: None)(request)
    assert store.read(receipt()) == b"x"


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (
            refusal(403, "AccessDenied"),
            errors.StagingError,
            "s3:GetObject, s3:PutObject and s3:DeleteObject on the bucket",
        ),
        (
            refusal(403, "InvalidAccessKeyId"),
            errors.StagingError,
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID",
        ),
        (refusal(400, "ExpiredToken"), errors.StagingError, "expired ones must be fetched again"),
        (refusal(503, "SlowDown"), errors.StagingError, "Wait a little and run again"),
        (
            refusal(400, "KMS.NotFoundException"),
            errors.StagingError,
            "Let the credentials use the bucket's key",
        ),
        (refusal(400, "AuthorizationHeaderMalformed"), errors.StagingError, "set AWS_REGION to the bucket's"),
        (refusal(418, "Teapot"), errors.StagingError, "answered Teapot"),
        (cut_off, errors.StagingError, "did not arrive whole, in 2 attempts"),
    ],
    ids=[
        "no permission",
        "wrong key",
        "expired",
        "throttled",
        "KMS key",
        "region",
        "strange",
        "truncated on the way",
    ],
)
def test_what_s3_refuses_is_told_with_object_and_remedy(
    s3_store: StagingStore, server: S3Server, fault: object, kind: type[Exception], said: str
) -> None:
    server.fault = fault if callable(fault) and not isinstance(fault, Response) else lambda request: fault
    with pytest.raises(kind, match=said) as caught:
        s3_store.read(receipt())
    assert FILE in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_missing_bucket_is_told_with_the_setting(server: S3Server) -> None:
    store = StagingStore("s3://nobody/staged", endpoint=server.endpoint)
    for attempt in (lambda: store.staged_file("songs", "AB"), lambda: store.write(receipt(), b"x")):
        with pytest.raises(errors.StagingError, match="answered NoSuchBucket.* MUSIC_ASSETS_STAGING"):
            attempt()


def test_a_name_that_no_bucket_can_have_is_told(server: S3Server) -> None:
    with pytest.raises(errors.StagingError, match="'my_bucket!' is not a bucket name"):
        StagingStore("s3://my_bucket!/staged", endpoint=server.endpoint).staged_file("songs", "AB")


def test_a_server_that_is_not_there_is_told_with_the_setting(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    with pytest.raises(errors.StagingError, match="nothing answers at http://127.0.0.1:9 .*S3_ENDPOINT"):
        StagingStore(PLACE, endpoint="http://127.0.0.1:9").staged_file("songs", "AB")


def test_no_credentials_at_all_are_told(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    boto3.DEFAULT_SESSION = None
    with pytest.raises(errors.StagingError, match="Unable to locate credentials.* Set AWS_PROFILE"):
        StagingStore(PLACE, endpoint=server.endpoint).staged_file("songs", "AB")


def test_a_profile_that_does_not_exist_is_told(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    boto3.DEFAULT_SESSION = None
    with pytest.raises(errors.StagingError, match="nobody.* Set AWS_PROFILE"):
        StagingStore(PLACE, endpoint=server.endpoint)


def test_an_object_cut_short_in_the_bucket_is_told_and_made_again(
    s3_store: StagingStore, server: S3Server
) -> None:
    s3_store.write(receipt(b"whole"), b"whole")
    boto3.client("s3", endpoint_url=server.endpoint).put_object(
        Bucket=BUCKET, Key="staged/songs/A/B.json.gz", Body=b"wh"
    )
    with pytest.raises(errors.DamagedFile, match="has 2 bytes, 5 were written. Run again") as caught:
        s3_store.read(receipt(b"whole"))
    assert FILE in str(caught.value)
    assert s3_store.staged_file("songs", "AB") is None


@pytest.mark.parametrize(
    ("bucket", "state", "said"),
    [(BUCKET, OK, "can be written to"), ("nobody", PROBLEM, "answered NoSuchBucket")],
)
def test_doctor_tries_the_bucket_and_leaves_nothing_there(
    server: S3Server, tmp_path: Path, bucket: str, state: str, said: str
) -> None:
    environment = {
        "MUSIC_ASSETS_STAGING": f"s3://{bucket}/staged",
        "MUSIC_ASSETS_S3_ENDPOINT": server.endpoint,
    }
    found = {one.subject: one for one in examine(environment, data=str(tmp_path), offline=True)}["staging"]
    assert found.state == state
    assert said in f"{found.message} {found.advice}"
    assert "Contents" not in boto3.client("s3", endpoint_url=server.endpoint).list_objects_v2(Bucket=BUCKET)


@pytest.mark.slow
def test_credentials_that_expire_during_a_run_are_told_and_the_next_goes_on(
    server: S3Server, tmp_path: Path
) -> None:
    settings = Settings.from_environment({}, data=str(tmp_path), staging=PLACE, s3_endpoint=server.endpoint)
    expired = refusal(400, "ExpiredToken")
    written = ("PUT", "POST")
    # Once the songs are staged, nothing more is read or written.
    server.fault = lambda request: (
        expired if sum(one.startswith(written) for one in server.asked) > 4 else None
    )
    first = run_job(settings, "AA")
    assert first.failed and all("answered ExpiredToken" in one for one in first.failed), first.failed
    assert all("expired ones must be fetched again" in one and len(one) < 700 for one in first.failed)
    assert "secret" not in " ".join(first.failed)
    server.fault = lambda request: None
    second = run_job(settings, "AA")
    assert (second.failed, second.pending) == ([], 0) and second.songs > 0


@pytest.mark.slow
def test_a_run_without_its_bucket_fails_in_words(server: S3Server, tmp_path: Path) -> None:
    wrong = Settings.from_environment(
        {}, data=str(tmp_path), staging="s3://nobody/x", s3_endpoint=server.endpoint
    )
    assert any("answered NoSuchBucket" in one for one in run_job(wrong, "AA").failed)
