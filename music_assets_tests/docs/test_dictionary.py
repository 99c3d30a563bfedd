"""The data dictionary says what the declared tables say, of every column, and is up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer

from docs.generate.dictionary import data_dictionary
from music_assets.defs.checks import REFERENCES
from music_assets.tables import METADATA, OURS, PUBLISHED, SPOTIFY
from music_assets.tables.terms import TERMS

REPOSITORY = Path(__file__).resolve().parents[2]
COLUMNS = [column for table in METADATA.tables.values() for column in table.columns]


def name_of(column: Column) -> str:  # type: ignore[type-arg]
    return f"{column.table.fullname}.{column.name}"


@pytest.fixture(scope="module")
def page() -> str:
    return data_dictionary()


def test_the_page_in_the_repository_is_up_to_date(page: str) -> None:
    kept = (REPOSITORY / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    assert kept == page, "run `make docs`"


def section(page: str, table: str) -> list[str]:
    """The rows of a table's section, without its head."""
    text = page.split(f"\n### {table}\n")[1].split("\n#")[0]
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


def test_every_column_of_every_table_has_a_row_with_both_types(page: str) -> None:
    for table in METADATA.tables.values():
        rows = section(page, table.fullname)
        assert [row.split("|")[1].strip(" *`") for row in rows] == [c.name for c in table.columns]
        assert all(len(row.split(" | ")) == 7 for row in rows), table.fullname
        assert all(row.split(" | ")[4] and row.split(" | ")[5] for row in rows), table.fullname


def test_a_row_says_all_that_is_declared(page: str) -> None:
    (tempo,) = (row for row in section(page, "msd.songs") if row.startswith("| `tempo`"))
    assert tempo == (
        "| `tempo` | Estimated tempo, often half or double of what one hears. In BPM. | 0 or more "
        "| the file has NaN | DOUBLE PRECISION | DOUBLE PRECISION | MSD |"
    )
    (terms,) = (row for row in section(page, "msd.artists") if row.startswith("| `terms`"))
    assert "| SUPER | JSON |" in terms
    (key,) = (row for row in section(page, "analytics.songs") if row.startswith("| **`track_id`**"))
    assert "VARCHAR(18)" in key


@pytest.mark.parametrize("column", COLUMNS, ids=name_of)
def test_every_column_says_more_than_its_name(column: Column) -> None:  # type: ignore[type-arg]
    def words(text: str) -> set[str]:
        return {word.strip(".,;:`()'s").lower() for word in text.replace("_", " ").split()}

    filler = {"the", "of", "a", "an", "it", "is", "in", "on", "artist", "track", "song", "spotify", "msd"}
    assert column.comment, "has no comment"
    assert len(words(column.comment) - words(str(column.name)) - filler) >= 2, column.comment
    assert column.info["null"], "does not say when it is NULL"
    if not column.nullable:
        assert column.info["null"] == "never"


def test_a_column_without_a_comment_is_found() -> None:
    """The test above fails where it must."""
    silent = Column("tempo", Integer, comment="The tempo.", info={"null": "never"})
    with pytest.raises(AssertionError, match="The tempo"):
        test_every_column_says_more_than_its_name(silent)
    silent.comment = None
    with pytest.raises(AssertionError, match="has no comment"):
        test_every_column_says_more_than_its_name(silent)


def test_the_diagram_shows_every_table_and_every_reference(page: str) -> None:
    diagram = page.split("```mermaid\n")[1].split("```")[0]
    assert diagram.startswith("erDiagram\n")
    for name in PUBLISHED:
        assert f'{name.replace(".", "_")}["{name}"] {{' in diagram
    lines = [line for line in diagram.splitlines() if "--" in line]
    assert len(lines) == len(REFERENCES)
    assert '    mapped_songs }o--|| msd_songs : "track_id"' in lines
    assert '    mapped_songs }o--o| spotify_tracks : "spotify_track_id"' in lines
    assert '    msd_songs ||--|| analytics_songs : "track_id"' in lines


def test_the_page_of_terms_answers_once_for_each_owner_and_set() -> None:
    text = (REPOSITORY / "docs" / "terms.md").read_text(encoding="utf-8")
    owners = re.findall(r"^\| (`.*?) \|", text, flags=re.M)
    assert sorted(re.findall(r"`([^`]+)`", " ".join(owners))) == sorted(TERMS)
    assert len(re.findall(r"^\|.*`companion\.songs`", text, flags=re.M)) == 1


def test_the_terms_of_what_a_match_is_are_those_that_its_columns_declare() -> None:
    """An export leaves out what the table of `docs/terms.md` says is Spotify's, and nothing else."""
    rows = {
        cells[1].strip(" `"): cells[2]
        for line in (REPOSITORY / "docs" / "terms.md").read_text(encoding="utf-8").splitlines()
        if len(cells := line.split("|")) > 4
    }
    ours = rows[OURS].partition("(")[0]
    for column in PUBLISHED["analytics.songs"].c:
        if column.name.startswith("match_"):
            is_ours = column.info["source"] == OURS
            assert (column.name.removeprefix("match_") in ours) == is_ours, column.name
            assert (f"`{column.name}`" in rows[SPOTIFY]) != is_ours, column.name
