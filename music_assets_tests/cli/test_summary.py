"""The end of a run as a person reads it."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
from dagster._utils.error import SerializableErrorInfo

from music_assets.cli.console import Console
from music_assets.cli.erase import Removed
from music_assets.cli.listing import Listing
from music_assets.cli.status import count_songs
from music_assets.cli.summary import Summary, _is_interrupt
from music_assets.settings import Settings
from music_assets.staging.store import StagedFile, StagingStore


def shown(summary: Summary, data: Path) -> str:
    file = io.StringIO()
    settings = Settings.from_environment({}, data=str(data))
    summary.show(Console(file=file, soft_wrap=True, width=200), settings)
    return file.getvalue()


def test_it_ends_with_three_commands_to_paste(tmp_path: Path) -> None:
    data = tmp_path / "it's a [data] folder"
    tables = {"msd.songs": 5, "mapped.songs": 9, "analytics.songs": 5, "acousticbrainz.audio_features": 2}
    output = shown(Summary("sandbox", matched=5, tables=tables, seconds=61.0), data)
    head, _, commands = output.partition("Next:\n")
    words = [shlex.split(line) for line in commands.splitlines()]
    assert [line[1:4] for line in words] == [[name, "--data", str(data)] for name in ("query", "query", "ui")]
    assert output.count("every Spotify value here is invented") == 1
    assert "\n\npartitions" in output and "\n\nTables" in output and "\n\n\nTables" not in output
    assert output.index("is invented") < output.index("partitions"), (
        "numbers are read before what follows them"
    )
    assert (
        head.index("analytics.songs") < head.index("acousticbrainz.audio_features") < head.index("msd.songs")
    )
    counts = [line for line in head.splitlines() if line.startswith(("analytics", "acoustic", "msd.songs"))]
    assert len({len(line.rstrip("0123456789")) for line in counts}) == 1  # in one column


@pytest.mark.parametrize("how", [{"interrupted": True}, {"failed": ["spotify_search: no"]}])
def test_what_did_not_end_well_advertises_nothing(tmp_path: Path, how: dict[str, object]) -> None:
    output = shown(Summary("api", **how), tmp_path)  # type: ignore[arg-type]
    assert "Next:" not in output


def test_what_ended_early_counts_what_is_staged_as_status_does(tmp_path: Path) -> None:
    """The events of a part of a run tell of a part of the songs."""
    store = StagingStore(str(tmp_path))
    for key in ("AA", "AB"):
        store.write(StagedFile("msd_songs", key, "", 100, 0, "", "r", ""), b"")
    decided = {"matched": 60, "rejected": 2, "error": 1}
    store.write(StagedFile("mapped_songs", "AA", "", 300, 0, "", "r", "", True, decided), b"")
    summary = Summary("api", partitions=4, songs=8, interrupted=True)
    summary.count_staged(songs := count_songs(store, "api"))
    assert summary.partitions == 2  # however many it was to read
    assert (summary.songs, summary.matched, summary.rejected, summary.error) == (200, 60, 2, 1)
    assert summary.pending + summary.error == songs.pending == 138
    assert "pending, errors                 137, 1" in shown(summary, tmp_path)


@pytest.mark.parametrize(
    ("message", "cls_name", "expected"),
    [
        ("RuntimeError: Query interrupted\n", "RuntimeError", True),
        ("_duckdb.InterruptException: INTERRUPT Error: Interrupted!\n", "InterruptException", True),
        ("KeyboardInterrupt\n", "KeyboardInterrupt", True),
        ("RuntimeError: the disk is full\n", "RuntimeError", False),
        ("ValueError: Query interrupted\n", "ValueError", False),
    ],
)
def test_ctrl_c_amid_a_query_is_an_interrupt_and_no_failure(
    message: str, cls_name: str, expected: bool
) -> None:
    cause = SerializableErrorInfo(message, [], cls_name)
    step = SerializableErrorInfo("x\n", [], "DagsterExecutionStepExecutionError", cause)
    event = SimpleNamespace(step_failure_data=SimpleNamespace(error=step))
    assert _is_interrupt(event) is expected


@pytest.mark.parametrize(
    ("count", "unit", "expected"),
    [
        (1, "files", "file"),
        (0, "rows", "rows"),
        (2, "responses", "responses"),
        (1, "tables", "table"),
    ],
)
def test_one_removed_thing_is_told_in_the_singular(count: int, unit: str, expected: str) -> None:
    assert Removed("x", count, unit).shown_unit == expected


def test_names_of_files_and_messages_of_services_are_shown_as_they_are_but_steer_nothing(
    tmp_path: Path,
) -> None:
    hostile = "\x1b]0;x\x07[red]a.h5[/red] :smile: \u202eb"
    output = shown(Summary("api", set_aside_files=[hostile], notes=[hostile], failed=[hostile]), tmp_path)
    assert output.count("[red]a.h5[/red] :smile: �b") == 3
    assert not {"\x1b", "\x07", "\u202e"} & set(output)


def test_a_list_is_told_in_words() -> None:
    assert str(Listing("x", 1, {"matched": 1}, [])) == "1 id of 1 song (1 matched)"
    assert str(Listing("x", 3, {"matched": 1, "pending": 2}, ["TRX"])) == (
        "2 ids of 3 songs (1 matched, 2 pending); 1 id of no song in the tables: TRX"
    )
