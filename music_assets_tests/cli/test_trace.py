"""`music-assets trace`: from a row of analytics.songs back to its file, question, matcher, files and runs."""

from __future__ import annotations

import hashlib
import re
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import h5py
import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from music_assets.cli.job import run_job
from music_assets.cli.main import cli
from music_assets.cli.status import read_status
from music_assets.cli.trace import ARCHIVE, trace_row
from music_assets.settings import Settings
from music_assets.sources.ledger import LedgerUnusable, open_ledger
from music_assets.staging.s3 import S3Files
from music_assets.staging.store import StagingStore
from music_assets.tables import LOADS, PUBLISHED
from music_assets.warehouse.connect import open_warehouse
from music_assets_tests.support.disks import mounted, remount
from music_assets_tests.support.standin import Standin

KEY = "AA"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A partition of the generated sample, made over the sandbox."""
    folder = tmp_path_factory.mktemp("trace")
    assert run_job(Settings.from_environment({}, data=str(folder), spotify="sandbox"), KEY).failed == []
    return folder


def asked(data: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(data / "published" / "music_assets.duckdb"), read_only=True) as database:
        return database.execute(sql).fetchall()


def trace(track_id: str, data: Path, *options: str, columns: int = 300) -> Result:
    environment = {"COLUMNS": str(columns), "MUSIC_ASSETS_SPOTIFY": "sandbox"}
    return CliRunner(env=environment).invoke(cli, ["trace", track_id, "--data", str(data), *options])


def traced(track_id: str, data: Path) -> dict[str, Any]:
    result = trace(track_id, data, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = orjson.loads(result.output)
    return found


def a_match(data: Path) -> str:
    return str(asked(data, "SELECT min(track_id) FROM analytics.songs WHERE match_status = 'matched'")[0][0])


def test_every_row_leads_to_its_file_and_checksum(data: Path) -> None:
    for (track_id,) in asked(data, "SELECT track_id FROM analytics.songs ORDER BY 1 LIMIT 3"):
        msd = traced(track_id, data)["msd"]
        path = Path(msd["path"])
        assert msd["file"] == path.relative_to(data / "sample_msd").as_posix()
        assert path.stem == track_id
        assert msd["sha256_today"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert msd["checksum_when_read"] == msd["checksum_today"]
        assert msd["today"] == "the song is unchanged"


def test_a_read_only_disk_is_read(data: Path, disk: Path) -> None:
    track_id = a_match(data)
    mounted(disk, "size=100m")
    copied = Path(shutil.copytree(data, disk / "a%20b?c#d", ignore=shutil.ignore_patterns("dagster")))
    settings = Settings.from_environment({}, data=str(copied), spotify="sandbox")
    with closing(open_ledger(settings.ledger, source="sandbox")) as ledger:
        ledger.record_request("search", datetime.now(UTC), 70)
        expected = ledger.request_counts()
    remount(disk, "ro")
    assert traced(track_id, copied)["answers"] == traced(track_id, data)["answers"] != {}
    assert read_status(settings).requests.in_all == expected
    with pytest.raises(LedgerUnusable, match=r"or work on a copy of the data folder\.$"):
        open_ledger(settings.ledger, source="sandbox")


def test_a_match_leads_to_the_response_it_was_found_in(data: Path) -> None:
    """Of Spotify's search, and of ReccoBeats where that knew an id of the song."""
    matched = "SELECT track_id FROM analytics.songs WHERE match_status = 'matched' ORDER BY 1"
    every = [traced(str(track_id), data) for (track_id,) in asked(data, matched)]
    assert all(found["answers"].keys() & {"search", "catalogue", "track"} for found in every[:5])
    found = next(one for one in every if "search" in one["answers"])
    match, answer = found["match"], found["answers"]["search"]
    assert match["status"] == "matched"
    assert answer["about"] == found["track_id"]
    assert answer["query"] == match["question"]
    assert answer["fetched_at"].startswith(match["fetched_at"])
    assert (answer["status"], answer["mode"], match["source"]) == ("answered", "extended", "sandbox")
    assert found["answers"]["artist"]["about"] == match["spotify_artist_id"]
    keyless = next(one for one in every if "catalogue" in one["answers"])
    assert keyless["answers"]["catalogue"]["about"] == keyless["match"]["spotify_track_id"]


def test_the_matcher_is_named_as_in_the_tables(data: Path) -> None:
    found = traced(a_match(data), data)
    (version,) = asked(data, "SELECT DISTINCT matcher_version FROM mapped.songs")[0]
    assert found["match"]["matcher_version"] == version


def test_each_staged_kind_leads_to_its_file_its_load_and_their_runs(data: Path) -> None:
    files = traced(a_match(data), data)["files"]
    loads = {
        table: (checksum, run_id)
        for table, checksum, run_id in asked(
            data, f"SELECT \"table\", checksum, run_id FROM meta.loads WHERE slice = '{KEY}'"
        )
    }
    runs = orjson.loads((data / "last_run.json").read_bytes())["run_ids"]
    assert files.keys() == loads.keys()
    for kind, facts in files.items():
        content = Path(facts["url"]).read_bytes()
        assert facts["staged"]["checksum"] == hashlib.sha256(content).hexdigest() == loads[kind][0]
        assert facts["staged"]["run_id"] in runs
        assert facts["loaded"]["run_id"] == loads[kind][1]
        assert facts["loaded"]["run_id"] in runs
        assert facts["loaded"]["is_as_staged"]
        assert facts["validation"]["problems"] == []


def test_it_is_shown_to_people_too(data: Path) -> None:
    track_id = a_match(data)
    result = trace(track_id, data)
    assert result.exit_code == 0, result.output
    found = traced(track_id, data)
    for said in (
        track_id,
        found["msd"]["sha256_today"],
        found["match"]["question"].split()[-1],
        found["files"]["mapped_songs"]["loaded"]["run_id"],
        "Sandbox: every Spotify value here is invented",
    ):
        assert said in result.output, said


def test_it_says_each_file_and_run_once_in_one_form_of_time(data: Path) -> None:
    shown = trace(a_match(data), data, columns=80).output
    assert len(shown.splitlines()) < 80
    found = traced(a_match(data), data)
    checksums = [facts["staged"]["checksum"] for facts in found["files"].values()]
    assert all(shown.count(checksum) == checksums.count(checksum) for checksum in checksums)
    for run_id in {
        facts[part]["run_id"] for facts in found["files"].values() for part in ("staged", "loaded")
    }:
        assert 1 <= shown.count(run_id) <= 2, "what it wrote, and what it loaded"
    times = re.findall(r"\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d\S*(?: UTC)?", shown)
    assert times and all(re.fullmatch(r"[\d-]{10} [\d:]{8} UTC", time.rstrip(":")) for time in times)
    names = re.findall(
        r"^([A-Za-z_\d-]+(?: \w+)*)  ", shown.partition("Its match")[2].partition("Cached")[0], re.M
    )
    assert "set by hand" in names and "query" in names and not [name for name in names if "_" in name]


def test_a_match_by_the_archive_names_the_archive(data: Path) -> None:
    ((track_id, id_),) = asked(
        data,
        "SELECT track_id, spotify_track_id FROM mapped.songs WHERE accepted AND question LIKE 'echonest %' "
        "ORDER BY track_id LIMIT 1",
    )
    assert f"query            none: {ARCHIVE} named {id_}" in trace(track_id, data).output


def test_a_file_that_was_changed_or_has_gone_is_told(data: Path, tmp_path: Path) -> None:
    track_id = a_match(data)
    mine = tmp_path / "msd"
    shutil.copytree(data / "sample_msd", mine)
    path = mine / traced(track_id, data)["msd"]["file"]

    def today() -> str:
        result = trace(track_id, data, "--json", "--msd", str(mine))
        return str(orjson.loads(result.output)["msd"]["today"])

    assert today() == "the song is unchanged"
    with h5py.File(path, "r+") as file:
        row = file["analysis/songs"][0]
        row["tempo"] += 1
        file["analysis/songs"][0] = row
    assert today() == "the song has changed since"
    path.unlink()
    assert today() == "the file does not exist any more"


def test_a_stray_sample_is_not_taken_for_the_songs_msd(data: Path, tmp_path: Path) -> None:
    track_id, mine = a_match(data), tmp_path / "data"
    shutil.copytree(data, mine, ignore=shutil.ignore_patterns("dagster"))
    next((mine / "sample_msd").rglob(f"{track_id}.h5")).unlink()
    assert "the MSD is not available" in traced(track_id, mine)["msd"]["today"]


def test_a_load_of_another_file_than_is_staged_is_told(data: Path, tmp_path: Path) -> None:
    mine = tmp_path / "data"
    shutil.copytree(data, mine, ignore=shutil.ignore_patterns("dagster"))
    receipt = mine / "staging" / "mapped_songs" / "A" / "A.receipt.json"
    receipt.write_bytes(orjson.dumps({**orjson.loads(receipt.read_bytes()), "checksum": "0" * 64}))
    track_id = a_match(data)
    facts = traced(track_id, mine)["files"]["mapped_songs"]
    assert facts["loaded"]["is_as_staged"] is False
    assert facts["validation"] is None  # the manifest is of the other file
    assert "from another file" in trace(track_id, mine).output


def test_what_one_copies_is_whole_in_80_columns(data: Path) -> None:
    track_id = a_match(data)
    runs_and_checksums = {
        value
        for facts in traced(track_id, data)["files"].values()
        for part in ("staged", "loaded")
        for name, value in (facts[part] or {}).items()
        if name in ("checksum", "run_id")
    }
    shown = trace(track_id, data, columns=80).output
    assert [value for value in runs_and_checksums if value not in shown] == []


def test_a_row_without_ledger_and_staged_files_says_so(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data / "published", tmp_path / "published")
    track_id = a_match(data)
    found = traced(track_id, tmp_path)
    assert found["answers"] == {}
    assert found["files"]["msd_songs"]["staged"] is None
    assert found["files"]["msd_songs"]["loaded"]["rows"] > 0
    assert "the MSD is not available" in found["msd"]["today"]
    assert "The ledger in use has no response about it." in trace(track_id, tmp_path).output


@pytest.mark.parametrize(
    ("track_id", "said"),
    [
        ("TRAAZZZ128F429D538", "have no track TRAAZZZ128F429D538: has partition AA been run?"),
        ("SOMZWCG12A8C13C480", "No track of the tables has the id SOMZWCG12A8C13C480"),
    ],
)
def test_an_unknown_track_is_one_sentence_and_a_failure(data: Path, track_id: str, said: str) -> None:
    result = trace(track_id, data)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_row_in_redshift_is_traced_the_same_way(standin: Standin, data: Path, tmp_path: Path) -> None:
    url = standin.new_database()
    warehouse = open_warehouse(url, tmp_path / "none", S3Files(endpoint=standin.s3_endpoint))
    track_id = a_match(data)
    load = {"table": "msd_songs", "slice": KEY, "checksum": "c", "rows": 1, "run_id": "its run"}
    with warehouse.transaction("a test") as connection:
        for name in ("msd.songs", "mapped.songs", "analytics.songs"):
            connection.execute(insert(PUBLISHED[name]).values(track_id=track_id))
        connection.execute(insert(LOADS).values(**load, loaded_at=datetime(2026, 11, 22, 7)))
    store = StagingStore(str(data / "staging"))
    found = trace_row(track_id, url, store, None, None)
    loaded = found["files"]["msd_songs"]["loaded"]
    assert (loaded["run_id"], loaded["loaded_at"]) == ("its run", datetime(2026, 11, 22, 7))
    assert loaded["is_as_staged"] is False
    assert "standin-Secret1" not in str(found)


def test_tables_that_are_not_there_are_told(tmp_path: Path) -> None:
    result = trace("TRAAAAW128F429D538", tmp_path)
    assert result.exit_code == 2
    assert "Fill it with `music-assets run`" in result.output
