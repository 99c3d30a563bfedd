"""The open dumps as a resource: MusicBrainz's and AcousticBrainz's, where they were downloaded.

Here: which dumps are in use, and what is said where one is not there. How they are downloaded is
`music_assets.sources.download`, how they are read `music_assets.sources.musicbrainz` and
`music_assets.sources.acousticbrainz`; the other sources without a key are in `source_resources`.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dagster import ResourceDependency

from music_assets.defs.resources import ClosedWithTheRun
from music_assets.defs.source_resources import SourcesResource

if TYPE_CHECKING:
    from music_assets.sources.acousticbrainz import AcousticBrainz
    from music_assets.sources.musicbrainz import MusicBrainz

DUMPS = ("musicbrainz", "acousticbrainz", "echonest")  # what `music-assets download` gets for runs


class DumpsResource(ClosedWithTheRun):
    """The dumps in the folder of downloads, and the folder of the indexes that are made of them.

    The sandbox's are fetched from it when they are used.
    """

    indexes: str
    sources: ResourceDependency[SourcesResource]

    @property
    def _is_sandbox(self) -> bool:
        return self.sources.spotify.is_sandbox

    def source_of(self, name: str) -> str:
        """What rows from a dump say of where they come from."""
        return "sandbox" if self._is_sandbox else name

    def missing(self, name: str) -> list[str]:
        """How to get a dump that is in use and not there, in one line; nothing else."""
        if self._is_sandbox or not self.sources.uses(name) or self.identity(name):
            return []
        folder = self.sources.dump(name, fetch=False)
        return [f"There is no {name} dump in {folder}: `music-assets download {name}` gets it."]

    def identity(self, name: str) -> str:
        """What changes when other files of a dump are in use; empty without any."""
        if not self.sources.uses(name):
            return ""
        if self._is_sandbox:  # the same for the same songs
            return "sandbox"
        if name == "echonest":
            return self.sources.archive_state()
        from music_assets.sources.acousticbrainz import find_files
        from music_assets.sources.dumps import identity
        from music_assets.sources.musicbrainz import MusicBrainzFiles

        folder = self.sources.dump(name, fetch=False)
        if name == "musicbrainz":
            files = MusicBrainzFiles.find(folder)
            return files.identity if files else ""
        found = find_files(folder)
        return identity(found) if found else ""

    def musicbrainz(self) -> "MusicBrainz | None":
        """MusicBrainz's dump, opened; None where it is not there or not to be used.

        Raises:
            DumpError: it is there and cannot be used.
        """
        if not self.identity("musicbrainz"):
            return None
        from music_assets.sources.download import DownloadError
        from music_assets.sources.musicbrainz import MusicBrainz, MusicBrainzFiles

        folder = self.sources.dump("musicbrainz")
        if self._is_sandbox and self.sources.uses("echonest"):
            with suppress(DownloadError):  # the mapping of 2016 comes with the archive
                self.sources.dump("echonest")
        files = MusicBrainzFiles.find(folder)
        return self._opened.enter_context(MusicBrainz.open(files, self._cache())) if files else None

    def acousticbrainz(self) -> "AcousticBrainz | None":
        """AcousticBrainz's dump, as above."""
        if not self.identity("acousticbrainz"):
            return None
        from music_assets.sources.acousticbrainz import AcousticBrainz, find_files

        files = find_files(self.sources.dump("acousticbrainz"))
        return self._opened.enter_context(AcousticBrainz.open(files, self._cache())) if files else None

    def _cache(self) -> Path:
        return Path(self.indexes) / ("sandbox" if self._is_sandbox else "")
