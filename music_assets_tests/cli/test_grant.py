"""`music-assets grant`: what it runs on a shared warehouse, and what it says of a local one."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner
from sqlalchemy import make_url, text

from music_assets.cli import EXIT_UNUSABLE
from music_assets.cli.main import cli
from music_assets.defs.wiring import resources
from music_assets.settings import Settings
from music_assets_tests.support.standin import PASSWORD, Standin


def test_a_role_is_made_and_may_read(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", standin.new_database())
    for _ in range(2):
        done = CliRunner().invoke(cli, ["grant", "people"])
        assert done.exit_code == 0, done.output
        for schema in ("msd", "spotify", "mapped", "analytics"):
            assert f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO ROLE people;" in done.output
        assert "staging" not in done.output
    assert "GRANT ROLE people TO <user>" in done.output


def test_what_the_warehouse_refuses_is_told(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", standin.new_database().replace(PASSWORD, "a-Wrong-one"))
    done = CliRunner().invoke(cli, ["grant"])
    assert done.exit_code == EXIT_UNUSABLE
    assert "password authentication failed" in done.output
    assert "a-Wrong-one" not in done.output


def test_a_local_warehouse_has_a_copy_for_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_ASSETS_DATA", str(tmp_path))
    done = CliRunner().invoke(cli, ["grant"])
    assert done.exit_code == 0
    assert str(tmp_path / "published" / "music_assets.duckdb") in done.output
    assert list(tmp_path.iterdir()) == []


def test_users_get_their_passwords_by_empty_secrets_and_keep_them(
    standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = standin.new_database()
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", url)
    secrets = boto3.client("secretsmanager")
    arns = {user: secrets.create_secret(Name=f"grant-{user}")["ARN"] for user in ("loader", "daemon")}
    contents = set()
    for _ in range(2):
        done = CliRunner().invoke(cli, ["grant", "--loader", arns["loader"], "--daemon", arns["daemon"]])
        assert done.exit_code == 0, done.output
        found = {user: secrets.get_secret_value(SecretId=arn)["SecretString"] for user, arn in arns.items()}
        assert not any(json.loads(content)["password"] in done.output for content in found.values())
        contents.add(tuple(found.values()))
    assert len(contents) == 1
    by_secret = make_url(url).set(username=None, password=None).update_query_dict({"secret": arns["daemon"]})
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", by_secret.render_as_string())
    daemon = resources(Settings.from_environment())["warehouse"].open()
    with daemon.looking("a test") as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == "music_daemon"
        assert connection.execute(text("SELECT count(*) FROM meta.loads")).scalar_one() == 0
    standin.as_postgres(
        f"\\c {make_url(url).database}\nDROP OWNED BY music_loader, music_daemon CASCADE;"
        "DROP ROLE music_loader; DROP ROLE music_daemon;"
    )


def test_a_secret_that_is_not_there_is_told(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", standin.new_database())
    done = CliRunner().invoke(cli, ["grant", "--loader", "no-such-secret"])
    assert done.exit_code == EXIT_UNUSABLE
    assert "no-such-secret" in done.output
