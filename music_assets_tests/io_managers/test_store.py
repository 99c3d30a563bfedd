"""The store of staged files: whole or not at all, in a folder and on S3 alike."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from music_assets.io_managers.store import Receipt, SliceStore, checksum, fingerprint


def receipt(slice_: str = "AB", content: bytes = b"x") -> Receipt:
    return Receipt(
        "songs", slice_, "made-from", 1, len(content), checksum(content), "run", "2026-11-22", facts={"n": 1}
    )


@pytest.fixture
def store(tmp_path: Path) -> SliceStore:
    return SliceStore(str(tmp_path))


def test_files_lie_by_kind_and_letters(store: SliceStore, tmp_path: Path) -> None:
    store.write(receipt(), b"x")
    assert (tmp_path / "songs" / "A" / "B.json.gz").read_bytes() == b"x"
    assert store.url("songs", "AB") == str(tmp_path / "songs" / "A" / "B.json.gz")


def test_the_slice_of_a_day_has_a_file_of_its_name(store: SliceStore, tmp_path: Path) -> None:
    assert store.path("tracks", "2026-11-22") == f"{tmp_path}/tracks/2026-11-22.json.gz"


def test_a_receipt_comes_back_as_it_was(store: SliceStore) -> None:
    assert store.receipt("songs", "AB") is None
    store.write(receipt(), b"x")
    assert store.receipt("songs", "AB") == receipt()


def test_a_write_that_breaks_off_leaves_no_receipt(
    store: SliceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(receipt(), b"x")
    before = store._put

    def full_disk(path: str, content: bytes | None) -> None:
        if content == b"y":
            raise OSError("no space left on device")
        before(path, content)

    monkeypatch.setattr(store, "_put", full_disk)
    with pytest.raises(OSError, match="no space"):
        store.write(receipt(content=b"y"), b"y")
    assert store.receipt("songs", "AB") is None  # so it is made again, whatever is left of the file
    assert store.read("songs", "AB") == b"x"


def test_no_half_written_file_is_left_behind(store: SliceStore, tmp_path: Path) -> None:
    store.write(receipt(), b"x")
    names = {path.name for path in (tmp_path / "songs" / "A").iterdir()}
    assert names == {"B.json.gz", "B.receipt.json"}


def test_another_file_system_is_used_the_same_way() -> None:
    store = SliceStore("memory://bucket/prefix")
    store.write(receipt(), b"x")
    assert store.receipt("songs", "AB") == receipt()
    assert store.url("songs", "AB") == "memory:///bucket/prefix/songs/A/B.json.gz"
    with store.as_local_file("songs", "AB") as path:
        assert Path(path).read_bytes() == b"x"
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def test_a_fingerprint_tells_parts_apart() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint("a", "b") == fingerprint("a", "b")
