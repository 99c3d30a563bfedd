"""Every setting, declared once: its variable, its default, what it means.

Here: the declarations, in groups, and how the environment is read; what a value may be is in
`setting_types`. A resource has the fields of its group
(`defs.resources`); `.env.example` and docs/settings.md are generated from the declarations
(`docs/generate`). Everything runs with no setting at all. Reading settings opens nothing.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from music_assets.errors import MusicAssetsError
from music_assets.setting_types import (
    Country,
    File,
    FileOrUrl,
    Folder,
    JobTags,
    Limit,
    Mode,
    S3Endpoint,
    Source,
    Staging,
    TimeOfDay,
    TimeZone,
    Warehouse,
    WebAddress,
)

PREFIX = "MUSIC_ASSETS_"
# The sources without a key, as MUSIC_ASSETS_SKIP_SOURCES names them; `labs` are those of ListenBrainz.
KEYLESS_SOURCES = ("musicbrainz", "acousticbrainz", "listenbrainz", "labs", "echonest", "reccobeats")


class SettingError(MusicAssetsError, ValueError):
    """A setting that cannot be used; the message names it and says what it takes."""


def _setting(variable: str, default: Any = None, *, unset: str = "", example: str = "", **more: Any) -> Any:
    """A field, read from its variable; `unset` says what holds without it where the default does not."""
    if "default_factory" not in more:
        more["default"] = default
    extra: dict[str, Any] = {"unset": unset, "example": example}
    return Field(validation_alias=PREFIX + variable, json_schema_extra=extra, **more)


def _source_names(names: str) -> str:
    """Names of keyless sources, each once, with commas between them."""
    given = sorted({name.strip() for name in names.split(",")} - {""})
    if unknown := [name for name in given if name not in KEYLESS_SOURCES]:
        raise ValueError(f"{unknown[0]!r} is not among {', '.join(KEYLESS_SOURCES)}")
    return ",".join(given)


def _duckdb_url(path: Path) -> str:
    """The URL of a DuckDB file, whatever is in its path: `%20` is a name's part, and no space."""
    from sqlalchemy import URL

    return URL.create("duckdb", database=str(path)).render_as_string()


class _Group(BaseModel):
    model_config = ConfigDict(
        frozen=True, populate_by_name=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )


class SpotifyGroup(_Group):
    source: Source = _setting(
        "SPOTIFY", "sandbox", unset="`api` where Spotify's credentials are set, else `sandbox`"
    )
    """Spotify's API: `api`; `sandbox`, which invents it and marks every row; `off`: keyless sources alone."""
    mode: Mode = _setting("SPOTIFY_MODE", "auto")
    """Your app's access to Spotify: `development`, `extended`, or `auto`, to tell by the responses."""
    requests_per_30s: Limit = _setting("REQUESTS_PER_30S", unset="100; `none` for the sandbox", example="100")
    """The most requests to Spotify in 30 seconds, or `none`. Pauses that Spotify asks for come on top."""
    requests_per_day: Limit = _setting("REQUESTS_PER_DAY", unset="`none`", example="none")
    """The most requests to Spotify of one kind (searches, single albums, …) in any 24 hours, or `none`."""
    market: Country = _setting("MARKET", unset="none is sent: Spotify answers for the US", example="DE")
    """The country whose catalogue is searched. Responses are cached by market: another one requests anew."""


class SandboxGroup(_Group):
    url: WebAddress = _setting(
        "SANDBOX_URL", unset="each run starts its own sandbox", example="http://127.0.0.1:8000"
    )
    """A sandbox that runs already (`music-assets sandbox --port 8000`)."""


class ResolutionGroup(_Group):
    tracks: File = _setting("TRACKS", example="/path/to/list.txt")
    """A file naming what to resolve first: ids of MSD tracks, songs or artists, in any text."""


class SourcesGroup(_Group):
    skip: Annotated[str, AfterValidator(_source_names)] = _setting(
        "SKIP_SOURCES", "", unset="none", example="labs,acousticbrainz"
    )
    """Sources not to use: `musicbrainz acousticbrainz listenbrainz labs echonest reccobeats`, with commas."""

    def uses(self, name: str) -> bool:
        """Whether the source of this name is not skipped."""
        return name not in self.skip.split(",")


class CorrectionsGroup(_Group):
    overrides: File = _setting("OVERRIDES", example="/path/to/overrides.csv")
    """Your corrections, which win over the matcher: a CSV of track_id, spotify_track_id (or `none`), note."""
    sid_mismatches: File = _setting("SID_MISMATCHES", example="/path/to/sid_mismatches.txt")
    """The MSD's list of tracks linked to the wrong song: flagged, and without a vote for their artist."""
    msd_duplicates: File = _setting("MSD_DUPLICATES", example="/path/to/msd_duplicates.txt")
    """The MSD's list of duplicates: they are grouped."""


class RefreshGroup(_Group):
    share: float = _setting("REFRESH_SHARE", 0.2, ge=0, le=1, allow_inf_nan=False)
    """The share of a day's requests, 0 to 1, that refreshes the stalest values and lists new releases."""


class ScheduleGroup(_Group):
    timezone: TimeZone = _setting("TIMEZONE", "UTC")
    """The time zone of the daily run and of its deadline, 07:00."""
    daily_start: TimeOfDay = _setting("DAILY_START", "03:00")
    """When the daily run starts; its tables are promised by 07:00."""


class AwsGroup(_Group):
    s3_endpoint: S3Endpoint = _setting(
        "S3_ENDPOINT", unset="AWS", example="http://localhost:8333", repr=False
    )
    """An S3 server that is not AWS's. Credentials are AWS's usual ones (AWS_PROFILE, …)."""
    redshift_iam_role: str = _setting(
        "REDSHIFT_IAM_ROLE", "default", example="arn:aws:iam::<account>:role/<name>"
    )
    """The role by which Redshift's COPY reads staged files: its ARN, or `default` for the cluster's own."""
    job_tags: JobTags = _setting("JOB_TAGS", {}, unset="none", example='{"ask": {"ecs/cpu": "256"}}')
    """Tags by job that its runs carry: the size of their task, where it is placed. Terraform writes it."""


class Settings(BaseSettings):
    """All settings; paths are absolute. `Settings()` reads the environment."""

    model_config = SettingsConfigDict(
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        validate_default=False,
    )

    data: Folder = _setting("DATA", Path("data"), validate_default=True)
    """Folder for staging, warehouse, ledger and Dagster's own storage."""
    msd: File = _setting(
        "MSD", unset="a generated sample of some 400 songs", example="/path/to/MillionSongSubset"
    )
    """MSD root: the folder that holds A/ to Z/ (or data/A/ to data/Z/), or one HDF5 file of many songs."""
    staging: Staging = _setting(
        "STAGING",
        unset="`<data>/staging`",
        example="s3://bucket/prefix",
        default_factory=lambda valid: str(valid["data"] / "staging"),
    )
    """Where staged files are stored: a folder, or s3://bucket/prefix."""
    warehouse: Warehouse = _setting(
        "WAREHOUSE",
        unset="`duckdb:///<data>/warehouse.duckdb`",
        example="redshift+redshift_connector://host:5439/database?secret=<ARN>",
        default_factory=lambda valid: _duckdb_url(valid["data"] / "warehouse.duckdb"),
        repr=False,  # it may hold a password
    )
    """Where tables are stored: a SQLAlchemy URL. docs/install.md has the forms of Redshift's."""
    spotify: SpotifyGroup = SpotifyGroup()
    sandbox: SandboxGroup = SandboxGroup()
    ledger: FileOrUrl = _setting(
        "LEDGER",
        unset="`<data>/ledger/<spotify>.sqlite`",
        example="postgresql://user@host/database",
        default_factory=lambda valid: str(valid["data"] / "ledger" / f"{_ledger_source(valid)}.sqlite"),
        repr=False,
    )
    """Where responses are cached: a file, or postgresql://user@host/database, its password in PGPASSWORD."""
    resolution: ResolutionGroup = ResolutionGroup()
    sources: SourcesGroup = SourcesGroup()
    downloads: Folder = _setting(
        "DOWNLOADS",
        unset="`<data>/downloads`",
        example="/path/to/downloads",
        default_factory=lambda valid: valid["data"] / "downloads",
    )
    """Where `music-assets download` puts dumps, and where you put companion sets (`companion`)."""
    corrections: CorrectionsGroup = CorrectionsGroup()
    refresh: RefreshGroup = RefreshGroup()
    schedule: ScheduleGroup = ScheduleGroup()
    retention_days: int = _setting("RETENTION_DAYS", 180, ge=1)
    """Spotify's values older than this many days are warned of, and removed by `music-assets purge`."""
    alert_webhook: WebAddress = _setting(
        "ALERT_WEBHOOK", unset="the log alone", example="https://…", repr=False
    )
    """Where failed runs are reported beside the log: a web address that takes JSON, such as Slack's."""
    aws: AwsGroup = AwsGroup()

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, **overrides: str | None
    ) -> Settings:
        """Settings from these variables, the process's unless given.

        `overrides` win over them, by a variable's name without its prefix: `data=` for `MUSIC_ASSETS_DATA`.

        Raises:
            SettingError: a setting has a value that cannot be used, or an override names none.
        """
        given = {PREFIX + name.upper(): value for name, value in overrides.items()}
        if unknown := given.keys() - declared_settings().keys():
            raise SettingError(f"{min(unknown)} is not a setting.")
        env = dict(os.environ if environment is None else environment)
        env.update({name: str(value) for name, value in given.items() if value is not None})
        try:
            settings = cls(_build_sources=((_Environment(cls, env),), {}))  # type: ignore[call-arg]
        except ValidationError as error:
            raise _as_setting_error(error) from None
        if settings.is_sandbox and not settings.warehouse_is_local:
            raise SettingError(
                "The sandbox invents its responses, and MUSIC_ASSETS_WAREHOUSE is not on this machine: set "
                "Spotify's credentials, or use a local warehouse."
            )
        return settings

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls, os.environ)

    @property
    def warehouse_is_local(self) -> bool:
        """Whether the warehouse is a file or on loopback: nobody else reads it."""
        from sqlalchemy import make_url

        url = make_url(self.warehouse)
        return url.get_backend_name() == "duckdb" or url.host in ("localhost", "127.0.0.1", "::1")

    @property
    def is_sandbox(self) -> bool:
        """Whether every source is the sandbox's, and all its values are invented."""
        return self.ledger_source == "sandbox"

    @property
    def ledger_source(self) -> str:
        """Whose responses the ledger holds. `off` has those of `api`: credentials may come later."""
        return _ledger_source({"spotify": self.spotify, "sandbox": self.sandbox})

    @property
    def dumps(self) -> Path:
        """Where the dumps in use are: the downloads, or the sandbox's own."""
        return self.data / "sandbox" / "downloads" if self.is_sandbox else self.downloads

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


def _ledger_source(groups: Mapping[str, Any]) -> str:
    source, url = groups["spotify"].source, groups["sandbox"].url
    return "sandbox" if source == "sandbox" or (source == "off" and url) else "api"


def declared_settings() -> dict[str, FieldInfo]:
    """Every setting's field by its variable, in the order of their declaration."""
    groups = [_fields_of(field) or {"": field} for field in Settings.model_fields.values()]
    return {str(field.validation_alias): field for group in groups for field in group.values()}


def _fields_of(field: FieldInfo) -> dict[str, FieldInfo]:
    """The fields of a group; none of a single setting."""
    kind: Any = field.annotation
    return kind.model_fields if isinstance(kind, type) and issubclass(kind, _Group) else {}


class _Environment(PydanticBaseSettingsSource):
    """Variables by name, each group's among them. An empty one counts as unset."""

    def __init__(self, settings_cls: type[BaseSettings], environment: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self._variables = {name: value for name, value in environment.items() if value}
        credentials = ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET")
        missing = [name for name in credentials if name not in self._variables]
        has_credentials = not missing
        if len(missing) == 1 and PREFIX + "SPOTIFY" not in self._variables:
            raise SettingError(
                f"One of Spotify's two credentials is set, and {missing[0]} is not: set it as well, or "
                "MUSIC_ASSETS_SPOTIFY=sandbox to try without an account, or `off` to use open sources alone."
            )
        source = self._variables.setdefault(PREFIX + "SPOTIFY", "api" if has_credentials else "sandbox")
        if source == "api":
            self._variables.setdefault(PREFIX + "REQUESTS_PER_30S", "100")
            if not has_credentials:
                raise SettingError(
                    "MUSIC_ASSETS_SPOTIFY is `api`, and Spotify's credentials are missing: set "
                    f"{' and '.join(missing)}, or MUSIC_ASSETS_SPOTIFY=sandbox to try without an account."
                )

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        key = field_name if _fields_of(field) else str(field.validation_alias)
        return (self._variables if _fields_of(field) else self._variables.get(key)), key, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields.items()
        found = (self.get_field_value(field, name) for name, field in fields)
        return {key: value for value, key, _ in found if value is not None}


def _as_setting_error(error: ValidationError) -> SettingError:
    """The first thing that is wrong, by its variable; never a value that may hold a secret."""
    wrong = error.errors()[0]
    variable = next(str(part) for part in wrong["loc"] if str(part).startswith(PREFIX))
    message = wrong["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    value = f"is {wrong['input']!r}" if declared_settings()[variable].repr else "cannot be used"
    return SettingError(f"{variable} {value}: {message}.")


# Settings of earlier versions, and what holds in their place.
_DROPPED = {
    "ALERT_SNS": "a failed run is reported to MUSIC_ASSETS_ALERT_WEBHOOK",
    "ARTIST_GETS": "artists are not fetched one by one in development mode",
    "ASK_BY_RELEASE": "songs of one release are always resolved together",
    "AUDIO_FEATURES": "MUSIC_ASSETS_SKIP_SOURCES=reccobeats goes without the features of ReccoBeats",
    "ECHONEST": "the archive, or what it unpacks to, is found in `echonest` below MUSIC_ASSETS_DOWNLOADS",
    "LISTENBRAINZ": "ListenBrainz is on unless MUSIC_ASSETS_SKIP_SOURCES names `listenbrainz` or `labs`",
    "QUERIES": "up to two differently worded queries are tried for a song",
    "READERS": "one process per core reads the MSD",
    "REFRESH_REQUESTS": "MUSIC_ASSETS_REFRESH_SHARE=0 turns the refresh off",
    "RELEASES_EVERY_DAYS": "an artist's releases are listed every 30 days",
    "RETRY_MISSES_DAYS": "misses are searched for again after 90 days, or with `music-assets retry --misses`",
    "S3_SSE": "the bucket's own default encryption applies",
    "VERIFY_IDS": "ids from elsewhere are always verified",
}


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each `MUSIC_ASSETS_…` variable that is not a setting, with what to set instead."""
    known = list(declared_settings())
    sentences = []
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in known:
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        hint = f"did you mean {near[0]}?" if near else "see .env.example for those there are."
        if replaced := _DROPPED.get(name.removeprefix(PREFIX)):
            hint = f"{replaced}."
        sentences.append(f"{name} is not a setting; {hint}")
    return sentences
