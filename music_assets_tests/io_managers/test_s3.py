"""Staging on S3: the main job with `MUSIC_ASSETS_STAGING=s3://…`, over a real socket to moto's server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import duckdb
import fsspec
import pytest
from moto.server import ThreadedMotoServer

from music_assets.deployment import Settings
from music_assets.io_managers.store import SliceStore
from music_assets.runner import run


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="music")
    fsspec.filesystem("s3").clear_instance_cache()  # a file system remembers its server
    yield "s3://music/staged"
    server.stop()


def test_the_main_job_stages_on_s3_and_loads_from_there(bucket: str, tmp_path: Path) -> None:
    settings = Settings.from_environment({}, data=str(tmp_path), staging=bucket)
    first = run(settings, "AA")
    assert first.failed == []
    assert not settings.data.joinpath("staging").exists()
    with duckdb.connect(str(settings.published), read_only=True) as database:
        songs = database.execute("SELECT count(*) FROM analytics.songs").fetchone()
    assert songs == (first.songs,)
    assert first.songs > 0
    store = SliceStore(bucket)
    receipt = store.receipt("msd_songs", "AA")
    assert receipt is not None
    assert len(store.read("msd_songs", "AA")) == receipt.bytes
    assert store.url("msd_songs", "AA") == f"{bucket}/msd_songs/A/A.json.gz"


def test_a_second_run_reads_nothing_anew(bucket: str, tmp_path: Path) -> None:
    settings = Settings.from_environment({}, data=str(tmp_path), staging=bucket)
    run(settings, "AB")
    made = {kind: SliceStore(bucket).receipt(kind, "AB") for kind in ("msd_songs", "mapped_songs")}
    assert run(settings, "AB").requests_spent == 0
    assert {kind: SliceStore(bucket).receipt(kind, "AB") for kind in made} == made
