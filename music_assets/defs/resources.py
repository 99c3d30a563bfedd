"""The resources that assets use: settings turned into an object of a pure package, with its first use.

Here: one resource for each thing that is reached, with the fields of its group of settings. Which settings
make which resource, and the IO managers, are in `wiring`; the sources without a key, and what resolves songs,
in `source_resources`. The ledger, the sandbox and what is opened on them are shared by all who use them in a
run, and closed at its end.
"""

import math
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dagster import ConfigurableResource, InitResourceContext, ResourceDependency
from pydantic import PrivateAttr

from music_assets.settings import CorrectionsGroup, RefreshGroup, SandboxGroup, SpotifyGroup
from music_assets.staging.s3 import S3Files
from music_assets.staging.store import StagingStore, fingerprint
from music_assets.warehouse.connect import open_warehouse, with_password
from music_assets.warehouse.engine import Warehouse

if TYPE_CHECKING:
    import pandas as pd
    from dagster import DagsterInstance

    from music_assets.sandbox.process import SandboxAddress
    from music_assets.sources.companion import Companion
    from music_assets.sources.corrections import Corrections
    from music_assets.sources.ledger import Ledger
    from music_assets.sources.msd import MsdRoot
    from music_assets.sources.spotify import SpotifyCatalog, SpotifySettings


class StagingResource(ConfigurableResource[Any]):
    """Where staged files are stored: a folder, or `s3://bucket/prefix` and its server."""

    url: str
    s3_endpoint: str | None = None

    def store(self) -> StagingStore:
        return StagingStore(self.url, endpoint=self.s3_endpoint)


class WarehouseResource(ConfigurableResource[Any]):
    """The warehouse, by its SQLAlchemy URL, where its readers' copy goes, and how S3 is reached.

    Configurations are shown, so the URL has no password here: it is read from MUSIC_ASSETS_WAREHOUSE.
    """

    url: str
    published: str
    s3_endpoint: str | None = None
    redshift_iam_role: str = "default"

    def open(self) -> Warehouse:
        files = S3Files(endpoint=self.s3_endpoint)
        return open_warehouse(with_password(self.url), Path(self.published), files, self.redshift_iam_role)


class RefreshResource(ConfigurableResource[Any], RefreshGroup):
    """How much a day's refresh may spend, and the days between two listings of an artist's releases."""

    requests: int = 100
    releases_every_days: int = 30

    def allowance(self, left: int | None) -> int:
        """The requests of a day's refresh, of those left of the day; None where there is no daily limit."""
        if left is None:
            return self.requests if self.share else 0
        return math.floor(self.share * left)


class ReportResource(ConfigurableResource[Any]):
    """Where the page goes that shows how the match went."""

    path: str


class CorrectionsResource(ConfigurableResource[Any], CorrectionsGroup):
    """The files in which people say what they know of single tracks."""

    def read(self) -> "Corrections":
        """Read the files.

        Raises:
            CorrectionsError: a file that a setting names is missing or cannot be parsed.
        """
        from music_assets.sources.corrections import Corrections, CorrectionsError

        files = {name: Path(path) for name, path in self.model_dump().items() if path}
        for name, path in files.items():
            if not path.is_file():
                setting = f"MUSIC_ASSETS_{name.upper()}"
                raise CorrectionsError(
                    f"{setting} names {path}, and there is no such file: correct the path, or unset "
                    f"{setting} to do without."
                )
        return Corrections.read(**files)


class CompanionResource(ConfigurableResource[Any]):
    """The companion sets of the MSD: the folder of their files, and that of the index made of them."""

    folder: str
    indexes: str

    def identity(self) -> str:
        """What changes when other files are there; empty without any."""
        from music_assets.sources.companion import find_files
        from music_assets.sources.dumps import identity

        files = find_files(Path(self.folder))
        return identity(files) if files else ""

    def open(self) -> "Companion | None":
        """Open the sets, to be closed; None where there are no files.

        Raises:
            DumpError: a file is there and cannot be used.
        """
        from music_assets.sources.companion import Companion, find_files

        files = find_files(Path(self.folder))
        return Companion.open(files, Path(self.indexes)) if files else None


class MsdResource(ConfigurableResource[Any]):
    """The MSD files in use: the root at `path`, or the generated sample where there is none."""

    path: str | None
    sample: str

    def root(self) -> "MsdRoot":
        """Open the root; the sample is written first where it is what is used.

        Raises:
            MsdRootError: there is no MSD at the path.
        """
        from music_assets.sources.msd import MsdRoot

        if self.path is not None:
            return MsdRoot.open(Path(self.path))
        from music_assets.sandbox.msd.writer import write_sample

        return MsdRoot.open(write_sample(Path(self.sample)))


class ClosedWithTheRun(ConfigurableResource[Any]):
    """A resource that opens things when they are first used, and closes them at the end of the run."""

    _opened: ExitStack = PrivateAttr(default_factory=ExitStack)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[Self]:
        with self._opened:
            yield self


class LedgerResource(ClosedWithTheRun):
    """The cache of responses of one source (`api` or `sandbox`), at a path or URL."""

    url: str
    source: str
    _ledger: "Ledger | None" = PrivateAttr(default=None)

    def open(self) -> "Ledger":
        if self._ledger is None:
            from music_assets.sources.ledger import open_ledger

            self._ledger = open_ledger(self.url, source=self.source)
            self._opened.callback(self._ledger.close)
        return self._ledger


class SandboxResource(ClosedWithTheRun, SandboxGroup):
    """The sandbox: the one that runs already at `url`, or one of our own, which stops with the run.

    Ours has extended access unless `mode` says otherwise: to show all there is.
    """

    data: str
    mode: str
    msd: MsdResource
    _address: "SandboxAddress | None" = PrivateAttr(default=None)

    def address(self) -> "SandboxAddress":
        """Where it listens; the first use starts it."""
        if self._address is None:
            from music_assets.sandbox.process import address_of, running_sandbox

            if self.url is not None:
                self._address = address_of(self.url)
            else:
                mode = "extended" if self.mode == "auto" else self.mode
                self._address = self._opened.enter_context(running_sandbox(self.catalogue(), mode=mode))
        return self._address

    def catalogue(self) -> Path:
        """The sandbox's catalogue, made of the MSD in use where that has changed since."""
        from music_assets.sandbox.spotify.catalogue import ensure_catalogue

        root = self.msd.root()
        path = Path(self.data) / "sandbox" / f"catalogue-{fingerprint(str(root.path))[:12]}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        directories = (
            (key, root.fingerprint(key), partial(_songs_of, root, key)) for key in root.partitions()
        )
        ensure_catalogue(path, directories)
        return path


class SpotifyResource(ClosedWithTheRun, SpotifyGroup):
    """Spotify's catalog, by credentials (`api`), played by the sandbox, or of what is cached alone (`off`).

    Credentials are read from the environment with the first request; they are no field here, so no
    configuration or log ever shows them.
    """

    ledger: ResourceDependency[LedgerResource]
    sandbox: ResourceDependency[SandboxResource]
    _run_id: str | None = PrivateAttr(default=None)
    _catalog: "SpotifyCatalog | None" = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[Self]:
        self._run_id = context.run.run_id if context.run else None
        with self._opened:
            try:
                yield self
            finally:
                if self._catalog and context.instance:
                    _mark_failed(context.instance, self._catalog.predecessor)

    @property
    def is_sandbox(self) -> bool:
        """Whether every source is the sandbox's."""
        return self.ledger.source == "sandbox"

    def clock(self) -> float:
        """Seconds since 1970; a simulation has its own."""
        return time.time()

    def catalog(self) -> "SpotifyCatalog":
        """The catalog, opened with the first use: a run that requests nothing starts nothing."""
        if self._catalog is None:
            from music_assets.sources import reccobeats
            from music_assets.sources.spotify import SpotifyCatalog

            note = {"run_id": self._run_id} if self._run_id else {}
            catalog = SpotifyCatalog.open(
                self._access(), self.ledger.open(), note=note, clock=self.clock, elsewhere=reccobeats
            )
            self._catalog = self._opened.enter_context(catalog)
        return self._catalog

    def _access(self) -> "SpotifySettings":
        """How Spotify is reached, and what may be requested."""
        from music_assets.sources.spotify import SpotifySettings

        how: dict[str, Any] = self.model_dump(
            include={"mode", "requests_per_30s", "requests_per_day", "market"}
        )
        if self.source == "off":
            return SpotifySettings("", "", off=True, source=self.ledger.source, mode="development")
        if self.source == "api":
            return SpotifySettings(
                os.environ["SPOTIPY_CLIENT_ID"], os.environ["SPOTIPY_CLIENT_SECRET"], **how
            )
        at = self.sandbox.address()
        how |= {"source": "sandbox", "base_url": at.base_url, "token_url": at.token_url}
        return SpotifySettings(at.client_id, at.client_secret, **how)


def _songs_of(root: "MsdRoot", key: str) -> "pd.DataFrame":
    return root.read(key).songs


def _mark_failed(instance: "DagsterInstance", predecessor: dict[str, Any] | None) -> None:
    """Have Dagster know that a run has failed whose process died while it held the request lock."""
    run = instance.get_run_by_id(str((predecessor or {}).get("run_id", "")))
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, "Its process was killed while it sent requests to Spotify.")
