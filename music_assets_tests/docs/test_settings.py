"""What is written of the settings is what is declared; unknown variables are pointed out."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import PAGES
from music_assets.settings import declared_settings, unknown_settings

REPOSITORY = Path(__file__).resolve().parents[2]
VARIABLES = list(declared_settings())


@pytest.mark.parametrize("path", ["docs/settings.md", ".env.example"])
def test_the_file_in_the_repository_is_up_to_date(path: str) -> None:
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    assert text == PAGES[path](), "run `make docs`"
    assert all(variable in text for variable in VARIABLES)


def test_every_setting_is_described_in_a_sentence() -> None:
    for variable, field in declared_settings().items():
        assert field.description and field.description.endswith("."), variable


def test_every_declared_setting_is_known() -> None:
    assert unknown_settings(dict.fromkeys(VARIABLES, "x")) == []


def test_a_misspelt_setting_is_pointed_out_with_the_one_that_was_meant() -> None:
    assert unknown_settings({"MUSIC_ASSETS_WAREHOSE": "x", "MUSIC_ASSETS_COLOUR": "x", "HOME": "/"}) == [
        "MUSIC_ASSETS_COLOUR is not a setting; see .env.example for those there are.",
        "MUSIC_ASSETS_WAREHOSE is not a setting; did you mean MUSIC_ASSETS_WAREHOUSE?",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("ALERT_SNS", "ARTIST_GETS", "ASK_BY_RELEASE", "ECHONEST", "QUERIES", "READERS"),
        *("REFRESH_REQUESTS", "RELEASES_EVERY_DAYS", "RETRY_MISSES_DAYS", "S3_SSE", "VERIFY_IDS"),
    ],
)
def test_a_setting_of_an_earlier_version_is_named_with_what_holds_now(name: str) -> None:
    (sentence,) = unknown_settings({f"MUSIC_ASSETS_{name}": "x"})
    assert sentence.startswith(f"MUSIC_ASSETS_{name} is not a setting")
    assert "did you mean" not in sentence and ".env.example" not in sentence
