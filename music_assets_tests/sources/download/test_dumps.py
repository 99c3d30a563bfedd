"""Downloads of dumps: the newest of the listing, whole, resumed, and the one of its checksum."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
from click.testing import CliRunner

from music_assets.cli.download import download
from music_assets.sources.download import DownloadError, download_dump
from music_assets.sources.msd import MsdRoot
from music_assets_tests.sources.download.server import ranged, send
from music_assets_tests.support.msd_songs import TRACK, song, write_summary_file

NEW, OLD = "musicbrainz-canonical-dump-20261117-080003", "musicbrainz-canonical-dump-20261103-080003"
CONTENT = bytes(range(256)) * 40


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


@contextmanager
def web(files: Mapping[str, bytes], *, breaks_off: bool = False) -> Iterator[tuple[str, list[str]]]:
    """A web server of these files with listings; its address, what was requested. It may break off."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            asked.append(path)
            if path in files:
                ranged(self, files[path], 5000 if breaks_off and asked.count(path) == 1 else None)
                return
            below = {name.removeprefix(path).partition("/") for name in files if name.startswith(path)}
            links = "".join(f'<a href="{head}{slash}">x</a>' for head, slash, _ in sorted(below))
            hostile = '<a href="../">up</a><a href="/etc/passwd">x</a><a href="?C=N">x</a><a href="http://x/y">x</a>'
            send(self, 200 if below else 404, f"<html>{hostile}{links}</html>".encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        server.server_close()


def canonical(content: bytes = CONTENT, digest: bytes | None = None) -> dict[str, bytes]:
    """What MusicBrainz's folder holds, an older dump and one that is being uploaded among it."""
    return {
        f"{OLD}/{OLD}.tar.zst": b"old",
        f"{OLD}/{OLD}.tar.zst.sha256": sha256(b"old"),
        f"{NEW}/{NEW}.tar.zst": content,
        f"{NEW}/{NEW}.tar.zst.sha256": (digest or sha256(content)) + f"  {NEW}.tar.zst\n".encode(),
        "musicbrainz-canonical-dump-20261203-080003/README": b"being uploaded",
    }


@pytest.mark.parametrize("name", ["musicbrainz", "acousticbrainz", "echonest", "summary"])
def test_a_server_that_is_not_there_is_told_in_a_sentence(name: str, tmp_path: Path) -> None:
    with socket.socket() as free:  # bound and not listening: connections to it are refused
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        with pytest.raises(DownloadError, match="Connection refused") as raised:
            download_dump(name, tmp_path, base_url=url, tries=1, pause=0.01)
    assert not re.search("Pool|Max retries|Error", str(raised.value)), raised.value


def test_the_newest_whole_dump_arrives_with_its_checksum_and_is_not_fetched_again(tmp_path: Path) -> None:
    with web(canonical(), breaks_off=True) as (url, asked):
        (file,) = download_dump("musicbrainz", tmp_path, base_url=url, pause=0.01)
        assert file == tmp_path / "musicbrainz" / f"{NEW}.tar.zst"
        assert file.read_bytes() == CONTENT
        assert sha256(CONTENT).decode() in file.with_name(f"{file.name}.sha256").read_text()
        assert asked.count(f"{NEW}/{NEW}.tar.zst") == 2  # it was resumed
        assert download_dump("musicbrainz", tmp_path, base_url=url) == [file]
        assert asked.count(f"{NEW}/{NEW}.tar.zst") == 2
    assert sorted(path.name for path in file.parent.iterdir()) == [
        ".download.lock",
        f"{NEW}.tar.zst",
        f"{NEW}.tar.zst.sha256",
    ]


def test_a_file_of_another_checksum_is_not_left(tmp_path: Path) -> None:
    with web(canonical(digest=sha256(b"other"))) as (url, _), pytest.raises(DownloadError, match="SHA-256"):
        download_dump("musicbrainz", tmp_path, base_url=url)
    assert not list(tmp_path.rglob("*.zst"))


def test_a_dump_that_was_replaced_under_its_name_is_fetched_again(tmp_path: Path) -> None:
    for content in (CONTENT, CONTENT[::-1]):
        with web(canonical(content)) as (url, _):
            (file,) = download_dump("musicbrainz", tmp_path, base_url=url)
            assert file.read_bytes() == content


@pytest.mark.parametrize("name", ["musicbrainz", "acousticbrainz"])
def test_a_folder_without_a_dump_is_named(tmp_path: Path, name: str) -> None:
    with web({"other/file": b""}) as (url, _), pytest.raises(DownloadError, match=r"--url"):
        download_dump(name, tmp_path, base_url=url)
    with pytest.raises(DownloadError, match="cannot be read"):
        download_dump(name, tmp_path, base_url="http://127.0.0.1:9/")


def test_all_of_acousticbrainz_arrives_compared_with_one_list_of_checksums(tmp_path: Path) -> None:
    files = {f"features-{kind}.tar.zst": kind.encode() for kind in ("lowlevel", "rhythm", "tonal")}
    sums = b"".join(sha256(body) + f" *{name}\n".encode() for name, body in files.items())
    with web({**files, "sha256sums": sums}) as (url, _):
        found = download_dump("acousticbrainz", tmp_path, base_url=url)
    assert {file.name: file.read_bytes() for file in found} == files
    with web({**files, "sha256sums": sums, "features-tonal.tar.zst": b"x"}) as (url, _):
        (tmp_path / "acousticbrainz" / "features-tonal.tar.zst").unlink()
        with pytest.raises(DownloadError, match="SHA-256"):
            download_dump("acousticbrainz", tmp_path, base_url=url)


@contextmanager
def ftp(files: Mapping[str, bytes]) -> Iterator[str]:
    """An FTP server of these files, with SIZE, REST and RETR; each second transfer begins and breaks off."""
    transfers = 0

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            nonlocal transfers
            self.wfile.write(b"220 hello\r\n")
            first, data = 0, None
            while line := self.rfile.readline().decode().strip():
                command, _, argument = line.partition(" ")
                body = files.get(argument.lstrip("/"))
                answer = {"USER": "331 password?", "PASS": "230 welcome", "TYPE": "200 ok"}.get(
                    command, "502 no"
                )
                if command == "REST":
                    first, answer = int(argument), "350 ok"
                elif command in ("PASV", "EPSV"):
                    data = ThreadingTCPServer(("127.0.0.1", 0), StreamRequestHandler)
                    port = data.server_address[1]
                    answer = f"227 ok (127,0,0,1,{port // 256},{port % 256})"
                    if command == "EPSV":
                        answer = f"229 ok (|||{port}|)"
                elif command in ("SIZE", "RETR") and body is None:
                    answer = "550 no such file"
                elif command == "SIZE" and body is not None:
                    answer = f"213 {len(body)}"
                elif command == "RETR" and body is not None and data is not None:
                    self.wfile.write(b"150 here it comes\r\n")
                    connection, _ = data.socket.accept()
                    transfers += 1
                    connection.sendall(body[first : first + 3000 if transfers % 2 else None])
                    connection.close()
                    data.server_close()
                    answer = "226 done"
                self.wfile.write(f"{answer}\r\n".encode())

    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"ftp://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def test_the_archive_and_the_mapping_arrive_by_ftp_and_are_resumed(tmp_path: Path) -> None:
    names = "millionsongdataset_echonest.tar.bz2", "msd-mbid-2016-01-results-ab.csv.bz2"
    contents = [b"BZh9" + CONTENT, b"BZh9" + CONTENT[::-1]]
    with ftp(dict(zip(names, contents, strict=True))) as url:
        found = download_dump("echonest", tmp_path, base_url=url, pause=0.01)
    assert found == [tmp_path / "echonest" / names[0], tmp_path / "musicbrainz" / names[1]]
    assert [file.read_bytes() for file in found] == contents
    with ftp({}) as url, pytest.raises(DownloadError, match="404"):
        download_dump("echonest", tmp_path / "other", base_url=url, pause=0.01)


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"{}", b"B"])
def test_a_page_in_place_of_a_file_without_a_checksum_is_not_left(tmp_path: Path, body: bytes) -> None:
    archive, mapping = "millionsongdataset_echonest.tar.bz2", "msd-mbid-2016-01-results-ab.csv.bz2"
    files = {archive: b"BZh9" + CONTENT, mapping: body}
    with web(files) as (url, _), pytest.raises(DownloadError, match=r"not a \.bz2 file"):
        download_dump("echonest", tmp_path, base_url=url, tries=1)
    assert not (tmp_path / "musicbrainz" / mapping).exists()
    assert (tmp_path / "echonest" / archive).exists()


def test_the_command_puts_a_dump_where_runs_find_it(tmp_path: Path) -> None:
    with web(canonical()) as (url, _):
        arguments = ["musicbrainz", "--url", url, "--data", str(tmp_path)]
        result = CliRunner().invoke(
            download, arguments, env={"MUSIC_ASSETS_DOWNLOADS": str(tmp_path / "dumps")}
        )
    assert result.exit_code == 0, result.output
    assert "7 GB" in result.output
    assert (tmp_path / "dumps" / "musicbrainz" / f"{NEW}.tar.zst").read_bytes() == CONTENT
    refused = CliRunner().invoke(download, ["musicbrainz", "--to", "x"])
    assert refused.exit_code != 0


@pytest.mark.parametrize("words", [["--summary"], ["summary"]])
@pytest.mark.parametrize("named", ["", "msd_summary_file.h5"])
def test_the_summary_file_is_resumed_and_works_as_an_msd_root(
    tmp_path: Path, words: list[str], named: str
) -> None:
    write_summary_file(tmp_path / "source.h5", [song(TRACK), song("TRAAACZ128F4230A1B")])
    content = (tmp_path / "source.h5").read_bytes()
    with web({"msd_summary_file.h5": content}, breaks_off=True) as (url, asked):
        arguments = [*words, "--url", url + named, "--data", str(tmp_path)]
        result = CliRunner().invoke(download, arguments, catch_exceptions=False)
    place = tmp_path / "downloads" / "summary" / "msd_summary_file.h5"
    assert place.read_bytes() == content
    assert asked == ["msd_summary_file.h5"] * 2
    assert "It has 2 songs." in result.output
    assert f"Next: music-assets run --msd {place}" in result.output
    assert MsdRoot.open(place).partitions() == ["AA", "AB"]


def test_a_page_in_place_of_the_summary_file_is_not_left(tmp_path: Path) -> None:
    page = {"msd_summary_file.h5": b"<html>moved</html>"}
    with web(page) as (url, _), pytest.raises(DownloadError, match=r"not a \.h5 file"):
        download_dump("summary", tmp_path, base_url=url)
    assert not list(tmp_path.rglob("*.h5"))
