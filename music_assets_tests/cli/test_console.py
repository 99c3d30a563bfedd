"""What commands print: texts of others never steer the terminal."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from music_assets.cli.console import Console, facts_table, named_line, printable, progress_shown
from music_assets.progress import advanced

HOSTILE = {
    "a window title": "\x1b]0;owned\x07",
    "an erased screen": "\x1b[2J\x1b[H",
    "eight bits": "\x9b2J\x90q\x9c",
    "a line written over": "all is well\rFailed",
    "backspaces": "evil\b\b\b\bgood",
    "right to left": "\u202egpj.exe",
    "an isolate": "\u2066abc\u2069",
    "a separator": "one\u2028two",
}


def drawn(renderable: object) -> str:
    file = io.StringIO()
    Console(file=file, width=200, force_terminal=False).print(renderable)
    return file.getvalue()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_steers_the_terminal(text: str) -> None:
    table = Table("column")
    table.add_row(Text(text))
    for shown in (
        printable(text),
        drawn(text),
        drawn(Text(text)),
        drawn(facts_table({"title": text})),
        drawn(table),
    ):
        assert not {one for one in shown if steers(one)}, repr(shown)


def steers(character: str) -> bool:
    is_control = unicodedata.category(character) in ("Cc", "Zl", "Zp") and character not in "\n\t"
    turns = unicodedata.bidirectional(character) in (
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    )
    return is_control or turns or character in "\u061c\u200e\u200f"


@given(st.text())
def test_whatever_the_text_nothing_is_left_that_steers(text: str) -> None:
    assert not {one for one in printable(text) if steers(one)}


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S", "Zs"))))
def test_titles_of_any_script_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


def test_a_name_in_colons_is_no_emoji() -> None:
    assert ":warning:" in drawn(Text(":warning:")) and ":warning:" in drawn(":warning:")


@pytest.mark.parametrize("width", [72, 80, 100, 160])
def test_numbers_and_names_of_the_bars_are_whole_at_any_width(width: int) -> None:
    file = io.StringIO()
    with progress_shown(Console(file=file, width=width, force_terminal=False)):
        advanced("acousticbrainz_features", "ZZ", 400, 676, rows=48_255)
        advanced("songs resolved", "", 123_456, 1_000_000, rows=1)
        advanced("staging tables", "musicbrainz_recordings", 22, 22, rows=4_800)
    lines = [line.split() for line in file.getvalue().splitlines()]
    assert "\N{HORIZONTAL ELLIPSIS}" not in file.getvalue()
    assert [line[0] for line in lines] == ["acousticbrainz_features", "songs", "staging"]
    assert all(
        counts in line for counts, line in zip(["400/676", "123456/1000000", "22/22"], lines, strict=True)
    )
    if width >= 80:
        assert lines[0][-3:] == ["ZZ", "48,255", "rows"] or lines[0][-1].endswith("/s")
        assert "musicbrainz_recordings" in lines[2]


@pytest.mark.parametrize("columns", [5, 40, 80])
def test_a_named_line_is_folded_to_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "; ".join(f"{count} to a-source-of-{count}" for count in range(9, 30))
    monkeypatch.setenv("COLUMNS", "10000")
    whole = named_line("requests today", text)
    assert whole == f"requests today   {text}"
    monkeypatch.setenv("COLUMNS", str(columns))
    folded = named_line("requests today", text)
    assert max(map(len, folded.splitlines())) <= max(columns, 40) and folded.split() == whole.split()
