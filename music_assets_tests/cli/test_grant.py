"""`music-assets grant`: what it runs on a shared warehouse, and what it says of a local one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from music_assets.cli import EXIT_UNUSABLE
from music_assets.cli.main import cli
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
