"""A file arrives whole or not at all, whatever the server does on the way."""

from __future__ import annotations

import hashlib
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from music_assets.sources.download import DownloadError, FetchFailed, fetch
from music_assets_tests.sources.download.server import (
    breaks_off_at,
    chunked,
    ignores_ranges,
    lies_about_length,
    ranged,
    says,
    serving,
)

CONTENT = bytes(range(256)) * 2000


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "subset.tar.gz"


def get(url: str, dest: Path, **options: object) -> str:
    return fetch(url, dest, **{"pause": 0.001, **options})  # type: ignore[arg-type]


def left_beside(dest: Path) -> list[str]:
    return sorted(path.name for path in dest.parent.iterdir())


def test_a_file_arrives_and_leaves_nothing_beside_it(dest: Path) -> None:
    progress: list[tuple[int, int | None]] = []
    with serving(CONTENT) as served:
        got = get(served.url, dest, progress=lambda done, total: progress.append((done, total)))
    assert dest.read_bytes() == CONTENT
    assert got == hashlib.sha256(CONTENT).hexdigest()
    assert left_beside(dest) == [dest.name]
    assert progress[-1] == (len(CONTENT), len(CONTENT))


def test_a_file_that_is_there_is_not_asked_for(dest: Path) -> None:
    dest.write_bytes(CONTENT)
    with serving(CONTENT) as served:
        assert get(served.url, dest) == hashlib.sha256(CONTENT).hexdigest()
    assert served.asked == []


def test_a_broken_connection_is_gone_on_from_where_it_broke(dest: Path) -> None:
    with serving(CONTENT, breaks_off_at(100_000), breaks_off_at(300_000), ranged) as served:
        get(served.url, dest)
    assert dest.read_bytes() == CONTENT
    assert served.ranges == [None, "bytes=100000-", "bytes=300000-"]  # no byte twice
    assert [headers.get("If-Range") for headers in served.asked] == [None, '"one"', '"one"']


def test_each_step_forward_earns_new_tries(dest: Path) -> None:
    breaks = [breaks_off_at(stop) for stop in range(50_000, 500_000, 50_000)]
    with serving(CONTENT, *breaks, ranged) as served:
        get(served.url, dest, tries=2)
    assert dest.read_bytes() == CONTENT


def test_a_later_call_goes_on_too(dest: Path) -> None:
    with serving(CONTENT, breaks_off_at(100_000), says(503)) as served:
        with pytest.raises(FetchFailed, match=r"100\.0 kB have arrived, and the same command resumes"):
            get(served.url, dest, tries=2)
        assert left_beside(dest) == ["subset.tar.gz.part", "subset.tar.gz.part.json"]
        served.answers = [ranged]
        get(served.url, dest)
    assert served.ranges[-1] == "bytes=100000-"
    assert dest.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_fetched_anew(dest: Path) -> None:
    new = CONTENT[::-1]

    def changed(handler, content) -> None:
        ranged(handler, new, ETag='"two"')

    with serving(CONTENT, breaks_off_at(100_000), changed) as served:
        get(served.url, dest)
    assert dest.read_bytes() == new


def test_a_range_of_another_file_is_refused(dest: Path) -> None:
    """The server ignores If-Range; its ETag gives it away."""

    def careless(handler, content) -> None:
        del handler.headers["If-Range"]
        ranged(handler, CONTENT[::-1], ETag='"two"')

    with serving(CONTENT, breaks_off_at(100_000), careless) as served:
        get(served.url, dest)
    assert dest.read_bytes() == CONTENT[::-1]
    assert served.ranges == [None, "bytes=100000-", None]


def test_what_is_left_of_another_address_is_not_gone_on_from(dest: Path) -> None:
    with serving(CONTENT[::-1], breaks_off_at(100_000), says(503)) as other, pytest.raises(FetchFailed):
        get(other.url, dest, tries=1)
    with serving(CONTENT) as served:
        get(served.url, dest)
    assert served.ranges == [None]
    assert dest.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_costs_a_new_start(dest: Path) -> None:
    with serving(CONTENT, breaks_off_at(100_000), ignores_ranges) as served:
        get(served.url, dest)
    assert served.ranges == [None, "bytes=100000-"]
    assert dest.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_and_always_breaks_off_is_given_up(dest: Path) -> None:
    def answer(handler, content) -> None:
        del handler.headers["Range"]
        ranged(handler, content, 100_000)

    with serving(CONTENT, answer) as served, pytest.raises(FetchFailed, match="tried 3 times"):
        get(served.url, dest, tries=3)
    assert len(served.asked) == 3


def test_a_length_too_long_is_seen_through_where_the_server_knows_ranges(dest: Path) -> None:
    with serving(CONTENT, lies_about_length(+5000), ranged) as served:
        get(served.url, dest)
    assert dest.read_bytes() == CONTENT


def test_a_length_too_long_is_given_up_where_it_does_not(dest: Path) -> None:
    with serving(CONTENT, lies_about_length(+5000)) as served, pytest.raises(FetchFailed):
        get(served.url, dest, tries=2)
    assert not dest.exists()


def test_a_file_without_a_length_arrives(dest: Path) -> None:
    with serving(CONTENT, chunked) as served:
        get(served.url, dest)
    assert dest.read_bytes() == CONTENT


def test_a_call_killed_at_the_very_end_asks_no_more(dest: Path) -> None:
    with serving(CONTENT, breaks_off_at(100_000), says(503)) as served:
        with pytest.raises(FetchFailed):
            get(served.url, dest, tries=2)
        dest.with_name("subset.tar.gz.part").write_bytes(CONTENT)
        asked = len(served.asked)
        get(served.url, dest)
    assert len(served.asked) == asked
    assert dest.read_bytes() == CONTENT


def test_redirects_are_followed(dest: Path) -> None:
    with serving(CONTENT) as served, serving(b"", says(302, Location=served.url)) as first:
        get(first.url, dest)
    assert dest.read_bytes() == CONTENT


@pytest.mark.parametrize("location", ["/subset.tar.gz", "ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_redirects_in_circles_or_elsewhere_are_named(dest: Path, location: str) -> None:
    with serving(b"", says(302, Location=location)) as served, pytest.raises(FetchFailed):
        get(served.url, dest)
    assert left_beside(dest) == []


@pytest.mark.parametrize("url", ["gopher://host/x", "file:///etc/passwd", "/etc/passwd", "http://", ""])
def test_only_http_https_and_ftp_are_addresses(dest: Path, url: str) -> None:
    with pytest.raises(FetchFailed, match="cannot be fetched"):
        get(url, dest)


def test_a_refusal_is_named_and_not_asked_again(dest: Path) -> None:
    with serving(b"", says(404)) as served, pytest.raises(FetchFailed, match="404 Not Found"):
        get(served.url, dest)
    assert len(served.asked) == 1


def test_a_server_in_trouble_is_asked_again(dest: Path) -> None:
    with serving(CONTENT, says(503), says(429), ranged) as served:
        get(served.url, dest)
    assert dest.read_bytes() == CONTENT


def test_a_wrong_checksum_removes_the_file(dest: Path) -> None:
    with serving(CONTENT) as served:
        with pytest.raises(DownloadError, match="SHA-256 .* not 0000"):
            get(served.url, dest, sha256="0" * 64)
        assert left_beside(dest) == []
        get(served.url, dest, sha256=hashlib.sha256(CONTENT).hexdigest().upper())
    assert dest.exists()


def test_a_disk_too_small_is_named_before_it_starts(dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1 << 30, 0, 64 << 20))
    with serving(CONTENT) as served, pytest.raises(DownloadError, match="are needed in"):
        get(served.url, dest)
    assert left_beside(dest) == []
