"""Settings: everything has a default, and what cannot be meant is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from music_assets.settings import SettingError, Settings

CREDENTIALS = {"SPOTIPY_CLIENT_ID": "id", "SPOTIPY_CLIENT_SECRET": "secret"}


def test_everything_has_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({})
    assert settings == Settings(
        data=tmp_path / "data",
        msd=None,
        staging=str(tmp_path / "data" / "staging"),
        warehouse=f"duckdb:///{tmp_path}/data/warehouse.duckdb",
        spotify="sandbox",
        ledger=str(tmp_path / "data" / "ledger" / "sandbox.sqlite"),
    )
    assert not (tmp_path / "data").exists()


def test_credentials_alone_turn_the_real_spotify_on() -> None:
    assert Settings.from_environment(CREDENTIALS).spotify == "api"
    assert Settings.from_environment({**CREDENTIALS, "MUSIC_ASSETS_SPOTIFY": "sandbox"}).spotify == "sandbox"


def test_options_win_over_the_environment(tmp_path: Path) -> None:
    settings = Settings.from_environment({"MUSIC_ASSETS_DATA": "/else"}, data=str(tmp_path), msd=None)
    assert settings.data == tmp_path


def test_an_s3_address_is_left_as_it_is() -> None:
    assert Settings.from_environment({"MUSIC_ASSETS_STAGING": "s3://b/p"}).staging == "s3://b/p"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MUSIC_ASSETS_SPOTIFY": "yes"}, "MUSIC_ASSETS_SPOTIFY is 'yes': it takes `api` or `sandbox`"),
        ({"MUSIC_ASSETS_SPOTIFY": "api"}, "set SPOTIPY_CLIENT_ID"),
        ({"MUSIC_ASSETS_JOB_TAGS": '{"ask": 1}'}, "MUSIC_ASSETS_JOB_TAGS takes a JSON object of tags by job"),
        ({"MUSIC_ASSETS_WAREHOUSE": "a cellar"}, "MUSIC_ASSETS_WAREHOUSE is not a SQLAlchemy URL"),
        (
            {"MUSIC_ASSETS_WAREHOUSE": "redshift+redshift_connector://u:pw@cluster.example/db"},
            "The sandbox invents its answers",
        ),
    ],
)
def test_what_cannot_be_meant_is_named(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        Settings.from_environment(environment)
    assert "pw" not in str(caught.value)


def test_a_warehouse_on_loopback_takes_the_sandbox() -> None:
    url = "redshift+redshift_connector://u:pw@127.0.0.1:5439/db"
    assert Settings.from_environment({"MUSIC_ASSETS_WAREHOUSE": url}).warehouse_is_local


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEZONE", "Mars/Olympus"),
        ("TIMEZONE", "../etc"),
        ("DAILY_START", "3 am"),
        ("DAILY_START", "24:00"),
        ("RETENTION_DAYS", "half a year"),
        ("RETENTION_DAYS", "0"),
        ("ALERT_WEBHOOK", "hooks.example.org/secret"),
    ],
)
def test_what_cannot_be_meant_names_its_setting(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"MUSIC_ASSETS_{name}"):
        Settings.from_environment({f"MUSIC_ASSETS_{name}": value})


def test_a_webhook_is_never_shown() -> None:
    settings = Settings.from_environment({"MUSIC_ASSETS_ALERT_WEBHOOK": "https://example.org/secret"})
    assert settings.alert_webhook == "https://example.org/secret"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SPOTIFY_MODE", "developer", "`development`"),
        ("REQUESTS_PER_DAY", "many", "a number from 1, or `none`"),
        ("REQUESTS_PER_30S", "0", "a number from 1, or `none`"),
        ("QUERIES", "9", "`3`"),
        ("AUDIO_FEATURES", "all", "`off`"),
        ("ARTIST_GETS", "true", "`yes`"),
    ],
)
def test_a_setting_of_spotifys_says_what_it_takes(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingError, match=f"MUSIC_ASSETS_{name} is .*{re.escape(said)}"):
        Settings.from_environment({f"MUSIC_ASSETS_{name}": value})


def test_the_real_spotify_is_asked_gently_unless_told_otherwise() -> None:
    credentials = {"SPOTIPY_CLIENT_ID": "id", "SPOTIPY_CLIENT_SECRET": "secret"}
    assert Settings.from_environment(credentials).requests_per_30s == 100
    told = {**credentials, "MUSIC_ASSETS_REQUESTS_PER_30S": "none", "MUSIC_ASSETS_REQUESTS_PER_DAY": "200"}
    settings = Settings.from_environment(told)
    assert (settings.requests_per_30s, settings.requests_per_day) == (None, 200)
    assert Settings.from_environment({}).requests_per_30s is None


def test_a_refresh_is_off_where_it_may_spend_nothing() -> None:
    assert Settings.from_environment({}).refreshes
    assert not Settings.from_environment({"MUSIC_ASSETS_REFRESH_REQUESTS": "none"}).refreshes
    daily = {"MUSIC_ASSETS_REQUESTS_PER_DAY": "50", "MUSIC_ASSETS_REFRESH_REQUESTS": "none"}
    assert Settings.from_environment(daily).refreshes  # a share of those
    assert not Settings.from_environment({**daily, "MUSIC_ASSETS_REFRESH_SHARE": "0"}).refreshes


@pytest.mark.parametrize("share", ["2", "-0.1", "nan", "a fifth"])
def test_a_share_is_a_number_from_0_to_1(share: str) -> None:
    with pytest.raises(SettingError, match="MUSIC_ASSETS_REFRESH_SHARE .* a share from 0 to 1"):
        Settings.from_environment({"MUSIC_ASSETS_REFRESH_SHARE": share})
