"""The environment's settings, and the resources made of them: one table for laptop and AWS alike.

Everything runs with no setting at all. What a setting means is in `.env.example`. Reading settings
opens nothing; a resource opens what it names when an asset uses it.
"""

from __future__ import annotations

import difflib
import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from music_assets.defs.io_managers import JsonLinesIOManager, WarehouseIOManager
from music_assets.defs.resources import (
    CorrectionsResource,
    MsdResource,
    RefreshResource,
    ReportResource,
    SpotifyResource,
    StagingResource,
    WarehouseResource,
)
from music_assets.errors import MusicAssetsError
from music_assets.staging.errors import UnknownPlace
from music_assets.staging.s3 import checked_endpoint, encryption
from music_assets.staging.store import place
from music_assets.warehouse.connect import LOOPBACK, without_password

# Days after which an artist's releases are asked for again where that is `none`: not in a lifetime.
_NEVER = 36_500


class SettingError(MusicAssetsError, ValueError):
    """A setting that cannot be used; the message names it and says what it takes."""


@dataclass(frozen=True)
class Settings:
    """What the environment says, with defaults filled in; paths are absolute.

    `msd` is None where the generated sample is used. `spotify` is `api` or `sandbox`. `overrides`,
    `sid_mismatches` and `msd_duplicates` are files of corrections, None where there are none. `readers` is
    how many processes read the MSD, None for one a core.

    Of Spotify: `spotify_mode` is the access the app has, `auto` to see it by the answers; `requests_per_30s`
    and `requests_per_day` what may be spent, None for no limit of ours; `queries` how many are tried for a
    song; `artist_gets` whether artists are asked one by one in development mode; `audio_features` where those
    come from: `reccobeats` (what Spotify does not give), `spotify`, or `off`; `ask_by_release` whether albums
    are asked for that answer several songs; `tracks` a list of what to ask first; `echonest` the mapping
    archive, `listenbrainz` whether it is asked, for ids to verify; `verify_ids`
    whether they are. `ledger` is a path or `postgresql://user@host/database`, `sandbox_url` a sandbox that
    runs already.

    `refresh_share` is how much of a day's requests left goes to asking again, `refresh_requests` how many do
    where there is no limit, `releases_every_days` how often an artist's releases are asked for.

    `daily_start` is a time of day, `HH:MM`, in `timezone`; `alert_webhook` and `alert_sns` are where a failed
    run is told of. `s3_endpoint` is the URL of an S3 server that is not AWS's, `s3_sse` how what is written
    there is encrypted. `job_tags` are tags by job that its runs carry: on AWS, the size of their task and
    where it is placed. `redshift_iam_role` is the role by which Redshift reads S3.
    """

    data: Path
    msd: Path | None
    staging: str
    warehouse: str = field(repr=False)  # it may hold a password
    spotify: str
    overrides: Path | None = None
    sid_mismatches: Path | None = None
    msd_duplicates: Path | None = None
    readers: int | None = None
    timezone: str = "UTC"
    daily_start: str = "03:00"
    retention_days: int = 180
    alert_webhook: str | None = field(default=None, repr=False)  # whoever knows it can post there
    alert_sns: str | None = None
    spotify_mode: str = "auto"
    requests_per_30s: int | None = None
    requests_per_day: int | None = None
    queries: int = 2
    artist_gets: bool = False
    audio_features: str = "reccobeats"
    ask_by_release: bool = True
    tracks: Path | None = None
    echonest: Path | None = None
    listenbrainz: bool = False
    verify_ids: bool = True
    refresh_share: float = 0.2
    refresh_requests: int = 100
    releases_every_days: int = 30
    ledger: str = ""
    sandbox_url: str | None = None
    s3_endpoint: str | None = None
    s3_sse: str | None = None
    redshift_iam_role: str = "default"
    job_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Settings from `MUSIC_ASSETS_…` variables; `overrides` (by field name) win over them.

        Raises:
            SettingError: a setting has a value that cannot be meant.
        """
        env = os.environ if environment is None else environment
        given = {name: value for name, value in overrides.items() if value is not None}
        if unknown := set(given) - set(cls.__dataclass_fields__):
            raise SettingError(f"there is no setting {sorted(unknown)[0]!r}")

        def setting(name: str, default: str) -> str:
            return str(given.get(name) or env.get(f"MUSIC_ASSETS_{name.upper()}") or default)

        def one_of(name: str, *values: str) -> str:
            value = setting(name, values[0])
            if value not in values:
                said = ", ".join(f"`{each}`" for each in values)
                raise SettingError(f"MUSIC_ASSETS_{name.upper()} is {value!r}: it takes one of {said}.")
            return value

        def number(name: str, default: int | None) -> int | None:
            """A whole number from 1, or None for `none`."""
            text = setting(name, "none" if default is None else str(default))
            if text == "none":
                return None
            if not text.isdecimal() or int(text) == 0:
                raise SettingError(
                    f"MUSIC_ASSETS_{name.upper()} is {text!r}: it takes a number from 1, or `none`."
                )
            return int(text)

        def path(name: str) -> Path | None:
            given = setting(name, "")
            return Path(given).expanduser().absolute() if given else None

        data = Path(setting("data", "data")).absolute()
        msd = setting("msd", "")
        has_credentials = bool(env.get("SPOTIPY_CLIENT_ID") and env.get("SPOTIPY_CLIENT_SECRET"))
        spotify = setting("spotify", "api" if has_credentials else "sandbox")
        if spotify not in ("api", "sandbox"):
            raise SettingError(f"MUSIC_ASSETS_SPOTIFY is {spotify!r}: it takes `api` or `sandbox`.")
        if spotify == "api" and not has_credentials:
            raise SettingError(
                "MUSIC_ASSETS_SPOTIFY is `api`, and Spotify's credentials are missing: set SPOTIPY_CLIENT_ID "
                "and SPOTIPY_CLIENT_SECRET, or MUSIC_ASSETS_SPOTIFY=sandbox to try without an account."
            )
        warehouse = setting("warehouse", f"duckdb:///{data / 'warehouse.duckdb'}")
        settings = cls(
            data=data,
            msd=Path(msd).absolute() if msd else None,
            staging=_staging(setting("staging", str(data / "staging"))),
            warehouse=warehouse,
            spotify=spotify,
            overrides=path("overrides"),
            sid_mismatches=path("sid_mismatches"),
            msd_duplicates=path("msd_duplicates"),
            readers=number("readers", None),
            timezone=_timezone(setting("timezone", "UTC")),
            daily_start=_time_of_day(setting("daily_start", "03:00")),
            retention_days=_days(setting("retention_days", "180")),
            alert_webhook=_web_address(setting("alert_webhook", "")),
            alert_sns=setting("alert_sns", "") or None,
            spotify_mode=one_of("spotify_mode", "auto", "development", "extended"),
            requests_per_30s=number("requests_per_30s", 100 if spotify == "api" else None),
            requests_per_day=number("requests_per_day", None),
            queries=int(one_of("queries", "2", "1", "3")),
            artist_gets=one_of("artist_gets", "no", "yes") == "yes",
            audio_features=one_of("audio_features", "reccobeats", "spotify", "off"),
            ask_by_release=one_of("ask_by_release", "yes", "no") == "yes",
            tracks=path("tracks"),
            echonest=path("echonest"),
            listenbrainz=one_of("listenbrainz", "no", "yes") == "yes",
            verify_ids=one_of("verify_ids", "yes", "no") == "yes",
            refresh_share=_share(setting("refresh_share", "0.2")),
            refresh_requests=number("refresh_requests", 100) or 0,
            releases_every_days=number("releases_every_days", 30) or _NEVER,
            ledger=_ledger(setting("ledger", str(data / "ledger" / f"{spotify}.sqlite"))),
            sandbox_url=setting("sandbox_url", "") or None,
            s3_endpoint=_s3("MUSIC_ASSETS_S3_ENDPOINT", setting("s3_endpoint", ""), checked_endpoint),
            s3_sse=_s3("MUSIC_ASSETS_S3_SSE", setting("s3_sse", ""), encryption),
            redshift_iam_role=setting("redshift_iam_role", "default"),
            job_tags=read_job_tags(setting("job_tags", "")),
        )
        if spotify == "sandbox" and not settings.warehouse_is_local:
            raise SettingError(
                "The sandbox invents its answers, and MUSIC_ASSETS_WAREHOUSE is not on this machine: set "
                "Spotify's credentials, or use a local warehouse."
            )
        return settings

    @property
    def warehouse_is_local(self) -> bool:
        """Whether the warehouse is a file or on loopback: others do not read it."""
        try:
            url = make_url(self.warehouse)
        except ArgumentError:
            raise SettingError("MUSIC_ASSETS_WAREHOUSE is not a SQLAlchemy URL.") from None
        return url.get_backend_name() == "duckdb" or url.host in LOOPBACK

    @property
    def refreshes(self) -> bool:
        """Whether a day's refresh may spend anything."""
        return (self.refresh_requests if self.requests_per_day is None else self.refresh_share) > 0

    @property
    def published(self) -> Path:
        """The readers' copy of a local warehouse."""
        return self.data / "published" / "music_assets.duckdb"

    @property
    def report(self) -> Path:
        """The page that shows how the match went."""
        return self.data / "report.html"

    @property
    def dagster_home(self) -> Path:
        return self.data / "dagster"


def resources(settings: Settings) -> dict[str, Any]:
    """Every resource and IO manager by its key, as these settings have it."""
    s3 = {"s3_endpoint": settings.s3_endpoint, "s3_sse": settings.s3_sse}
    staging = StagingResource(url=settings.staging, **s3)
    warehouse = WarehouseResource(
        url=without_password(settings.warehouse),
        published=str(settings.published),
        redshift_iam_role=settings.redshift_iam_role,
        **s3,
    )
    msd = MsdResource(
        path=str(settings.msd) if settings.msd else None,
        sample=str(settings.data / "sample_msd"),
        readers=settings.readers,
    )
    return {
        "msd": msd,
        "spotify": SpotifyResource(
            source=settings.spotify,
            data=str(settings.data),
            msd=msd,
            ledger=settings.ledger,
            mode=settings.spotify_mode,
            requests_per_30s=settings.requests_per_30s,
            requests_per_day=settings.requests_per_day,
            queries=settings.queries,
            artist_gets=settings.artist_gets,
            features_from=settings.audio_features,
            sandbox_url=settings.sandbox_url,
            by_release=settings.ask_by_release,
            tracks=_text(settings.tracks),
            echonest=_text(settings.echonest),
            ask_listenbrainz=settings.listenbrainz,
            verify_ids=settings.verify_ids,
            sid_mismatches=_text(settings.sid_mismatches),
        ),
        "corrections": CorrectionsResource(
            overrides=_text(settings.overrides),
            sid_mismatches=_text(settings.sid_mismatches),
            msd_duplicates=_text(settings.msd_duplicates),
        ),
        "refresh": RefreshResource(
            share=settings.refresh_share,
            requests=settings.refresh_requests,
            releases_every_days=settings.releases_every_days,
        ),
        "staging": staging,
        "warehouse": warehouse,
        "report_page": ReportResource(path=str(settings.report)),
        "json_lines": JsonLinesIOManager(staging=staging),
        "warehouse_tables": WarehouseIOManager(warehouse=warehouse),
    }


def _ledger(place: str) -> str:
    return place if "://" in place else str(Path(place).expanduser().absolute())


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingError(
            f"MUSIC_ASSETS_TIMEZONE is {name!r}: it takes a name such as Europe/Berlin, or UTC."
        ) from None
    return name


def _time_of_day(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise SettingError(f"MUSIC_ASSETS_DAILY_START is {text!r}: it takes a time of day, such as 03:00.")
    return text


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise SettingError(
            f"MUSIC_ASSETS_RETENTION_DAYS is {text!r}: it takes a number of days, such as 180."
        )
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise SettingError(
            f"MUSIC_ASSETS_REFRESH_SHARE is {text!r}: it takes a share from 0 to 1, such as 0.2."
        )
    return share


def _web_address(text: str) -> str | None:
    if text and not text.startswith(("https://", "http://")):
        raise SettingError("MUSIC_ASSETS_ALERT_WEBHOOK is no web address: it begins with https://.")
    return text or None


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each `MUSIC_ASSETS_…` variable that names no setting, with the one that was meant."""
    known = [f"MUSIC_ASSETS_{name.upper()}" for name in Settings.__dataclass_fields__]
    said = []
    for name in sorted(environment):
        if name.startswith("MUSIC_ASSETS_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            hint = f"did you mean {near[0]}?" if near else "see .env.example for those there are."
            said.append(f"{name} is no setting; {hint}")
    return said


def read_job_tags(text: str) -> dict[str, dict[str, str]]:
    """Tags by job, from a JSON object of objects of text; none from an empty text.

    Raises:
        SettingError: it is no such object.
    """
    try:
        tags = json.loads(text or "{}")
        if all(isinstance(tag, str) for job in tags.values() for tag in job.values()):
            return {name: dict(job) for name, job in tags.items()}
    except (ValueError, AttributeError):
        pass
    raise SettingError(
        "MUSIC_ASSETS_JOB_TAGS takes a JSON object of tags by job, all text, as Terraform writes it: "
        '{"ask": {"ecs/cpu": "256"}}.'
    )


def _staging(url: str) -> str:
    try:
        scheme, path = place(url)
    except UnknownPlace as error:
        raise SettingError(str(error)) from None
    return url if scheme == "s3" else str(Path(path).absolute())


def _s3(name: str, value: str, check: Callable[[str], object]) -> str | None:
    try:
        return value if value and check(value) else None
    except ValueError as error:
        raise SettingError(f"{name} cannot be used: {error}.") from None
