"""`music-assets plan` beside what another MSD left: it counts the MSD in use, and writes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from music_assets.cli import CommandError
from music_assets.cli.job import run_job
from music_assets.cli.main import cli
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.settings import KEYLESS_SOURCES, Settings
from music_assets_tests.support.msd_songs import song, write_in_place

# No source is used: songs are read and stay pending.
ALONE = {"spotify": "off", "skip_sources": ",".join(KEYLESS_SOURCES)}
MINE = [f"TRAA{third}ZZ128F4230A1{third}" for third in "ABC"] + ["TRQXCDE128F4230A1B"]


def songs(data: Path, *options: str, spotify: str = "sandbox") -> int:
    """How many songs are open: with the sandbox's settings all, as what that resolved does not count."""
    environment = {"MUSIC_ASSETS_SPOTIFY": spotify}
    told = CliRunner(env=environment).invoke(cli, ["plan", "--json", "--data", str(data), *options])
    assert told.exit_code == 0, told.output
    return int(json.loads(told.stdout)["forecast"]["songs"])


def settings(data: Path, msd: Path | None) -> Settings:
    return Settings.from_environment({}, data=str(data), msd=str(msd) if msd else None, **ALONE)


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An MSD of four songs, and a data folder it was run in."""
    folder = tmp_path_factory.mktemp("plan")
    write_in_place(folder / "msd", *map(song, MINE))
    assert run_job(settings(folder / "data", folder / "msd")).failed == []
    return folder / "msd", folder / "data"


def test_before_the_first_run_the_sample_is_counted_and_not_written(tmp_path: Path) -> None:
    assert songs(tmp_path / "data") == len(sample_songs())
    assert not (tmp_path / "data").exists()


def test_its_tables_have_heads(tmp_path: Path) -> None:
    """An empty one would show as blank lines."""
    listing = tmp_path / "list.txt"
    listing.write_text(sample_songs()[0]["track_id"])
    options = ["plan", "--data", str(tmp_path / "data"), "--tracks", str(listing)]
    told = CliRunner(env={"MUSIC_ASSETS_SPOTIFY": "sandbox"}).invoke(cli, options)
    lines = [line.strip() for line in told.output.splitlines()]
    heads = [lines[at - 1] for at, line in enumerate(lines) if set(line) == {"─"}]
    assert len(heads) == 3 and all(heads), told.output


def test_what_was_run_is_counted_with_and_without_its_name(mine: tuple[Path, Path]) -> None:
    msd, data = mine
    assert songs(data, "--msd", str(msd)) == songs(data) == len(MINE)
    assert songs(data, "--msd", str(msd), spotify="off") == songs(data, spotify="off") == len(MINE)
    assert not (data / "sample_msd").exists()


def test_of_another_msd_its_own_songs_are_counted(mine: tuple[Path, Path], tmp_path: Path) -> None:
    """Also of partitions that both have."""
    other = [f"TRAAA{n}Z128F4230A1B" for n in range(3)] + ["TRBBCDE128F4230A1B", MINE[-1]]
    write_in_place(tmp_path / "msd", *map(song, other))
    named = ("--msd", str(tmp_path / "msd"))
    assert songs(mine[1], *named) == len(other)
    assert songs(mine[1], *named, spotify="off") == len(other)


def test_the_sample_is_refused_before_it_is_written(mine: tuple[Path, Path]) -> None:
    data = mine[1]
    for partitions in (None, "ZZ"):
        with pytest.raises(CommandError, match="never mixes"):
            run_job(settings(data, None), partitions)
    assert not (data / "sample_msd").exists()


def test_a_sample_that_was_never_run_is_no_news(mine: tuple[Path, Path], tmp_path: Path) -> None:
    """Earlier versions wrote it for a plan."""
    msd, data = mine[0], tmp_path / "data"
    shutil.copytree(mine[1], data, ignore=shutil.ignore_patterns("dagster"))
    write_in_place(data / "sample_msd", song("TRZZCDE128F4230A1B"), song("TRAAZZZ128F4230A1B"))
    again = run_job(settings(data, msd))
    assert again.failed == [] and not any("sample" in note for note in again.notes)
    assert not (data / "sample_msd").exists()


def test_words_of_a_list_that_are_nearly_ids_are_named(tmp_path: Path) -> None:
    listing = tmp_path / "list.csv"
    listing.write_text("TRAAAAW128F429D538\nTRAAAAW128F429D53\nBogusTRAAADZ128F9348C2E\n")
    told = CliRunner().invoke(cli, ["plan", "--data", str(tmp_path / "data"), "--tracks", str(listing)])
    assert told.exit_code == 0, told.output
    assert "look like ids and are none: TRAAAAW128F429D53, BogusTRAAADZ128F9348C2E." in told.stderr
