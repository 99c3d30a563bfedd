"""The store of staged files: whole or not at all, in a folder and on S3 alike."""

from __future__ import annotations

import multiprocessing
import resource
import signal
from pathlib import Path
from typing import Any

import pytest

from music_assets.staging.errors import DamagedFile, StagingError
from music_assets.staging.store import StagedFile, StagingStore, checksum, fingerprint


def receipt(slice_: str = "AB", content: bytes = b"x") -> StagedFile:
    return StagedFile(
        "songs",
        slice_,
        "made-from",
        1,
        len(content),
        checksum(content),
        "run",
        "2026-11-22",
        metadata={"n": 1},
    )


@pytest.fixture
def store(tmp_path: Path) -> StagingStore:
    return StagingStore(str(tmp_path))


def test_files_lie_by_kind_and_letters(store: StagingStore, tmp_path: Path) -> None:
    store.write(receipt(), b"x")
    assert (tmp_path / "songs" / "A" / "B.json.gz").read_bytes() == b"x"
    assert store.url("songs", "AB") == str(tmp_path / "songs" / "A" / "B.json.gz")


def test_the_slice_of_a_day_has_a_file_of_its_name(store: StagingStore, tmp_path: Path) -> None:
    assert store.path("tracks", "2026-11-22") == f"{tmp_path}/tracks/2026-11-22.json.gz"


def test_a_receipt_comes_back_as_it_was(store: StagingStore) -> None:
    assert store.staged_file("songs", "AB") is None
    store.write(receipt(), b"x")
    assert store.staged_file("songs", "AB") == receipt()


def test_a_write_that_breaks_off_leaves_no_receipt(
    store: StagingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(receipt(), b"x")
    before = Path.write_bytes

    def full_disk(path: Path, content: bytes) -> int:
        if content == b"y":
            raise OSError("no space left on device")
        return before(path, content)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="no space"):
        store.write(receipt(content=b"y"), b"y")
    assert store.staged_file("songs", "AB") is None  # so it is made again, whatever is left of the file
    assert store.read(receipt()) == b"x"


def test_what_interrupted_writes_left_goes_with_the_next(store: StagingStore, tmp_path: Path) -> None:
    store.write(receipt(), b"x")
    folder = tmp_path / "songs" / "A"
    before = sorted(folder.iterdir())
    for path in before:
        path.with_name(f"{path.name}.4711.part").write_bytes(b"cut o")
    other = folder / "C.json.gz.4711.part"
    other.write_bytes(b"of another file")
    store.write(receipt(), b"x")
    assert sorted(folder.iterdir()) == sorted([*before, other])


def test_a_write_that_breaks_off_leaves_nothing_beside_the_file(store: StagingStore, tmp_path: Path) -> None:
    def limited() -> None:  # as a full disk would: a part is written
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    limited_process = multiprocessing.get_context("fork").Process(target=lambda: (limited(), _write(store)))
    limited_process.start()
    limited_process.join()
    assert limited_process.exitcode == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_two_processes_write_one_file_at_once(store: StagingStore, tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=_write, args=(store, 200, text)) for text in (b"a", b"b")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert Path(store.path("songs", "AB")).read_bytes() in (b"a" * 5000, b"b" * 5000)
    assert [*tmp_path.rglob("*.part")] == []


def _write(store: StagingStore, times: int = 1, text: bytes = b"x") -> None:
    for _ in range(times):
        store.write(receipt(content=text * 5000), text * 5000)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (b"", "has 0 bytes, 1 were written"),
        (b"y", "has another checksum"),
        (None, "is missing"),
    ],
)
def test_a_file_that_is_not_what_its_receipt_says_is_named_and_made_again(
    store: StagingStore, found: bytes | None, said: str
) -> None:
    store.write(receipt(), b"x")
    path = Path(store.path("songs", "AB"))
    path.unlink() if found is None else path.write_bytes(found)
    with pytest.raises(DamagedFile, match=said) as caught:
        store.read(receipt())
    assert str(path) in str(caught.value)
    assert "Run again: songs rebuilds AB" in str(caught.value)
    assert store.staged_file("songs", "AB") is None


def test_a_file_that_was_written_anew_in_the_meantime_keeps_its_receipt(store: StagingStore) -> None:
    store.write(receipt(content=b"new"), b"new")
    with pytest.raises(DamagedFile, match="Another run has written it in the meantime"):
        store.read(receipt(content=b"old!"))
    assert store.staged_file("songs", "AB") == receipt(content=b"new")


@pytest.mark.parametrize("is_same", [True, False])
def test_what_is_written_twice_is_there_all_the_while(
    store: StagingStore, monkeypatch: pytest.MonkeyPatch, is_same: bool
) -> None:
    """As by two runs at once, of which one reads it already."""
    store.write(receipt(content=b"x"), b"x")
    found, put = [], store._files.put

    def looking(*what: Any) -> None:
        found.append(store.staged_file("songs", "AB"))
        put(*what)

    monkeypatch.setattr(store._files, "put", looking)
    content = b"x" if is_same else b"y"
    store.write(receipt(content=content), content)
    assert found == [receipt(content=b"x") if is_same else None] * 2


def test_half_a_receipt_is_none(store: StagingStore) -> None:
    store.write(receipt(), b"x")
    Path(store.path("songs", "AB", ".receipt.json")).write_bytes(b'{"kind": "son')
    assert store.staged_file("songs", "AB") is None


def test_no_half_written_file_is_left_behind(store: StagingStore, tmp_path: Path) -> None:
    store.write(receipt(), b"x")
    names = {path.name for path in (tmp_path / "songs" / "A").iterdir()}
    assert names == {"B.json.gz", "B.receipt.json"}


@pytest.mark.parametrize("url", ["gs://bucket/prefix", "s3://", "memory://x"])
def test_a_place_it_cannot_reach_is_refused_by_name(url: str) -> None:
    with pytest.raises(StagingError, match="MUSIC_ASSETS_STAGING is .*: it takes a folder, or s3://bucket"):
        StagingStore(url)


def test_a_fingerprint_tells_parts_apart() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint("a", "b") == fingerprint("a", "b")
