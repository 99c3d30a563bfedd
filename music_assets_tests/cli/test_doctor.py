"""`music-assets doctor` names what is wrong and what to do, changes nothing, and shows no secret."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from music_assets.cli.checks import NOTE, OK, PROBLEM, Finding, examine, try_spotify
from music_assets.cli.doctor import doctor
from music_assets.cli.main import cli
from music_assets.defs.dumps import DUMPS
from music_assets.settings import Settings, unknown_settings
from music_assets.sources.ledger import Key, Response, open_ledger
from music_assets.sources.spotify import SpotifyError
from music_assets_tests.support.faults import Faults
from music_assets_tests.support.sandbox import catalogue, running_server, songs_frame
from music_assets_tests.support.standin import PASSWORD, Standin

SECRETS = {"SPOTIPY_CLIENT_ID": "id-1234567", "SPOTIPY_CLIENT_SECRET": "hunter2-hunter2"}


def findings(environment: dict[str, str], data: Path, **options: object) -> dict[str, Finding]:
    found = examine(environment, data=str(data), offline=True, **options)  # type: ignore[arg-type]
    return {finding.subject: finding for finding in found}


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_a_fresh_machine_has_no_problem_and_stays_as_it_was(tmp_path: Path) -> None:
    found = findings({}, tmp_path / "data")
    assert {name: one.message for name, one in found.items() if one.state == PROBLEM} == {}
    assert "music-assets download" in found["MSD"].advice
    assert "will be created by the first run" in found["data folder"].message
    assert found["Spotify"].state == NOTE
    assert everything(tmp_path) == []


def test_a_downloaded_msd_that_is_not_used_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "msd").mkdir()
    assert f"MUSIC_ASSETS_MSD={tmp_path / 'msd'}" in findings({}, tmp_path)["MSD"].advice


def test_a_real_root_is_counted_and_read(shared: Path, tmp_path: Path) -> None:
    found = findings({}, tmp_path, msd=str(shared / "msd"))
    assert found["MSD"].state == OK
    assert "can be read" in found["MSD"].message
    assert found["MSD files"].message.startswith("145 of 10,000 songs in 4 of 35 directories")
    assert "MSD files" not in findings({}, tmp_path, msd=str(shared / "msd"), quick=True)


def test_what_is_not_an_msd_is_a_problem(tmp_path: Path) -> None:
    gone = findings({}, tmp_path, msd=str(tmp_path / "gone"))["MSD"]
    assert (gone.state, "does not exist" in gone.message) == (PROBLEM, True)
    broken = tmp_path / "A" / "A" / "A" / "TRAAAAW128F429D538.h5"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no HDF5")
    assert findings({}, tmp_path / "data", msd=str(tmp_path))["MSD"].state == PROBLEM


def test_what_to_do_is_said_once(tmp_path: Path) -> None:
    """Our own errors say it; a check adds it where a library's does not."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "A" / "A" / "A").mkdir(parents=True)
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "sandbox.sqlite").write_bytes(b"no ledger at all" * 300)
    for msd in ("gone", "empty", "", "A"):
        found = findings({}, tmp_path, msd=str(tmp_path / msd))
        for subject in ("MSD", "ledger"):
            assert (found[subject].state, found[subject].advice) == (PROBLEM, ""), found[subject]
        assert found["MSD"].message.count("--msd or MUSIC_ASSETS_MSD") == 1


def test_a_misspelt_setting_is_pointed_out_with_the_nearest_one(tmp_path: Path) -> None:
    environment = {"MUSIC_ASSETS_WAREHOSE": "x", "MUSIC_ASSETS_COLOUR": "x", "MUSIC_ASSETS_DATA": "fine"}
    said = [
        one.message for one in examine(environment, data=str(tmp_path), offline=True) if one.state == PROBLEM
    ]
    assert said == unknown_settings(environment)


def test_a_setting_that_cannot_be_meant_ends_it_with_a_sentence(tmp_path: Path) -> None:
    found = findings({"MUSIC_ASSETS_SPOTIFY": "yes"}, tmp_path)
    assert "takes `api`, `sandbox` or `off`" in found["settings"].message
    assert "warehouse" not in found


def test_a_full_disk_and_a_folder_that_is_none_are_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1 << 40, 1 << 40, 1000))
    assert findings({}, tmp_path)["disk"].state == PROBLEM
    (tmp_path / "file").write_text("x")
    assert findings({}, tmp_path / "file" / "data")["data folder"].state == PROBLEM
    assert findings({}, tmp_path / "file" / "data")["staging"].state == PROBLEM


def test_a_warehouse_is_written_to_and_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(file)).close()
    assert findings({}, tmp_path)["warehouse"].state == OK
    with duckdb.connect(str(file), read_only=True) as database:
        tables = [
            name
            for (name,) in database.execute("SELECT table_name FROM information_schema.tables").fetchall()
        ]
    assert not any(name.startswith("doctor") for name in tables)
    file.write_bytes(b"no database, though long enough to be looked at")
    assert findings({}, tmp_path)["warehouse"].state == PROBLEM


def test_an_engine_there_is_not_is_a_problem_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://reader:hunter2@127.0.0.1:1/db"
    found = findings({"MUSIC_ASSETS_WAREHOUSE": url}, tmp_path)["warehouse"]
    assert found.state == PROBLEM
    assert "hunter2" not in f"{found.message} {found.advice}"


def test_a_damaged_ledger_is_a_problem_and_a_sound_one_is_counted(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    file = tmp_path / "ledger" / "sandbox.sqlite"
    with closing(open_ledger(file, source="sandbox")) as ledger:
        ledger.put_many(
            Response(Key("track", id_, "search"), "answered", "q", datetime.now(UTC), "development", {})
            for id_ in ("one", "two")
        )
    assert findings({}, tmp_path)["ledger"].message.startswith("2 responses")
    file.write_bytes(b"no ledger at all" * 300)
    assert findings({}, tmp_path)["ledger"].state == PROBLEM


def test_dagsters_storage_is_looked_at(tmp_path: Path) -> None:
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    assert findings({}, tmp_path)["Dagster"].message.startswith("0 runs")
    (home / "dagster.yaml").write_text("no_such_section: true\n")
    assert findings({}, tmp_path)["Dagster"].state == PROBLEM


def test_one_request_shows_credentials_mode_and_budget(tmp_path: Path) -> None:
    path = catalogue(tmp_path, songs_frame(5))
    with running_server(path, mode="extended") as here:
        assert try_spotify(here.settings).state == OK
        asked = [one for one in here.sandbox.requests if "token" not in str(one)]
        assert len(asked) == 1
        with pytest.raises(SpotifyError, match="SPOTIPY_CLIENT_SECRET") as wrong:
            try_spotify(replace(here.settings, client_secret="hunter2-hunter2"))
        assert "hunter2" not in str(wrong.value)
        nowhere = replace(
            here.settings, base_url="http://127.0.0.1:1/v1/", token_url="http://127.0.0.1:1/api/token"
        )
        with pytest.raises(SpotifyError, match="cannot be reached"):
            try_spotify(nowhere)
    with running_server(path, mode="development") as here:
        found = try_spotify(here.settings)
        assert (found.state, "development mode" in found.message) == (NOTE, True)
        here.sandbox.faults = Faults(quota_per_day=0)
        waiting = try_spotify(here.settings)
        assert (waiting.state, "asks to wait" in waiting.message) == (NOTE, True)
        assert "used up until" in waiting.advice


def test_the_command_has_an_exit_code_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("MUSIC_ASSETS_", "SPOTIPY_"))]:
        monkeypatch.delenv(name)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    well = CliRunner().invoke(doctor, ["--data", str(tmp_path), "--offline"])
    assert well.exit_code == 0, well.output
    assert "not tried (offline)" in well.output
    ill = CliRunner().invoke(doctor, ["--data", str(tmp_path), "--offline", "--msd", str(tmp_path / "gone")])
    assert ill.exit_code == 1
    assert "1 problem to fix" in ill.output
    assert not any(secret in well.output + ill.output for secret in SECRETS.values())


@pytest.mark.parametrize("name", DUMPS)
def test_a_dump_in_use_that_is_not_there_is_named_with_the_way_to_get_it(tmp_path: Path, name: str) -> None:
    others = ",".join(other for other in DUMPS if other != name)
    off = {"MUSIC_ASSETS_SPOTIFY": "off", "MUSIC_ASSETS_SKIP_SOURCES": others}
    found = [one for one in examine(off, data=str(tmp_path / "data"), offline=True) if one.state != OK]
    (missing,) = [one for one in found if one.subject == "sources"]
    assert missing.state == NOTE and f"There is no {name} dump in" in missing.message
    assert f"`music-assets download {name}`" in missing.advice
    in_the_sandbox = examine({}, data=str(tmp_path / "sandbox"), offline=True)
    assert [one for one in in_the_sandbox if one.subject == "sources"] == []
    assert everything(tmp_path) == []
    told = CliRunner(env=off).invoke(cli, ["plan", "--data", str(tmp_path / "data")])
    assert f"There is no {name} dump in" in told.output


def test_redshift_is_tried_and_needs_files_on_s3(
    standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", standin.new_database())
    found = list(examine(data=str(tmp_path), offline=True))
    states = {one.subject: one for one in found}
    assert (states["warehouse"].state, states["COPY"].state) == (OK, PROBLEM)
    assert "MUSIC_ASSETS_STAGING=s3://" in states["COPY"].advice
    assert PASSWORD not in repr(found)


def test_a_row_is_copied_into_redshift_and_nothing_stays(
    standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", standin.new_database())
    monkeypatch.setenv("MUSIC_ASSETS_STAGING", f"s3://{standin.bucket}/doctor")
    monkeypatch.setenv("MUSIC_ASSETS_S3_ENDPOINT", standin.s3_endpoint)
    before = len(standin.statements)
    found = {one.subject: one for one in examine(data=str(tmp_path), offline=True)}
    assert found["COPY"].state == OK, found["COPY"]
    assert [one for one in standin.statements[before:] if one.startswith("COPY meta.doctor_")]
    left = standin.s3.list_objects_v2(Bucket=standin.bucket, Prefix="doctor/")
    assert left["KeyCount"] == 0, left
    standin.faults.conflict("^COPY", message="S3ServiceException: Access Denied")
    refused = {one.subject: one for one in examine(data=str(tmp_path), offline=True)}
    assert refused["warehouse"].state == PROBLEM and "Access Denied" in refused["warehouse"].message


@pytest.mark.parametrize("package", ["dagster", "pandas", "redshift-connector"])
def test_a_package_that_runs_need_and_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, package: str, tmp_path: Path
) -> None:
    installed = metadata.version

    def version(name: str) -> str:
        if name == package:
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(metadata, "version", version)
    found = findings({}, tmp_path)["versions"]
    assert (found.state, package in found.message) == (PROBLEM, True)


@pytest.mark.parametrize("name", ["OVERRIDES", "TRACKS"])
def test_a_file_that_a_setting_names_and_is_not_there_is_a_problem(tmp_path: Path, name: str) -> None:
    file = tmp_path / "mine.csv"
    found = findings({f"MUSIC_ASSETS_{name}": str(file)}, tmp_path / "data")["lists"]
    assert found.state == PROBLEM and str(file) in found.message


def test_the_sample_beside_ones_own_songs_is_a_problem_as_a_run_refuses_it(tmp_path: Path) -> None:
    published = Settings.from_environment({}, data=str(tmp_path)).published
    published.parent.mkdir(parents=True)
    with duckdb.connect(str(published)) as database:
        database.execute(
            "CREATE SCHEMA msd; CREATE TABLE msd.songs AS SELECT 'TRAAAAW128F429D538' AS track_id"
        )
    found = findings({}, tmp_path)["MSD"]
    assert found.state == PROBLEM and "the generated sample never mixes with them" in found.message
