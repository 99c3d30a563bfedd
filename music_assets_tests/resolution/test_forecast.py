"""What to expect of each source: as counted here, else as others report, never as a sandbox invented it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from music_assets.cli.forecasts import forecast_lines, read_forecast
from music_assets.resolution.forecast import PUBLISHED, Counted, Expectation, Forecast, forecast
from music_assets.settings import Settings
from music_assets.sources.ledger import Key, Response, open_ledger
from music_assets.staging.store import StagedFile, StagingStore

MILLION = 1_000_000
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def everything(source: str) -> bool:
    return True


def by_source(made: Forecast) -> dict[str, Expectation]:
    return {each.source: each for each in made.sources}


def test_before_anything_is_counted_the_published_figures_hold_and_are_said_to() -> None:
    made = forecast(MILLION, 150_000, Counted(), uses=everything)
    found = by_source(made)
    assert found.keys() == PUBLISHED.keys() and not any(each.is_counted for each in made.sources)
    assert (found["musicbrainz"].songs, found["musicbrainz"].requests) == (807_000, 0)
    assert (found["acousticbrainz"].songs, found["listenbrainz"].requests) == (452_000, 850)
    assert found["labs"].songs is None and "not known" in made.as_markdown()
    assert sum(each.hours for each in made.sources if each.source != "artists") < 24  # in about a day
    assert (found["artists"].songs, found["artists"].requests) == (None, 134_000)
    assert made.left == 550_000 and made.spotify is not None and made.spotify.open == 550_000
    assert made.basis.startswith("As others report it: nothing was counted")


def test_what_was_counted_here_replaces_them_source_by_source() -> None:
    settled = {
        "echonest": (600, 1000),
        "labs": (100, 1000),
        "musicbrainz": (1500, 2000),
        "artists": (50, 1000),
    }
    counted = Counted(1000, settled, {"reccobeats": 50, "labs": 10, "search": 200})
    made = forecast(10_000, 2000, counted, uses=everything, resolved=1000)
    found = by_source(made)
    assert [found[name].songs for name in ("echonest", "labs", "musicbrainz")] == [6000, 1000, 7500]
    assert [found[name].requests for name in ("reccobeats", "labs", "artists")] == [500, 100, 0]
    assert made.left == 2500
    # Requests per song were counted over all songs, those that others settled among them.
    assert made.spotify is not None and (made.spotify.open, made.spotify.requests) == (10_000, 2000)
    assert made.basis == (
        "As counted in this data folder for musicbrainz, echonest, labs, artists; of the rest as others "
        "report it."
    )


def test_a_source_that_is_off_brings_and_costs_nothing() -> None:
    made = forecast(1000, 1000, Counted(), uses=lambda source: source == "musicbrainz", per_day=100)
    assert [each.source for each in made.sources] == ["musicbrainz"]
    assert made.left == 1000 and made.spotify is not None and made.spotify.requests == 1000


def test_without_spotify_songs_stay_without_an_id_and_no_request_is_planned() -> None:
    made = forecast(1000, 1000, Counted(), uses=everything, spotify_off=True)
    assert made.spotify is None and made.fresh == 0
    assert "550 of 1,000 songs stay without a Spotify id" in made.as_markdown()
    assert ("left", "550 songs without a Spotify id, as Spotify is off") in list(forecast_lines(made))


@pytest.mark.parametrize(
    ("per_day", "per_request", "fresh"), [(None, 1, 7200), (600, 1, 21_600), (600, 50, MILLION)]
)
def test_a_retention_period_and_a_quota_keep_so_many_songs_fresh(
    per_day: int | None, per_request: int, fresh: int
) -> None:
    made = forecast(MILLION, MILLION, Counted(), uses=everything, per_day=per_day, per_request=per_request)
    assert min(made.fresh, MILLION) == fresh


def test_no_songs_need_nothing() -> None:
    made = forecast(0, 0, Counted(), uses=everything)
    assert made.left == 0 and all(each.requests == 0 for each in made.sources)


def fill(data: Path, source: str) -> None:
    """A data folder in which 30 of 100 songs are done, 20 of them by the archive."""
    store = StagingStore(str(data / "staging"))
    for kind, rows, facts in (
        ("msd_songs", 100, {}),
        ("spotify_search", 100, {"answered": 30}),
        ("musicbrainz_recordings", 90, {"linked": 90}),
    ):
        store.write(StagedFile(kind, "AA", "", rows, 0, "", "run", NOW.isoformat(), True, facts), b"")
    path = data / "ledger" / f"{source}.sqlite"
    path.parent.mkdir(parents=True)
    with closing(open_ledger(path, source=source)) as ledger:
        ledger.put_many(
            Response(
                Key("track", f"TRAA{n}", "settled"), "answered", f"echonest id{n}", NOW, "development", {}
            )
            for n in range(20)
        )
        ledger.record_request("reccobeats", NOW, 3)


def test_a_data_folders_own_counts_are_used(tmp_path: Path) -> None:
    fill(tmp_path, "api")
    credentials = {"SPOTIPY_CLIENT_ID": "x", "SPOTIPY_CLIENT_SECRET": "y"}
    for environment in (credentials, {"MUSIC_ASSETS_SPOTIFY": "off"}):
        settings = Settings.from_environment(environment, data=str(tmp_path))
        found = by_source(read_forecast(settings, 60, 60, resolved=30))
        assert (found["echonest"].songs, found["musicbrainz"].songs) == (40, 54)
        assert found["reccobeats"].requests == 6 and not found["acousticbrainz"].is_counted


def test_a_sandboxs_counts_are_not(tmp_path: Path) -> None:
    fill(tmp_path, "sandbox")
    made = read_forecast(Settings.from_environment({}, data=str(tmp_path)), 60, 60, resolved=30)
    assert not any(each.is_counted for each in made.sources)
    assert by_source(made)["echonest"].songs == 27
