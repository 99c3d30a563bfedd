"""The page: one file that opens offline, is small, runs nothing, and looks right in a browser."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from music_assets.report.charts import bars, standalone, svg
from music_assets.report.figures import sql
from music_assets.report.page import Report
from music_assets.tables import PUBLISHED
from music_assets.tables.terms import TERMS
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets_tests.report.conftest import Made
from music_assets_tests.support.published_rows import HOSTILE, insert_rows, published_rows

PHONE, SCREEN = 360, 1100


class Page(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_of_10_000_songs_it_is_small_and_needs_nothing_else(made: Made) -> None:
    assert len(made.html.encode()) < 3_000_000
    page = Page(made.html)
    assert "H. Schreiber. Improving" in made.html
    links = {terms.url for terms in TERMS.values()}  # to click on
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "button"} & set(
        page.tags
    )
    for name, value in page.attributes:
        assert not name.startswith("on"), (name, value)
        assert name not in ("src", "xlink:href", "background"), (name, value)
        assert name != "href" or value == "#terms" or value in links
    assert "@import" not in made.html
    assert re.findall(r"url\((?!#)", made.html) == []


def test_texts_of_others_are_texts(made: Made) -> None:
    """A tag and a genre with markup in them; no artist, guest or title is on the page at all."""
    page = Page(made.html)
    assert page.texts.count(HOSTILE) == 2, "in the tables of tags and of genres"
    assert "<script" not in made.html


def test_each_figure_has_a_number_a_caption_its_terms_and_its_query(made: Made) -> None:
    figures = re.findall(r"<figure.*?</figure>", made.html, re.S)
    assert len(figures) == 18
    for number, figure in enumerate(figures, 1):
        assert f"Figure {number}. " in figure
        assert "<svg " in figure
        assert 'class="mark"' in figure
        assert ("SELECT" in figure) != ('id="reliability"' in figure)
        assert ("Spearman" in figure) == ("nullif(stddev_pop(a)" in figure), "where ρ is from"


def test_the_query_beside_a_figure_gives_its_numbers_or_what_is_computed_is_said(made: Made) -> None:
    """Run as it is shown; words for a group (1990, 1990s) are no other numbers."""
    with duckdb.connect(str(made.warehouse), read_only=True) as database:
        for one in made.report.figures():
            if one.query and not one.figure.computed:
                numbers = database.sql(one.query).df()
                assert numbers.shape == one.frame.shape, one.figure.name
                assert numbers["songs" if "songs" in numbers else "artists"].tolist() == (
                    one.frame["songs" if "songs" in numbers else "artists"].tolist()
                )
    (said,) = [one.figure.computed for one in made.report.figures() if one.figure.computed]
    assert said in unescape(made.html)


def test_freshness_has_a_row_for_each_table_that_is_fetched() -> None:
    names = {name for name, table in PUBLISHED.items() if "source" in table.c and table.schema != "analytics"}
    names -= {"mapped.artists"}  # computed from tables that are listed
    assert set(re.findall(r"^FROM (\S+)$", sql("freshness"), re.M)) == names
    assert set(re.findall(r"^SELECT '(\S+)'", sql("freshness"), re.M)) == names


def test_it_says_how_many_were_matched_what_is_missing_and_how_old_values_are(made: Made) -> None:
    why = "no recording was found, or AcousticBrainz has none"
    for words in ("10,000 MSD songs, 80.8% matched", why, "1-0123456789", "spotify.tracks"):
        assert words in made.html
    assert "Sandbox" not in made.html
    assert "<td>1990s</td>" in made.html


def test_invented_values_are_announced(tmp_path: Path) -> None:
    rows = published_rows(20)
    rows["spotify.tracks"]["source"] = "sandbox"
    assert "Sandbox: what Spotify" in written(tmp_path, rows).html()


def test_figures_without_values_say_so(tmp_path: Path) -> None:
    html = written(tmp_path, {}).html()
    assert "0 MSD songs, none matched" in html
    # All but the counts by source, which are 0, and what a score means.
    assert html.count("No values.") == 16
    assert "H. Schreiber. Improving" not in html, "cited are the sets that figures are drawn from"


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_few_songs_have_a_page(tmp_path: Path, count: int) -> None:
    report = written(tmp_path, published_rows(count, seed=count))
    assert report.html()
    assert not [one.figure.name for one in report.figures() if "NaN" in one.svg]


def test_a_single_drawing_has_its_colours_with_it(made: Made) -> None:
    drawn = next(made.report.figures()).svg
    names = set(re.findall(r"var\((--\w+)\)", drawn))
    assert names
    assert all(re.search(rf"{name}:#[0-9a-f]{{3,6}}", standalone(drawn)) for name in names)


def written(folder: Path, rows: dict[str, pd.DataFrame]) -> Report:
    with DuckDBWarehouse(folder / "w.duckdb", folder / "p.duckdb").transaction("testing") as connection:
        insert_rows(connection, rows)
        return Report.read(connection)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(shutil.which("chromedriver"))))
    yield driver
    driver.quit()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, SCREEN])
def test_in_a_browser(made: Made, browser: Any, tmp_path: Path, width: int, scheme: str) -> None:
    """Offline; nothing is wider than the page, cut off or unreadable. Its picture is in pytest's folder."""
    path = tmp_path / "report.html"
    path.write_text(made.html, encoding="utf-8")
    tell = browser.execute_cdp_cmd
    tell("Network.enable", {})
    tell(
        "Network.emulateNetworkConditions",
        {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
    )
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    tell("Emulation.setDeviceMetricsOverride", size)
    tell("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.get(path.as_uri())
    assert browser.get_log("browser") == []
    assert browser.title == "Music Assets: report"
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    drawn = browser.execute_script(_MEASURE)
    assert len(drawn) == 18
    browser.find_element("id", "free").click()
    hidden = browser.execute_script(
        "return [...document.querySelectorAll('figure')].filter(one => !one.offsetHeight).map(one => one.id)"
    )
    assert hidden == ["popularity", "tempo", "keys", "loudness_spotify", "tagtraum", "genres"]
    browser.find_element("id", "free").click()
    for name, figure in drawn.items():
        assert figure["height"] > 40, name
        assert figure["smallest"] > 8, f"{name}: its letters are {figure['smallest']} pixels high"
        assert not figure["outside"], (name, figure["outside"])
        assert figure["contrast"] > 4.5, f"{name}: letters hardly differ from the page"
    picture = tell("Page.captureScreenshot", {"captureBeyondViewport": True})["data"]
    path.with_suffix(".png").write_bytes(base64.b64decode(picture))


# Of each figure: its height, the size of its smallest letters, texts that are cut off, and WCAG's contrast.
_MEASURE = """
const luminance = color => {
  const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3)
    .map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const page = luminance(getComputedStyle(document.body).backgroundColor);
return Object.fromEntries([...document.querySelectorAll('figure')].map(figure => {
  const svg = figure.querySelector('svg'), box = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim());
  const scale = box.width / svg.viewBox.baseVal.width;
  const ink = texts.map(text => luminance(getComputedStyle(text).fill));
  return [figure.id, {
    height: box.height,
    smallest: Math.min(...texts.map(text => parseFloat(getComputedStyle(text).fontSize) * scale), 99),
    outside: texts.filter(text => {
      const at = text.getBoundingClientRect();
      return at.left < box.left - 1 || at.right > box.right + 1 || at.bottom > box.bottom + 1;
    }).map(text => text.textContent),
    contrast: Math.min(...ink.map(one => (Math.max(one, page) + 0.05) / (Math.min(one, page) + 0.05)), 21),
  }];
}));
"""


@pytest.mark.parametrize("text", ["\0", "\x1b]0;x\x07", "\x0b", "\ufffe", "\ud800", "a\x85\u202e\U0010ffff"])
def test_a_text_with_what_xml_has_not_is_drawn(text: str) -> None:
    """Such a title or tag ended the process of the run."""
    frame = pd.DataFrame({"name": [text, "fine"], "value": [1, 2], "label": [f"{text} 1", "2"]})
    drawn = svg(bars(frame, "name", "value", "label"))
    assert "fine" in drawn and not set("\0\x1b\x07\x0b\ufffe\ud800") & set(drawn)
