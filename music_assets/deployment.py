"""The environment's settings, and the resources made of them: one table for laptop and AWS alike.

Everything runs with no setting at all. What a setting means is in `.env.example`. Reading settings
opens nothing; a resource opens what it names when an asset uses it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from music_assets.io_managers.json_lines import JsonLinesIOManager
from music_assets.io_managers.manifests import ManifestIOManager
from music_assets.io_managers.warehouse import WarehouseIOManager
from music_assets.resources import (
    MsdResource,
    ReportResource,
    SpotifyResource,
    StagingResource,
    WarehouseResource,
)

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SettingError(ValueError):
    """A setting that cannot be used; the message names it and says what it takes."""


@dataclass(frozen=True)
class Settings:
    """What the environment says, with defaults filled in; paths are absolute.

    `msd` is None where the generated sample is used. `spotify` is `api` or `sandbox`.
    """

    data: Path
    msd: Path | None
    staging: str
    warehouse: str
    spotify: str

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
            staging=_absolute(setting("staging", str(data / "staging"))),
            warehouse=warehouse,
            spotify=spotify,
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
    staging = StagingResource(url=settings.staging)
    warehouse = WarehouseResource(url=settings.warehouse, published=str(settings.published))
    msd = MsdResource(
        path=str(settings.msd) if settings.msd else None, sample=str(settings.data / "sample_msd")
    )
    return {
        "msd": msd,
        "spotify": SpotifyResource(source=settings.spotify, data=str(settings.data), msd=msd),
        "staging": staging,
        "warehouse": warehouse,
        "report_page": ReportResource(path=str(settings.report)),
        "json_lines": JsonLinesIOManager(staging=staging),
        "manifests": ManifestIOManager(staging=staging),
        "warehouse_tables": WarehouseIOManager(warehouse=warehouse),
    }


def _absolute(place: str) -> str:
    return place if "://" in place else str(Path(place).absolute())
