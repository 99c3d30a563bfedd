"""The report's page: counts alone, drawn, and safe to open."""

from __future__ import annotations

from xml.etree import ElementTree

from music_assets.defs.assets.report import _bars, _page


def test_the_page_says_how_much_was_matched_and_by_what() -> None:
    page = _page([("matched", 3), ("below_floor", 1)], [(1990, 2, 3)], [("AA", 3, 4)], sandbox=False)
    assert "4 MSD songs, 75.0% matched" in page
    # The last are of what a score means, measured on labelled pairs.
    for words in ("below_floor", "1990s", "2 of 3", "AA", "3 of 4", "above 0.96", "1,166 of 1,166"):
        assert words in page
    assert "Sandbox" not in page


def test_invented_values_are_announced() -> None:
    assert "Sandbox" in _page([("matched", 1)], [], [], sandbox=True)


def test_an_empty_warehouse_has_a_page_too() -> None:
    assert "0 MSD songs" in _page([], [], [], sandbox=False)


def test_bars_are_as_long_as_their_share_and_names_are_escaped() -> None:
    drawn = ElementTree.fromstring(_bars([("a<b", 1, 4), ("none", 0, 0)]))
    bars = [rect.get("width") for rect in drawn.iter("rect") if rect.get("fill") == "#4c72b0"]
    assert bars == ["100.0", "0.0"]
    assert next(drawn.iter("text")).text == "a<b"
