"""Resources: what is opened when, what is shared, and what becomes of a run that died."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from dagster import DagsterInstance, DagsterRunStatus, build_resources

from music_assets.definitions import build_defs
from music_assets.defs.resources import RefreshResource
from music_assets.defs.wiring import opened_resources, resources
from music_assets.sandbox.msd.songs import sample_songs
from music_assets.sandbox.msd.writer import write_sample
from music_assets.settings import Settings
from music_assets.sources.ledger import open_ledger
from music_assets.sources.ledger.schema import HOLDER
from music_assets.sources.spotify import SongQuery

SONG = SongQuery("TRAAAAA128F0000000", "A Title", "Somebody")


def settings_for(folder: Path) -> Settings:
    return Settings.from_environment({}, data=str(folder))


def test_nothing_is_opened_before_its_first_use(tmp_path: Path) -> None:
    with opened_resources(settings_for(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_all_users_of_a_run_share_one_ledger_one_sandbox_and_one_catalog(tmp_path: Path) -> None:
    with opened_resources(settings_for(tmp_path)) as opened:
        assert opened.resolution.spotify is opened.sources.spotify is opened.spotify
        assert opened.spotify.ledger is opened.ledger
        assert opened.spotify.sandbox is opened.sandbox
        assert opened.spotify.ledger.open() is opened.ledger.open()


def test_a_resource_has_the_settings_of_its_group() -> None:
    """Each other than the default: what is configured at launch must arrive as it was set."""
    settings = Settings.from_environment(
        {"SPOTIPY_CLIENT_ID": "id", "SPOTIPY_CLIENT_SECRET": "secret"},
        spotify="api",
        spotify_mode="extended",
        requests_per_30s="7",
        requests_per_day="50",
        skip_sources="labs, echonest",
        sandbox_url="http://127.0.0.1:9",
        tracks="/list.txt",
        overrides="/mine.csv",
        sid_mismatches="/sid.txt",
        msd_duplicates="/duplicates.txt",
        refresh_share="0.5",
    )
    with opened_resources(settings) as opened:
        for group in ("spotify", "sandbox", "resolution", "sources", "corrections", "refresh"):
            wanted = getattr(settings, group).model_dump()
            assert getattr(opened, group).model_dump(include=set(wanted)) == wanted


def test_a_refresh_takes_a_share_of_what_is_left_or_a_number_where_nothing_limits_it() -> None:
    assert RefreshResource(share=0.2).allowance(51) == 10
    assert RefreshResource(share=0.2).allowance(None) == 100
    assert RefreshResource(share=0.0).allowance(51) == RefreshResource(share=0.0).allowance(None) == 0


def test_a_run_whose_process_died_with_the_request_lock_is_marked_as_failed(tmp_path: Path) -> None:
    with DagsterInstance.ephemeral() as instance:
        job = build_defs(data=str(tmp_path)).resolve_job_def("ask")
        run = instance.create_run_for_job(job, status=DagsterRunStatus.STARTED)
        with closing(open_ledger(tmp_path / "ledger" / "sandbox.sqlite", source="sandbox")) as ledger:
            ledger.set_state(HOLDER, {"pid": 1, "host": "here", "run_id": run.run_id})
        with build_resources(resources(settings_for(tmp_path)), instance=instance) as opened:
            assert [a.status for a in opened.spotify.catalog().search_songs([SONG])] == ["answered"]
        ended = instance.get_run_by_id(run.run_id)
        assert ended is not None and ended.status is DagsterRunStatus.FAILURE
    with closing(open_ledger(tmp_path / "ledger" / "sandbox.sqlite", source="sandbox")) as ledger:
        assert ledger.get_state(HOLDER) is None


def test_the_dumps_of_the_sandbox_are_of_the_msd_in_use(tmp_path: Path) -> None:
    """Also those without a checksum, where another MSD was tried before."""
    write_sample(tmp_path / "one", sample_songs(("AA",)))
    write_sample(tmp_path / "two", sample_songs(("AB",)))

    def dumps(data: str, msd: str) -> dict[str, bytes]:
        settings = Settings.from_environment({}, data=str(tmp_path / data), msd=str(tmp_path / msd))
        with opened_resources(settings) as opened:
            folders = [opened.sources.dump(name) for name in ("musicbrainz", "acousticbrainz", "echonest")]
            return {file.name: file.read_bytes() for folder in folders for file in folder.glob("[!.]*")}

    fresh, tried = dumps("fresh", "two"), dumps("tried", "one")
    assert {name for name in fresh if name.endswith(".bz2") and fresh[name] != tried[name]} == {
        name for name in fresh if name.endswith(".bz2")
    }
    assert dumps("tried", "two") == fresh
