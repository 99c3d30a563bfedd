"""The open dumps as a resource: MusicBrainz's and AcousticBrainz's, where they were downloaded.

Here: which dump files are in use. How they are downloaded is `music_assets.sources.download`, how they are
read `music_assets.sources.musicbrainz` and `music_assets.sources.acousticbrainz`.
"""

from pathlib import Path
from typing import Any

from dagster import ConfigurableResource


class DumpsResource(ConfigurableResource[Any]):
    """The folder of downloads (`MUSIC_ASSETS_DOWNLOADS`), and where indexes of its dumps go."""

    folder: str
    indexes: str
    source: str

    def missing(self, name: str) -> list[str]:
        """How to get a dump that is not there, in one line; nothing where it is there."""
        there = Path(self.folder) / name
        if self.source == "sandbox" or (there.is_dir() and any(there.iterdir())):
            return []
        return [f"There is no {name} dump in {there}: `music-assets download {name}` gets it."]
