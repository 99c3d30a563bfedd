"""The resources assets ask for: the MSD, Spotify, staging, the warehouse.

Thin: each turns settings into an object of a pure room, when it is used and not before. Which
settings go where is in `deployment`.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import ConfigurableResource, InitResourceContext
from pydantic import PrivateAttr

from music_assets.io_managers.s3 import S3Files
from music_assets.io_managers.store import SliceStore, fingerprint
from music_assets.warehouse.connect import open_warehouse
from music_assets.warehouse.engine import Warehouse

if TYPE_CHECKING:
    import pandas as pd

    from music_assets.sources.corrections import Corrections
    from music_assets.sources.msd import MsdRoot
    from music_assets.sources.spotify import Spotify, SpotifySettings


class StagingResource(ConfigurableResource[Any]):
    """Where staged files lie: a folder, or `s3://bucket/prefix`, its server and its encryption."""

    url: str
    s3_endpoint: str | None = None
    s3_sse: str | None = None

    def store(self) -> SliceStore:
        return SliceStore(self.url, endpoint=self.s3_endpoint, sse=self.s3_sse)


class WarehouseResource(ConfigurableResource[Any]):
    """The warehouse, by its SQLAlchemy URL, where its readers' copy goes, and how S3 is reached."""

    url: str
    published: str
    s3_endpoint: str | None = None
    s3_sse: str | None = None

    def open(self) -> Warehouse:
        files = S3Files(endpoint=self.s3_endpoint, sse=self.s3_sse)
        return open_warehouse(self.url, Path(self.published), files)


class ReportResource(ConfigurableResource[Any]):
    """Where the page goes that shows how the match went."""

    path: str


class CorrectionsResource(ConfigurableResource[Any]):
    """The files in which people say what they know of single tracks; each a path, or None for none."""

    overrides: str | None
    sid_mismatches: str | None
    msd_duplicates: str | None

    def read(self) -> "Corrections":
        """Read the files.

        Raises:
            CorrectionsError: a file that a setting names is missing or cannot be meant.
        """
        from music_assets.sources.corrections import Corrections, CorrectionsError

        files = {name: Path(path) for name, path in self.model_dump().items() if path}
        for name, path in files.items():
            if not path.is_file():
                setting = f"MUSIC_ASSETS_{name.upper()}"
                raise CorrectionsError(
                    f"{setting} names {path}, and there is no such file: mend the path, or unset {setting} "
                    "to do without."
                )
        return Corrections.read(**files)


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
        from music_assets.sandbox.msd import write_sample

        return MsdRoot.open(write_sample(Path(self.sample)))


class SpotifyResource(ConfigurableResource[Any]):
    """Spotify, by credentials (`api`) or played by the sandbox, with its ledger in the data folder.

    Credentials are read from the environment when the first question is asked; they are no field
    here, so no configuration or log ever shows them.
    """

    source: str
    data: str
    msd: MsdResource
    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _client: "Spotify | None" = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["SpotifyResource"]:
        with self._open:
            yield self
            self._client = None

    def client(self) -> "Spotify":
        """The client, opened with the first question: a run that asks nothing starts nothing."""
        if self._client is None:
            from music_assets.sources.spotify import Spotify, SqliteLedger

            folder = Path(self.data) / "ledger"
            folder.mkdir(parents=True, exist_ok=True)
            settings = self._sandbox() if self.source == "sandbox" else self._api()
            ledger = SqliteLedger(folder / f"{self.source}.sqlite", source=self.source)
            self._open.callback(ledger.close)
            self._client = self._open.enter_context(Spotify.open(settings, ledger))
        return self._client

    def _api(self) -> "SpotifySettings":
        from music_assets.sources.spotify import SpotifySettings

        return SpotifySettings(os.environ["SPOTIPY_CLIENT_ID"], os.environ["SPOTIPY_CLIENT_SECRET"])

    def _sandbox(self) -> "SpotifySettings":
        """Start the sandbox with a catalogue made of the MSD in use; it stops with this resource."""
        from music_assets.sandbox.process import running_sandbox
        from music_assets.sources.spotify import SpotifySettings

        mode = "extended"  # to show all there is
        address = self._open.enter_context(running_sandbox(self.sandbox_catalogue(), mode=mode))
        return SpotifySettings(
            address.client_id,
            address.client_secret,
            source="sandbox",
            mode=mode,
            base_url=address.base_url,
            token_url=address.token_url,
            requests_per_30s=None,
        )

    def sandbox_catalogue(self) -> Path:
        """The sandbox's catalogue, made of the MSD in use where that has changed since."""
        from music_assets.sandbox.catalogue import ensure_catalogue

        root = self.msd.root()
        path = Path(self.data) / "sandbox" / f"catalogue-{fingerprint(str(root.path))[:12]}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        directories = (
            (key, root.fingerprint(key), partial(_songs_of, root, key)) for key in root.partitions()
        )
        ensure_catalogue(path, directories)
        return path


def _songs_of(root: "MsdRoot", key: str) -> "pd.DataFrame":
    return root.read(key).songs
