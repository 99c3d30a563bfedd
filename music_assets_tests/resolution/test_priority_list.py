"""The priority list, as people write it down."""

from __future__ import annotations

from pathlib import Path

import pytest

from music_assets.resolution import PriorityListError, read_priority_list

TRACK, SONG, ARTIST = "TRAAAAW128F429D538", "SOMZWCG12A8C13C480", "ARD7TVE1187B99BFB1"


@pytest.mark.parametrize(
    "text",
    [
        f"{TRACK}\n{SONG}\n{ARTIST}\n",
        f"\ufefftrack_id,note\r\n{TRACK},first\r\n{SONG},\r\n{ARTIST},{TRACK}\r\n",
        f"We used ({TRACK}), {SONG}<SEP>{ARTIST}; not TRAAAAW128, nor XTRAAAAW128F429D538.",
    ],
)
def test_ids_are_found_in_any_text_once_and_in_order(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8")
    assert read_priority_list(path) == [TRACK, SONG, ARTIST]


def test_a_list_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    with pytest.raises(PriorityListError, match="--tracks"):
        read_priority_list(tmp_path / "none.txt")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PriorityListError, match="not UTF-8 text"):
        read_priority_list(tmp_path / "bytes")
    (tmp_path / "prose").write_text("nothing here")
    with pytest.raises(PriorityListError, match="names no id"):
        read_priority_list(tmp_path / "prose")
