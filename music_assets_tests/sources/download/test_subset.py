"""From an address to a folder that works as an MSD root, through interruptions, once."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from music_assets.sources.download import BadArchive, DownloadError, FetchFailed, get_subset
from music_assets.sources.msd import MsdRoot
from music_assets_tests.sources.download.server import (
    SONG_NAMES,
    breaks_off_at,
    ranged,
    says,
    send,
    serving,
    songs,
    tar_of,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_subset_arrives_once(tmp_path: Path) -> None:
    target = tmp_path / "data" / "msd"
    with serving(tar_of(*songs())) as served:
        got = get_subset(target, urls=[served.url])
        again = get_subset(target, urls=[served.url])
    assert len(served.asked) == 1
    assert (got.count.songs, got.unpacked.songs, again.count.songs, again.unpacked) == (4, 4, 4, None)
    assert names(target.parent) == [".msd.download.lock", "msd"]
    note = json.loads((target / ".download.json").read_text())
    assert note["from"] == served.url
    assert note["sha256"] == got.sha256 == hashlib.sha256(served.content).hexdigest()


def test_the_archive_stays_where_wanted(tmp_path: Path) -> None:
    content = tar_of(*songs())
    with serving(content) as served:
        got = get_subset(tmp_path / "msd", urls=[served.url], keep_archive=True)
    assert got.archive == tmp_path / "msd.tar.gz"
    assert got.archive.read_bytes() == content


def test_an_archive_that_is_here_needs_no_address(tmp_path: Path) -> None:
    here = tmp_path / "mine.tar.gz"
    here.write_bytes(tar_of(*songs("MillionSongSubset/data/")))
    got = get_subset(tmp_path / "msd", archive=here, urls=[])
    assert got.count.songs == len(SONG_NAMES)
    assert here.exists()
    with pytest.raises(DownloadError, match="none.tar.gz cannot be used: No such file"):
        get_subset(tmp_path / "other", archive=tmp_path / "none.tar.gz")


def test_the_next_address_is_tried(tmp_path: Path) -> None:
    with serving(b"", says(404)) as gone, serving(tar_of(*songs())) as served:
        got = get_subset(tmp_path / "msd", urls=[gone.url, served.url])
    assert got.count.songs == len(SONG_NAMES)
    assert len(gone.asked) == len(served.asked) == 1
    with serving(b"", says(404)) as gone, pytest.raises(FetchFailed, match="404"):
        get_subset(tmp_path / "other", urls=[gone.url, gone.url])


def test_an_archive_that_is_here_is_compared_with_its_checksum(tmp_path: Path) -> None:
    here = tmp_path / "here.tar.gz"
    here.write_bytes(tar_of(*songs()))
    with pytest.raises(DownloadError, match="Nothing was unpacked: check the checksum"):
        get_subset(tmp_path / "msd", archive=here, urls=[], sha256="0" * 64)
    assert not (tmp_path / "msd").exists()
    right = hashlib.sha256(here.read_bytes()).hexdigest()
    assert get_subset(tmp_path / "msd", archive=here, urls=[], sha256=right.upper()).sha256 == right.upper()


@pytest.mark.parametrize("sha256", ["deadbeef", "", "g" * 64, "0" * 65])
def test_what_is_no_checksum_is_refused_before_anything_is_fetched(tmp_path: Path, sha256: str) -> None:
    with pytest.raises(DownloadError, match="is not a SHA-256"):
        get_subset(tmp_path / "msd", urls=["http://127.0.0.1:1/x.tar.gz"], sha256=sha256)


def test_a_broken_archive_is_fetched_anew_by_the_next_call(tmp_path: Path) -> None:
    content = tar_of(*songs())
    with serving(content[:-40], ranged) as served:
        with pytest.raises(BadArchive):
            get_subset(tmp_path / "msd", urls=[served.url])
        assert names(tmp_path) == [".msd.download.lock"]
        served.content = content
        assert get_subset(tmp_path / "msd", urls=[served.url]).count.songs == len(SONG_NAMES)


def test_a_web_page_in_place_of_the_archive_is_named_and_removed(tmp_path: Path) -> None:
    page = says(200, b"<html>Please log in", Content_Type="text/html")
    with serving(b"", page) as served, pytest.raises(BadArchive, match="web page"):
        get_subset(tmp_path / "msd", urls=[served.url])
    assert names(tmp_path) == [".msd.download.lock"]


def test_a_folder_of_someone_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "msd" / "A").mkdir(parents=True)
    with serving(tar_of(*songs())) as served, pytest.raises(DownloadError, match="--msd"):
        get_subset(tmp_path / "msd", urls=[served.url])
    assert served.asked == []
    assert names(tmp_path / "msd") == ["A"]


def test_what_a_call_left_is_gone_on_from(tmp_path: Path) -> None:
    content = tar_of(*songs())
    with serving(content, breaks_off_at(200), says(503)) as served:
        with pytest.raises(FetchFailed):
            get_subset(tmp_path / "msd", urls=[served.url], tries=2, pause=0.001)
        served.answers = [ranged]
        get_subset(tmp_path / "msd", urls=[served.url])
    assert served.ranges[-1] == "bytes=200-"


def test_real_files_arrive_as_they_are(shared: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        tar.add(shared / "msd", "MillionSongSubset")
    with serving(buffer.getvalue(), breaks_off_at(9_000_000), ranged) as served:
        got = get_subset(tmp_path / "msd", urls=[served.url], pause=0.001)
    real = {path.name: path for path in (shared / "msd").rglob("*.h5")}
    came = {path.name: path for path in got.root.rglob("*.h5")}
    assert came.keys() == real.keys()
    assert all(came[name].read_bytes() == real[name].read_bytes() for name in real)
    root = MsdRoot.open(got.root)
    assert sum(root.count(key) for key in root.partitions()) == got.count.songs == len(real)


def command(url: str, data: Path, *options: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "music_assets.cli",
        "download",
        "--url",
        url,
        "--data",
        str(data),
        *options,
    ]


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_command_goes_on_where_it_was(tmp_path: Path, blow: signal.Signals) -> None:
    content = tar_of(*songs()) + bytes(3_000_000)  # zeros behind a gzip member are padding
    half = 2_000_000

    def stalls(handler, content) -> None:
        """Half of it, and then nothing, until the other side has gone."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.send_header("ETag", '"one"')
        handler.end_headers()
        handler.wfile.write(content[:half])
        handler.wfile.flush()
        handler.rfile.read(1)
        handler.close_connection = True

    part = tmp_path / "msd.tar.gz.part"
    with serving(content, stalls, ranged) as served:
        process = subprocess.Popen(
            command(served.url, tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
        )
        give_up = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size >= 1_500_000) and time.monotonic() < give_up:
            time.sleep(0.02)
        process.send_signal(blow)
        said, _ = process.communicate(timeout=300)
        if blow == signal.SIGINT:
            assert process.returncode == 130, said
            assert "Interrupted" in said
            assert "Traceback" not in said
        kept = part.stat().st_size
        assert kept > 0
        done = subprocess.run(
            command(served.url, tmp_path), capture_output=True, text=True, cwd=tmp_path, timeout=300
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert served.ranges == [None, f"bytes={kept}-"]
    assert f"music-assets run --msd {tmp_path}/msd" in done.stdout
    assert "4 of 10,000 songs" in done.stdout


STALLS_WHILE_UNPACKING = """
import sys, time
from pathlib import Path
from music_assets.sources.download import get_subset

def on_unpack(done, total):
    if len(list(Path(sys.argv[2]).parent.rglob("*.h5"))) == 2:
        print("half", flush=True)
        time.sleep(120)

get_subset(Path(sys.argv[2]), urls=[sys.argv[1]], on_unpack=on_unpack)
"""

KILLED_AFTER_THE_MOVE = """
import os, signal, sys
from pathlib import Path
from music_assets.sources.download import get_subset

moved = False

def hook(event, arguments):
    global moved
    if moved and event in ("open", "os.listdir", "os.scandir", "os.remove"):
        os.kill(os.getpid(), signal.SIGKILL)
    moved = moved or (event == "os.rename" and str(arguments[1]) == sys.argv[2])

sys.addaudithook(hook)
get_subset(Path(sys.argv[2]), urls=[sys.argv[1]])
"""


@pytest.mark.parametrize("there_before", [False, True], ids=["no folder", "an empty folder"])
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_call_stopped_while_unpacking_leaves_nothing_half_done(
    tmp_path: Path, blow: signal.Signals, there_before: bool
) -> None:
    target = tmp_path / "msd"
    if there_before:
        target.mkdir()
    with serving(tar_of(*songs())) as served:
        with subprocess.Popen(
            [sys.executable, "-c", STALLS_WHILE_UNPACKING, served.url, str(target)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "half\n"
            process.send_signal(blow)
            process.wait(timeout=60)
        assert process.returncode == -blow
        assert not target.exists() or names(target) == []
        if blow == signal.SIGINT:
            assert not (tmp_path / ".msd.unpacking").exists()
        got = get_subset(target, urls=[served.url])
    assert got.count.songs == len(SONG_NAMES)
    assert names(target) == [".download.json", "A", "B"]
    assert names(tmp_path) == [".msd.download.lock", "msd"]
    assert len(served.asked) == 1  # the archive that had come was used again


def test_a_call_killed_once_the_songs_are_in_place_has_finished(tmp_path: Path) -> None:
    target = tmp_path / "msd"
    with serving(tar_of(*songs())) as served:
        done = subprocess.run(
            [sys.executable, "-c", KILLED_AFTER_THE_MOVE, served.url, str(target)], timeout=60
        )
        assert done.returncode == -signal.SIGKILL
        got = get_subset(target, urls=[served.url])
    assert (got.unpacked, got.count.songs) == (None, len(SONG_NAMES))
    assert got.archive == tmp_path / "msd.tar.gz"  # told, as it takes up room


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sha256", "0" * 64], "has the SHA-256"),
        (["--archive", "x.tar.gz"], "give one of them"),
        (["--to", "/proc/none/msd"], "cannot be used"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_sentence(
    tmp_path: Path, options: list[str], said: str
) -> None:
    with serving(tar_of(*songs())) as served:
        done = subprocess.run(
            command(served.url, tmp_path, *options), capture_output=True, text=True, cwd=tmp_path, timeout=300
        )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_two_downloads_to_one_folder_do_not_meet(tmp_path: Path) -> None:
    raised: list[str] = []

    def another_meanwhile(handler, content) -> None:
        try:
            get_subset(tmp_path / "msd", urls=["http://127.0.0.1:1/x"], tries=1)
        except DownloadError as error:
            raised.append(str(error))
        send(handler, 200, content)

    with serving(tar_of(*songs()), another_meanwhile) as served:
        get_subset(tmp_path / "msd", urls=[served.url])
    assert len(raised) == 1


def test_a_removed_folder_is_filled_again(tmp_path: Path) -> None:
    with serving(tar_of(*songs())) as served:
        get_subset(tmp_path / "msd", urls=[served.url])
        shutil.rmtree(tmp_path / "msd")
        assert get_subset(tmp_path / "msd", urls=[served.url]).unpacked is not None
