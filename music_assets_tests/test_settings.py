"""Settings: everything has a default, and what cannot be used is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from music_assets.settings import KEYLESS_SOURCES, SettingError, Settings, declared_settings

CREDENTIALS = {"SPOTIPY_CLIENT_ID": "id", "SPOTIPY_CLIENT_SECRET": "secret"}


def test_everything_has_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({})
    assert settings.data == tmp_path / "data"
    assert settings.msd is None
    assert settings.staging == str(tmp_path / "data" / "staging")
    assert settings.warehouse == f"duckdb:///{tmp_path}/data/warehouse.duckdb"
    assert settings.spotify.source == "sandbox"
    assert settings.ledger == str(tmp_path / "data" / "ledger" / "sandbox.sqlite")
    assert not (tmp_path / "data").exists()


def test_there_are_no_more_settings_than_anyone_can_read() -> None:
    assert len(declared_settings()) <= 25


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_ASSETS_RETENTION_DAYS", "90")
    monkeypatch.setenv("MUSIC_ASSETS_SPOTIFY_MODE", "extended")
    for settings in (Settings(), Settings.from_environment()):
        assert (settings.retention_days, settings.spotify.mode) == (90, "extended")
    assert Settings.from_environment({}).retention_days == 180


def test_an_empty_variable_is_an_unset_one() -> None:
    assert Settings.from_environment({"MUSIC_ASSETS_MSD": "", "MUSIC_ASSETS_REFRESH_SHARE": ""}).msd is None


def test_credentials_alone_turn_the_real_spotify_on() -> None:
    assert Settings.from_environment(CREDENTIALS).spotify.source == "api"
    kept_off = Settings.from_environment({**CREDENTIALS, "MUSIC_ASSETS_SPOTIFY": "sandbox"})
    assert kept_off.spotify.source == "sandbox"


@pytest.mark.parametrize("name", CREDENTIALS)
def test_one_credential_alone_is_refused_and_the_other_named(name: str) -> None:
    (other,) = CREDENTIALS.keys() - {name}
    with pytest.raises(SettingError, match=f"credentials is set, and {other} is not: set it as well"):
        Settings.from_environment({name: "x", other: ""})
    with pytest.raises(SettingError, match=f"credentials are missing: set {other}, or"):
        Settings.from_environment({name: "x", "MUSIC_ASSETS_SPOTIFY": "api"})
    assert Settings.from_environment({name: "x", "MUSIC_ASSETS_SPOTIFY": "sandbox"}).is_sandbox


def test_options_win_over_the_environment(tmp_path: Path) -> None:
    settings = Settings.from_environment({"MUSIC_ASSETS_DATA": "/else"}, data=str(tmp_path), msd=None)
    assert settings.data == tmp_path


def test_an_option_that_is_not_a_setting_is_refused() -> None:
    with pytest.raises(SettingError, match="MUSIC_ASSETS_WAREHOSE is not a setting"):
        Settings.from_environment({}, warehose="x")


def test_paths_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment(
        {}, msd="msd", staging="staged", ledger="l.sqlite", tracks="list.txt"
    )
    assert settings.msd == str(tmp_path / "msd")
    assert settings.staging == str(tmp_path / "staged")
    assert settings.ledger == str(tmp_path / "l.sqlite")
    assert settings.resolution.tracks == str(tmp_path / "list.txt")


def test_addresses_are_left_as_they_are() -> None:
    settings = Settings.from_environment({"MUSIC_ASSETS_STAGING": "s3://b/p", "MUSIC_ASSETS_LEDGER": "x://y"})
    assert (settings.staging, settings.ledger) == ("s3://b/p", "x://y")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"MUSIC_ASSETS_SPOTIFY": "yes"},
            "_SPOTIFY is .yes.: it takes `api`, `sandbox` or `off`.",
        ),
        ({"MUSIC_ASSETS_SPOTIFY": "api"}, "set SPOTIPY_CLIENT_ID"),
        (
            {"MUSIC_ASSETS_JOB_TAGS": '{"ask": 1}'},
            "MUSIC_ASSETS_JOB_TAGS is .*: it takes a JSON object of tags",
        ),
        ({"MUSIC_ASSETS_JOB_TAGS": "ask"}, "MUSIC_ASSETS_JOB_TAGS is .*: it takes a JSON object of tags"),
        (
            {"MUSIC_ASSETS_WAREHOUSE": "a cellar"},
            "MUSIC_ASSETS_WAREHOUSE cannot be used: it takes a SQLAlchemy URL",
        ),
        (
            {"MUSIC_ASSETS_WAREHOUSE": "redshift+redshift_connector://u:pw@cluster.example/db"},
            "The sandbox invents its responses",
        ),
    ],
)
def test_what_cannot_be_used_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        Settings.from_environment(environment)
    assert "pw" not in str(caught.value)


def test_a_warehouse_on_loopback_takes_the_sandbox() -> None:
    url = "redshift+redshift_connector://u:pw@127.0.0.1:5439/db"
    assert Settings.from_environment({"MUSIC_ASSETS_WAREHOUSE": url}).warehouse_is_local


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("TIMEZONE", "Mars/Olympus", "a name such as Europe/Berlin"),
        ("TIMEZONE", "../etc", "a name such as Europe/Berlin"),
        ("DAILY_START", "3 am", "a time of day, such as 03:00"),
        ("DAILY_START", "24:00", "a time of day, such as 03:00"),
        ("RETENTION_DAYS", "half a year", "a valid integer"),
        ("RETENTION_DAYS", "0", "greater than or equal to 1"),
        ("SPOTIFY_MODE", "developer", "`auto`, `development` or `extended`"),
        ("REQUESTS_PER_DAY", "many", "a number from 1, or `none`"),
        ("REQUESTS_PER_30S", "0", "a number from 1, or `none`"),
        ("SKIP_SOURCES", "labs,lab", "'lab' is not among musicbrainz, acousticbrainz, "),
        ("REFRESH_SHARE", "2", "less than or equal to 1"),
        ("REFRESH_SHARE", "-0.1", "greater than or equal to 0"),
        ("REFRESH_SHARE", "nan", "a finite number"),
        ("REFRESH_SHARE", "a fifth", "a valid number"),
    ],
)
def test_a_message_names_the_setting_and_what_it_takes(name: str, value: str, takes: str) -> None:
    with pytest.raises(SettingError, match=f"MUSIC_ASSETS_{name} is {value!r}: .*{re.escape(takes)}"):
        Settings.from_environment({f"MUSIC_ASSETS_{name}": value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALERT_WEBHOOK", "hooks.example.org/hunter2"),
        ("S3_ENDPOINT", "http://u:hunter2@host"),
        ("WAREHOUSE", "hunter2"),
    ],
)
def test_no_message_shows_what_may_be_a_secret(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"MUSIC_ASSETS_{name} cannot be used: it") as caught:
        Settings.from_environment({f"MUSIC_ASSETS_{name}": value})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_secrets_are_not_shown() -> None:
    webhook, warehouse = "https://example.org/hunter2", "redshift+redshift_connector://u:hunter2@localhost/db"
    settings = Settings.from_environment({}, alert_webhook=webhook, warehouse=warehouse)
    assert (settings.alert_webhook, settings.warehouse) == (webhook, warehouse)
    assert "hunter2" not in f"{settings!r} {settings}"


def test_the_real_spotify_gets_100_requests_in_30_seconds_unless_set_otherwise() -> None:
    assert Settings.from_environment(CREDENTIALS).spotify.requests_per_30s == 100
    limits = {"MUSIC_ASSETS_REQUESTS_PER_30S": "none", "MUSIC_ASSETS_REQUESTS_PER_DAY": "200"}
    spotify = Settings.from_environment({**CREDENTIALS, **limits}).spotify
    assert (spotify.requests_per_30s, spotify.requests_per_day) == (None, 200)
    assert Settings.from_environment({}).spotify.requests_per_30s is None


def test_every_keyless_source_is_used_unless_it_is_skipped() -> None:
    assert all(map(Settings.from_environment({}).sources.uses, KEYLESS_SOURCES))
    sources = Settings.from_environment({"MUSIC_ASSETS_SKIP_SOURCES": " labs, reccobeats ,labs,"}).sources
    assert sources.skip == "labs,reccobeats"
    assert [name for name in KEYLESS_SOURCES if not sources.uses(name)] == ["labs", "reccobeats"]


@pytest.mark.parametrize(
    ("environment", "source", "ledger"),
    [
        ({}, "sandbox", "sandbox"),
        (CREDENTIALS, "api", "api"),
        ({"SPOTIFY": "off"}, "off", "api"),  # what is fetched is there once credentials come
        ({"SPOTIFY": "off", **CREDENTIALS}, "off", "api"),
        ({"SPOTIFY": "off", "SANDBOX_URL": "http://127.0.0.1:9"}, "off", "sandbox"),
        ({"SANDBOX_URL": "http://127.0.0.1:9", **CREDENTIALS}, "api", "api"),
    ],
)
def test_the_ledger_is_that_of_whoever_responds(
    environment: dict[str, str], source: str, ledger: str
) -> None:
    own = {name if "_CLIENT_" in name else f"MUSIC_ASSETS_{name}": env for name, env in environment.items()}
    settings = Settings.from_environment(own)
    assert (settings.spotify.source, settings.ledger_source) == (source, ledger)
    assert settings.ledger.endswith(f"/data/ledger/{ledger}.sqlite")
