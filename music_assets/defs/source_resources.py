"""The resources of the sources without a key, and of the resolution that uses them beside Spotify.

Each source is opened with its first use, and None where it is skipped or, of a dump, where there is none. In
the sandbox all of them are its own. What they offer is in `music_assets.sources`; Spotify's resource, the
ledger's and the sandbox's are in `resources`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dagster import ResourceDependency
from pydantic import PrivateAttr

from music_assets.defs.resources import (
    ClosedWithTheRun,
    CorrectionsResource,
    SpotifyResource,
    StagingResource,
)
from music_assets.settings import ResolutionGroup, SourcesGroup
from music_assets.staging.partitions import read_rows

if TYPE_CHECKING:
    from music_assets.resolution import IdProvider, Resolver, SearchBacklog
    from music_assets.sources.echonest import EchoNestArchive
    from music_assets.sources.http import HttpClient, HttpPolicy, Unavailable
    from music_assets.sources.listenbrainz import Labs, ListenBrainz
    from music_assets.sources.reccobeats import ReccoBeats

Client = TypeVar("Client", bound="HttpClient")


class SourcesResource(ClosedWithTheRun, SourcesGroup):
    """The sources without a key: clients on the ledger, and the dumps in the folder of downloads."""

    data: str
    downloads: str
    command: str = ""  # what runs of one command line have in common: a source that is down for all of them
    spotify: ResourceDependency[SpotifyResource]
    _clients: dict[str, Any] = PrivateAttr(
        default_factory=dict
    )  # those that were opened, by their sources' names
    _archive: "EchoNestArchive | None" = PrivateAttr(default=None)
    _fetched: set[str] = PrivateAttr(default_factory=set)

    def reccobeats(self) -> "ReccoBeats | None":
        """Audio features and tracks by Spotify id."""
        from music_assets.sources.reccobeats import RECCOBEATS, ReccoBeats

        return self._client(ReccoBeats, RECCOBEATS)

    def labs(self) -> "Labs | None":
        """Spotify ids by a song's names."""
        from music_assets.sources.listenbrainz import LABS, Labs

        return self._client(Labs, LABS)

    def listenbrainz(self) -> "ListenBrainz | None":
        """Listens and listeners by MusicBrainz id."""
        from music_assets.sources.listenbrainz import LISTENBRAINZ, ListenBrainz

        return self._client(ListenBrainz, LISTENBRAINZ)

    def has_archive(self) -> bool:
        """Whether the mapping archive is to be used, and there; the sandbox has one."""
        from music_assets.sources.echonest import find_archive

        found = self.spotify.is_sandbox or find_archive(self.dump("echonest", fetch=False))
        return bool(found) and self.uses("echonest")

    def archive(self) -> "EchoNestArchive":
        """Spotify ids by MSD song, from the archive that is there.

        Raises:
            DownloadError: the sandbox does not give it.
            DumpError: it cannot be read, or is gone.
        """
        if self._archive is None:
            from music_assets.sources.echonest import EchoNestArchive, find_archive

            folder = self.dump("echonest")
            archive = EchoNestArchive.open(find_archive(folder) or folder, Path(self.data) / "ledger")
            self._archive = self._opened.enter_context(archive)
        return self._archive

    def archive_state(self) -> str:
        """What changes when another archive is in use; empty without one, and in the sandbox."""
        from music_assets.sources.echonest import find_archive

        path = find_archive(self.dump("echonest", fetch=False))
        if self.spotify.is_sandbox or not self.uses("echonest") or path is None:
            return ""
        state = path.stat()
        return f"{state.st_size}/{state.st_mtime_ns}"

    def request_counts(self) -> "Counter[str]":
        """Requests so far to the sources that were opened, by their names."""
        return Counter({name: client.requests for name, client in self._clients.items()})

    def requests_since(self, before: "Counter[str]") -> dict[str, int]:
        """Metadata of an asset: requests to each source since these were counted."""
        return {f"requests_to_{name}": count for name, count in (self.request_counts() - before).items()}

    def _client(self, client: "type[Client]", policy: "HttpPolicy") -> "Client | None":
        """A source's client, at its own address and rate or the sandbox's; closed with the run."""
        name, source = policy.kind, None
        if name not in self._clients and self.uses(name):
            if self.spotify.is_sandbox:
                url = self.spotify.sandbox.address().source_urls[name]
                policy, source = replace(policy, base_url=url, requests_per_second=None), "sandbox"
            ledger, outages = self.spotify.ledger.open(), _outages(self.command) if self.command else None
            opened = client(policy, ledger, source=source, outages=outages, clock=self.spotify.clock)
            self._clients[name] = self._opened.enter_context(opened)
        found: Client | None = self._clients.get(name)
        return found

    def dump(self, name: str, *, fetch: bool = True) -> Path:
        """The folder of a source's dump among the downloads; the sandbox's is fetched first.

        Raises:
            DownloadError: the sandbox does not give it.
        """
        downloads = Path(self.downloads)
        if fetch and self.spotify.is_sandbox and name not in self._fetched:
            from music_assets.sources.download import download_dump

            base = self.spotify.sandbox.address().source_urls[name]
            for file in (downloads / name).glob("*.bz2"):
                file.unlink()  # it has no checksum that would tell that the songs are others now
            download_dump(name, downloads, base_url=base, tries=2, pause=0.1)
            self._fetched.add(name)
        return downloads / name


@cache
def _outages(command: str) -> "dict[str, Unavailable]":
    """What a command has found down so far, for all of its runs."""
    return {}


class ResolutionResource(ClosedWithTheRun, ResolutionGroup):
    """Which songs are open, and the resolver that works on them."""

    data: str
    only_listed: bool = False  # whether the songs of `tracks` alone are resolved
    spotify: ResourceDependency[SpotifyResource]
    sources: ResourceDependency[SourcesResource]
    corrections: CorrectionsResource
    staging: StagingResource
    _backlog: "SearchBacklog | None" = PrivateAttr(default=None)
    _providers: "list[IdProvider] | None" = PrivateAttr(default=None)

    def backlog(self) -> "SearchBacklog":
        """The songs with the state of their search, those of the list of tracks first."""
        if self._backlog is None:
            from music_assets.priority_list import read_priority_list
            from music_assets.resolution import SearchBacklog

            # Up to commit b89238b the backlog was a file of its own.
            for old in (Path(self.data) / "ledger").glob(f"{self.spotify.ledger.source}.songs.sqlite*"):
                old.unlink(missing_ok=True)
            backlog = SearchBacklog(self.spotify.ledger.open(), only_priority=self.only_listed)
            backlog.follow_market(self.spotify.market)
            backlog.prioritize(read_priority_list(Path(self.tracks)) if self.tracks else [])
            self._backlog = backlog
        return self._backlog

    def lookups(self) -> str:
        """What songs are looked up in before Spotify is searched: another text where that has changed."""
        from music_assets.sources.ledger import MISSES_HOLD

        return " ".join(
            [
                self.spotify.source,
                self.spotify.market or "",
                *(
                    name
                    for name in ("echonest", "labs", "musicbrainz", "reccobeats")
                    if self.sources.uses(name)
                ),
                "artists" if self.sources.uses("reccobeats") else "",
                self.sources.archive_state(),
                str(int(self.spotify.clock() // MISSES_HOLD.total_seconds())),
            ]
        )

    def resolver(self, progress: "Callable[[int, int], None] | None" = None) -> "Resolver":
        """What resolves the songs of the backlog, the cheapest source first."""
        from music_assets.resolution import Resolver

        if self._providers is None:
            self._providers = list(self._id_providers())
        return Resolver(
            self.spotify.catalog(),
            self.backlog(),
            providers=self._providers,
            reccobeats=self.sources.reccobeats() if self._providers else None,
            lookups=self.lookups(),
            progress=progress,
        )

    def _id_providers(self) -> "Iterator[IdProvider]":
        """Who knows ids, those first that cost no request; nobody where nothing could verify them."""
        from music_assets.resolution.id_providers import EchoNestIds, Isrcs, LabsIds

        if not self.sources.uses("reccobeats") and self.spotify.source == "off":
            return
        if self.sources.has_archive():
            from music_assets.sources.corrections import read_sid_mismatches

            mismatches = self.corrections.sid_mismatches
            wrong = read_sid_mismatches(Path(mismatches)).by_track if mismatches else ()
            yield EchoNestIds(self.sources.archive, wrong)
        if self.sources.uses("musicbrainz"):
            yield Isrcs(cache(self._isrcs))
        if labs := self.sources.labs():
            yield LabsIds(labs)

    def _isrcs(self, partition: str) -> dict[str, list[str]]:
        """Spotify ids and ISRCs of a partition's recordings by MSD track; none without the full dump."""
        store = self.staging.store()
        file = store.staged_file("musicbrainz_recordings", partition)
        rows = read_rows(store, file) if file and file.rows else []
        found = {row["track_id"]: [*(row["spotify_track_ids"] or ()), *(row["isrcs"] or ())] for row in rows}
        return {track_id: ids for track_id, ids in found.items() if ids}
