"""An export has what may be published, exactly as it is in the tables, and the same bytes each time."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import frictionless
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import null, update

from music_assets.cli.main import cli
from music_assets.export.references import REFERENCES
from music_assets.export.selection import CHOICES
from music_assets.tables import CC0, MSD, PUBLISHED, SPOTIFY, Super
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets_tests.export.conftest import SONGS, track

Published = Callable[..., Path]


def export(copy: Path, out: Path, *options: str) -> Result:
    data = str(copy.parents[1])
    return CliRunner().invoke(cli, ["export", "--data", data, "--out", str(out), *options])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def described(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    return found


def columns(folder: Path) -> dict[str, list[str]]:
    return {
        resource["name"]: [field["name"] for field in resource["schema"]["fields"]]
        for resource in described(folder)["resources"]
    }


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("only", CHOICES)
def test_nothing_of_spotifys_is_in_an_export_unless_it_is_wanted(
    published: Published, tmp_path: Path, only: str, form: str
) -> None:
    copy, out = published(), tmp_path / "out"
    assert export(copy, out, "--only", only, "--format", form).exit_code == 0
    theirs = {
        (name, column.name)
        for name, table in PUBLISHED.items()
        for column in table.columns
        if column.info["source"] == SPOTIFY
    }
    found = columns(out)
    assert found and not theirs & {(name, column) for name, names in found.items() for column in names}
    for resource in described(out)["resources"]:  # and the files have the columns that are described
        read = duckdb.sql(f"DESCRIBE FROM '{out / resource['path']}'").fetchall()
        assert [row[0] for row in read] == found[resource["name"]]
    package = frictionless.Package(str(out / "datapackage.json"))
    if form == "csv":
        report = package.validate()
        assert report.valid, report.flatten(["type", "note"])


def test_with_spotify_all_columns_are_there_and_the_terms_are_shown(
    published: Published, tmp_path: Path
) -> None:
    copy = published()
    for only in ("mapping", "joined"):
        result = export(copy, tmp_path / only, "--only", only, "--with-spotify", "--format", "csv")
        assert result.exit_code == 0 and "no training of models" in result.stderr
        assert columns(tmp_path / only) == {name: PUBLISHED[name].c.keys() for name in CHOICES[only][1]}
        assert "must not be published" in (tmp_path / only / "README.md").read_text()
        assert frictionless.Package(str(tmp_path / only / "datapackage.json")).validate().valid
    for only in ("open", "msd"):
        refused = export(copy, tmp_path / only, "--only", only, "--with-spotify")
        assert refused.exit_code == 2 and "nothing of Spotify's" in refused.stderr


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_the_same_rows_are_the_same_bytes_whatever_order_they_came_in(
    published: Published, tmp_path: Path, form: str
) -> None:
    here, there = published("here"), published("there", order=(3, 0, 4, 2, 1))
    for copy, out in ((here, "a"), (here, "b"), (there, "c")):
        assert export(copy, tmp_path / out, "--format", form).exit_code == 0
    assert content(tmp_path / "a") == content(tmp_path / "b") == content(tmp_path / "c")


def test_the_version_is_of_the_rows_not_of_the_format(published: Published, tmp_path: Path) -> None:
    copy, changed = published(), published("changed", tempo=1.0)
    for options in (["--format", "csv"], ["--format", "parquet"]):
        assert export(copy, tmp_path / options[1], *options).exit_code == 0
    assert export(changed, tmp_path / "other").exit_code == 0
    versions = {name: described(tmp_path / name)["version"] for name in ("csv", "parquet", "other")}
    assert versions["csv"] == versions["parquet"] != versions["other"]
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{12}", versions["csv"])
    assert all(
        versions["csv"] in (tmp_path / "csv" / name).read_text()
        for name in ("CITATION.cff", "CITATION.bib", "README.md")
    )


def test_text_and_lists_are_exact_in_both_formats(published: Published, tmp_path: Path) -> None:
    copy = published()
    for form in ("csv", "parquet"):
        assert export(copy, tmp_path / form, "--only", "msd", "--format", form).exit_code == 0
    names = PUBLISHED["msd.songs"].c.keys()
    texts = [name for name in names if PUBLISHED["msd.songs"].c[name].type.python_type is str]
    with duckdb.connect(str(copy), read_only=True) as tables:
        held = tables.execute(f"SELECT {', '.join(texts)} FROM msd.songs ORDER BY track_id").fetchall()
    parquet = tmp_path / "parquet" / "msd.songs.parquet"
    assert duckdb.sql(f"SELECT {', '.join(texts)} FROM '{parquet}'").fetchall() == held
    with (tmp_path / "csv" / "msd.songs.csv").open(newline="", encoding="utf-8") as file:
        written = [tuple(row[name] for name in texts) for row in csv.DictReader(file)]
    assert written == [tuple(value or "" for value in row) for row in held]
    with (tmp_path / "csv" / "msd.artists.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for column in PUBLISHED["msd.artists"].columns:
                if isinstance(column.type, Super) and row[column.name]:
                    assert isinstance(json.loads(row[column.name]), list)


def test_a_list_gives_its_songs_and_what_is_about_them(published: Published, tmp_path: Path) -> None:
    copy, list_ = published(), tmp_path / "paper.csv"
    list_.write_text(f"{track(1)}\n{track(3)}\nTRZZZZZ128F429D538\n")
    out = tmp_path / "out"
    result = export(copy, out, "--tracks", str(list_), "--format", "csv")
    assert result.exit_code == 0 and "TRZZZZZ128F429D538" in result.stderr
    rows = {path.stem: len(list(csv.reader(path.open(newline="")))) - 1 for path in out.glob("*.csv")}
    assert rows == dict.fromkeys(rows, 2) and len(rows) == 5
    package, readme = described(out), (out / "README.md").read_text()
    assert package["title"].endswith(": a selection") and package["name"].endswith("-selection")
    for text in (package["description"], readme):
        assert "a selection: what is about 2 of the songs in the tables, by the list paper.csv." in text
    assert str(tmp_path) not in b"".join(content(out).values()).decode()
    selected = "Here: those of the selection alone."
    assert readme.count(selected) == 5
    assert all(one["description"].endswith(selected) for one in package["resources"])
    assert export(copy, tmp_path / "all").exit_code == 0
    assert "selection" not in (tmp_path / "all" / "datapackage.json").read_text()
    assert "selection" not in (tmp_path / "all" / "README.md").read_text()
    list_.write_text("TRZZZZZ128F429D538")
    none = export(copy, tmp_path / "none", "--tracks", str(list_))
    assert none.exit_code == 2 and "names no song of the tables" in none.stderr
    assert not (tmp_path / "none").exists()


def test_checksums_counts_and_invented_rows_are_stated(published: Published, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = export(published(source="sandbox"), out)
    assert "invented" in result.stderr and "invented" in (out / "README.md").read_text()
    sums = dict(line.split("  ")[::-1] for line in (out / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        name: hashlib.sha256(data).hexdigest() for name, data in content(out).items() if name != "SHA256SUMS"
    }
    assert all(resource["rows"] == SONGS for resource in described(out)["resources"])
    assert described(out)["matcherVersions"] == ["1-abc"]


def test_every_column_is_described_as_it_is_declared(published: Published, tmp_path: Path) -> None:
    export(published(), tmp_path / "out")
    for resource in described(tmp_path / "out")["resources"]:
        table = PUBLISHED[resource["name"]]
        for field in resource["schema"]["fields"]:
            info = table.c[field["name"]].info
            assert field["description"] == table.c[field["name"]].comment
            assert (field["source"], field.get("unit")) == (info["source"], info["unit"])
        assert resource["licenses"] and resource["sources"]


def test_an_earlier_export_is_replaced_and_nothing_else_is(published: Published, tmp_path: Path) -> None:
    copy, out = published(), tmp_path / "odd ?name's [1] year=2025"
    assert export(copy, out, "--format", "csv").exit_code == 0
    assert export(copy, out, "--only", "msd").exit_code == 0
    data = {name for name in content(out) if name.endswith((".csv", ".parquet"))}
    assert data == {"msd.songs.parquet", "msd.artists.parquet"}
    (out / ".unfinished-1").mkdir()
    assert export(copy, out, "--only", "msd").exit_code == 0 and not (out / ".unfinished-1").exists()
    (out / "notes.txt").write_text("mine")
    before = content(out)
    refused = export(copy, out)
    assert refused.exit_code == 2 and "notes.txt" in refused.stderr
    assert content(out) == before


def test_what_cannot_be_read_or_written_is_one_sentence(published: Published, tmp_path: Path) -> None:
    copy = published()
    assert "music-assets run" in export(tmp_path / "a" / "b" / "c", tmp_path / "out").stderr
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        refused = export(copy, out)
        assert refused.exit_code == 2 and refused.stderr.startswith("Error: ") and "--out" in refused.stderr
    with duckdb.connect(str(copy)) as database:
        database.execute("ALTER TABLE analytics.songs DROP COLUMN tempo")
    older = export(copy, tmp_path / "older")
    assert older.exit_code == 2 and "music-assets run" in older.stderr
    assert not list((tmp_path / "older").glob("*"))


def cited(data: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["cite", "--data", str(data), *options])


def test_cite_names_the_works_as_text_and_bibtex(published: Published, tmp_path: Path) -> None:
    published()
    text = cited(tmp_path / "data").stdout
    assert "(ISMIR), pp. 591–596, 2011. http" in text and "AcousticBrainz" in text
    assert "IEEE Intelligent Systems 17(1), pp. 76–77, 2002. https://doi.org/10.1109/5254.988466\n" in text
    assert re.search(
        r"^The Music Assets authors\. Music Assets\. Software, version \d+\.\d+\.\d+\.$", text, re.M
    )
    assert "H. Schreiber" in text  # of the companion sets
    entries = cited(tmp_path / "data", "--bibtex").stdout
    assert len(re.findall(r"^@\w+\{\w+,$", entries, re.M)) == len(text.splitlines()) == 9
    assert entries.count("{") == entries.count("}")
    assert {*re.findall(r"^@(\w+)", entries, re.M)} == {"inproceedings", "article", "misc"}, (
        "known to every style"
    )
    article = entries.partition("@article{")[2].partition("\n}")[0]
    for field in (
        "journal = {IEEE Intelligent Systems}",
        "volume = {17}",
        "number = {1}",
        "pages = {76--77}",
    ):
        assert f"  {field}" in article


@pytest.mark.parametrize("owner", sorted({one.owner for one in REFERENCES} - {MSD, CC0}))
def test_a_companion_set_that_is_not_in_use_is_not_cited(
    published: Published, tmp_path: Path, owner: str
) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "data" / "warehouse.duckdb", published())
    with warehouse.transaction("taking an owner's values away") as connection:
        for table in PUBLISHED.values():
            if names := [column.name for column in table.c if column.info["source"] == owner]:
                connection.execute(update(table).values(dict.fromkeys(names, null())))
    warehouse.publish()
    theirs = {one.title for one in REFERENCES if one.owner == owner}
    text = cited(tmp_path / "data").stdout
    assert {one.title for one in REFERENCES if one.title in text} == {
        one.title for one in REFERENCES
    } - theirs


def test_without_tables_what_every_run_uses_is_cited(tmp_path: Path) -> None:
    told = cited(tmp_path / "none", "--bibtex")
    assert told.exit_code == 0 and "companion sets" in told.stderr
    assert re.findall(r"^@\w+\{(\w+),$", told.stdout, re.M) == [
        *("bertinmahieux2011", "swartz2002", "porter2015", "musicassets")
    ]


def test_the_repository_cites_the_same_paper() -> None:
    cff = (Path(__file__).parents[2] / "CITATION.cff").read_text()
    assert all(
        name in cff for name in ("Bertin-Mahieux", "Ellis", "Whitman", "Lamere", "The Million Song Dataset")
    )


def test_an_export_without_tables_leaves_no_folder(tmp_path: Path) -> None:
    failed = export(tmp_path / "no_tables", tmp_path / "out")
    assert failed.exit_code == 2, failed.output
    assert not (tmp_path / "out").exists()
