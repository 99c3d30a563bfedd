"""The resources assets ask for: the MSD, Spotify, staging, the warehouse.

Thin: each turns settings into an object of a pure room, when it is used and not before. Which
settings go where is in `deployment`.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import ConfigurableResource, InitResourceContext
from pydantic import PrivateAttr

from music_assets.staging.s3 import S3Files
from music_assets.staging.store import StagingStore, fingerprint
from music_assets.warehouse.connect import open_warehouse
from music_assets.warehouse.engine import Warehouse

if TYPE_CHECKING:
    import pandas as pd
    from dagster import DagsterInstance

    from music_assets.resolution import IdProvider, Resolver, SearchBacklog
    from music_assets.sandbox.process import SandboxAddress
    from music_assets.sources.corrections import Corrections
    from music_assets.sources.ledger import Ledger
    from music_assets.sources.msd import MsdRoot
    from music_assets.sources.reccobeats import ReccoBeats
    from music_assets.sources.spotify import SpotifyCatalog, SpotifySettings


class StagingResource(ConfigurableResource[Any]):
    """Where staged files lie: a folder, or `s3://bucket/prefix`, its server and its encryption."""

    url: str
    s3_endpoint: str | None = None
    s3_sse: str | None = None

    def store(self) -> StagingStore:
        return StagingStore(self.url, endpoint=self.s3_endpoint, sse=self.s3_sse)


class WarehouseResource(ConfigurableResource[Any]):
    """The warehouse, by its SQLAlchemy URL, where its readers' copy goes, and how S3 is reached.

    The URL holds no password: configurations are shown. This process keeps it (`without_password`).
    """

    url: str
    published: str
    s3_endpoint: str | None = None
    s3_sse: str | None = None
    redshift_iam_role: str = "default"

    def open(self) -> Warehouse:
        files = S3Files(endpoint=self.s3_endpoint, sse=self.s3_sse)
        return open_warehouse(self.url, Path(self.published), files, self.redshift_iam_role)


class RefreshResource(ConfigurableResource[Any]):
    """How much a day's refresh may spend: a share of the requests left, or a number where there is no limit.

    An artist's releases are asked for once in `releases_every_days` days.
    """

    share: float
    requests: int
    releases_every_days: int


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
    """The MSD files in use: the root at `path`, or the generated sample where there is none.

    `readers` is how many processes read many files; None is one a core.
    """

    path: str | None
    sample: str
    readers: int | None = None

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


class SpotifyResource(ConfigurableResource[Any]):
    """Spotify, by credentials (`api`) or played by the sandbox, with its ledger; ReccoBeats beside it.

    Credentials are read from the environment when the first question is asked; they are no field
    here, so no configuration or log ever shows them. What the fields mean is in `deployment`.
    """

    source: str
    data: str
    msd: MsdResource
    ledger: str
    mode: str
    requests_per_30s: int | None
    requests_per_day: int | None
    queries: int
    artist_gets: bool
    features_from: str
    sandbox_url: str | None
    by_release: bool
    tracks: str | None
    echonest: str | None
    ask_listenbrainz: bool
    verify_ids: bool
    sid_mismatches: str | None
    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _run_id: str | None = PrivateAttr(default=None)
    _ledger: "Ledger | None" = PrivateAttr(default=None)
    _address: "SandboxAddress | None" = PrivateAttr(default=None)
    _client: "SpotifyCatalog | None" = PrivateAttr(default=None)
    _reccobeats: "ReccoBeats | None" = PrivateAttr(default=None)
    _index: "SearchBacklog | None" = PrivateAttr(default=None)
    _elsewhere: "list[IdProvider] | None" = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["SpotifyResource"]:
        self._run_id = context.run.run_id if context.run else None
        with self.opened():
            try:
                yield self
            finally:
                if self._client and context.instance:
                    _mark_dead(context.instance, self._client.predecessor)

    @contextmanager
    def opened(self) -> Iterator["SpotifyResource"]:
        """For use outside a run: whatever is opened by then is closed at the end."""
        with self._open:
            yield self
            self._client = self._reccobeats = self._ledger = self._address = None
            self._index = self._elsewhere = None

    def clock(self) -> float:
        """Seconds since 1970; a simulation has its own."""
        return time.time()

    def answers(self) -> "Ledger":
        """The ledger."""
        if self._ledger is None:
            from music_assets.sources.ledger import open_ledger

            self._ledger = open_ledger(self.ledger, source=self.source)
            self._open.callback(self._ledger.close)
        return self._ledger

    def client(self) -> "SpotifyCatalog":
        """The client, opened with the first question: a run that asks nothing starts nothing."""
        if self._client is None:
            from music_assets.sources.spotify import SpotifyCatalog

            settings = self._sandbox() if self.source == "sandbox" else self._api()
            note = {"run_id": self._run_id} if self._run_id else {}
            client = SpotifyCatalog.open(settings, self.answers(), note=note, clock=self.clock)
            self._client = self._open.enter_context(client)
        return self._client

    def reccobeats(self) -> "ReccoBeats | None":
        """ReccoBeats, which gives audio features to those whom Spotify refuses them; None if not wanted."""
        if self.features_from != "reccobeats":
            return None
        if self._reccobeats is None:
            from music_assets.sources.reccobeats import RECCOBEATS, ReccoBeats

            policy, source = RECCOBEATS, "reccobeats"
            if self.source == "sandbox":
                at = self.sandbox().reccobeats_url
                policy, source = replace(policy, base_url=at, requests_per_second=None), "sandbox"
            client = ReccoBeats(policy, self.answers(), source=source)
            self._reccobeats = self._open.enter_context(client)
        return self._reccobeats

    def index(self) -> "SearchBacklog":
        """The songs as far as asking goes, those of the list of tracks first."""
        if self._index is None:
            from music_assets.resolution import SearchBacklog, read_priority_list

            # Up to commit b89238b the backlog was a file of its own.
            for old in (Path(self.data) / "ledger").glob(f"{self.source}.songs.sqlite*"):
                old.unlink(missing_ok=True)
            index = SearchBacklog(self.answers())
            index.prioritize(read_priority_list(Path(self.tracks)) if self.tracks else [])
            self._index = index
        return self._index

    def resolver(self, progress: "Callable[[int, int], None] | None" = None) -> "Resolver":
        """What resolves the songs of the backlog."""
        from music_assets.resolution import Resolver

        if self._elsewhere is None:
            self._elsewhere = list(self._id_sources())
        return Resolver(
            self.client(),
            self.index(),
            providers=self._elsewhere,
            progress=progress,
        )

    def _id_sources(self) -> "Iterator[IdProvider]":
        from music_assets.resolution.id_providers import EchoNestIds, ListenBrainzIds

        if self.echonest:
            from music_assets.sources.corrections import read_sid_mismatches
            from music_assets.sources.echonest import EchoNestArchive

            archive = EchoNestArchive.open(Path(self.echonest), Path(self.data) / "ledger")
            self._open.callback(archive.close)
            mismatched = (
                read_sid_mismatches(Path(self.sid_mismatches)).by_track if self.sid_mismatches else ()
            )
            yield EchoNestIds(archive, mismatched)
        if self.ask_listenbrainz:
            from music_assets.sources.listenbrainz import LISTENBRAINZ, ListenBrainz

            policy = LISTENBRAINZ
            if self.source == "sandbox":
                policy = replace(policy, base_url=self.sandbox().listenbrainz_url, requests_per_second=None)
            yield ListenBrainzIds(self._open.enter_context(ListenBrainz(policy, self.answers())))

    def _api(self) -> "SpotifySettings":
        from music_assets.sources.spotify import SpotifySettings

        return SpotifySettings(
            os.environ["SPOTIPY_CLIENT_ID"], os.environ["SPOTIPY_CLIENT_SECRET"], **self._manners()
        )

    def _sandbox(self) -> "SpotifySettings":
        from music_assets.sources.spotify import SpotifySettings

        at = self.sandbox()
        return SpotifySettings(
            at.client_id,
            at.client_secret,
            source="sandbox",
            base_url=at.base_url,
            token_url=at.token_url,
            **self._manners(),
        )

    def _manners(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "requests_per_30s": self.requests_per_30s,
            "requests_per_day": self.requests_per_day,
        }

    def sandbox(self) -> "SandboxAddress":
        """The sandbox: the one that runs already, or one of our own, which stops with this resource.

        Ours has extended access unless the settings say otherwise: to show all there is.
        """
        if self._address is None:
            from music_assets.sandbox.process import address_of, running_sandbox

            if self.sandbox_url is not None:
                self._address = address_of(self.sandbox_url)
            else:
                mode = "extended" if self.mode == "auto" else self.mode
                started = running_sandbox(self.sandbox_catalogue(), mode=mode)
                self._address = self._open.enter_context(started)
        return self._address

    def sandbox_catalogue(self) -> Path:
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


def _songs_of(root: "MsdRoot", key: str) -> "pd.DataFrame":
    return root.read(key).songs


def _mark_dead(instance: "DagsterInstance", predecessor: dict[str, Any] | None) -> None:
    """Have Dagster know that a run has failed whose process died while it held the right to spend."""
    run = instance.get_run_by_id(str((predecessor or {}).get("run_id", "")))
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, "Its process was killed while it asked Spotify. Another goes on.")
