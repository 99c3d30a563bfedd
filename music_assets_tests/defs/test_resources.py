"""Spotify as a resource: what is opened when, and what is told of a run that died."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from dagster import DagsterInstance, DagsterRunStatus, build_init_resource_context

from music_assets.definitions import build_defs
from music_assets.defs.resources import SpotifyResource
from music_assets.settings import Settings, resources
from music_assets.sources.ledger import open_ledger
from music_assets.sources.ledger.schema import HOLDER
from music_assets.sources.spotify import SongQuery

SONG = SongQuery("TRAAAAA128F0000000", "A Title", "Somebody")


def spotify_of(folder: Path) -> SpotifyResource:
    spotify = resources(Settings.from_environment({}, data=str(folder)))["spotify"]
    assert isinstance(spotify, SpotifyResource)
    return spotify


def test_nothing_is_opened_before_a_question(tmp_path: Path) -> None:
    with spotify_of(tmp_path).opened():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_died_spending_is_marked_as_failed(tmp_path: Path) -> None:
    spotify = spotify_of(tmp_path)
    with DagsterInstance.ephemeral() as instance:
        job = build_defs(data=str(tmp_path)).resolve_job_def("ask")
        run = instance.create_run_for_job(job, status=DagsterRunStatus.STARTED)
        with closing(open_ledger(tmp_path / "ledger" / "sandbox.sqlite", source="sandbox")) as ledger:
            ledger.set_state(HOLDER, {"pid": 1, "host": "here", "run_id": run.run_id})
        with spotify.yield_for_execution(build_init_resource_context(instance=instance)) as opened:
            assert [a.status for a in opened.client().search_songs([SONG])] == ["answered"]
        ended = instance.get_run_by_id(run.run_id)
        assert ended is not None and ended.status is DagsterRunStatus.FAILURE
    with closing(open_ledger(tmp_path / "ledger" / "sandbox.sqlite", source="sandbox")) as ledger:
        assert ledger.get_state(HOLDER) is None
