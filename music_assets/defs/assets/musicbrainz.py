"""The MusicBrainz recording of each song, and what AcousticBrainz heard in it: open data, from dumps.

No request is sent here. How a dump is read is in `music_assets.sources.musicbrainz` and
`music_assets.sources.acousticbrainz`; how a song is linked in `music_assets.resolution.recordings`.
"""

from __future__ import annotations

from collections.abc import Callable

from music_assets.defs.assets.common import OPEN
from music_assets.defs.dumps import DumpsResource
from music_assets.defs.stages import stage
from music_assets.staging.partitions import Metadata, Staged
from music_assets.staging.rows import Row
from music_assets.staging.store import StagedFile

VERSION = "1"


def musicbrainz_in_use(dumps: DumpsResource) -> Callable[[str], str]:
    """The rows depend on the dump."""
    return lambda key: " ".join(dumps.missing("musicbrainz"))


def musicbrainz_missing(file: StagedFile, dumps: DumpsResource) -> Metadata:
    """How to get the dump is said with every run."""
    return {"reasons": dumps.missing("musicbrainz")}


@stage(
    "musicbrainz_recordings",
    inputs=("msd_songs",),
    version=VERSION,
    depends_on=musicbrainz_in_use,
    when_unchanged=musicbrainz_missing,
    attributes={"group": OPEN, "kinds": {"duckdb", "python"}},
    description=(
        "The MusicBrainz recording that each MSD track is, with the method and its score: within the "
        "artist's MusicBrainz id first, then by the artist's name; versions must agree. From the canonical "
        "dump (CC0), without a request. Lengths are not compared, since the dump has none."
    ),
)
def musicbrainz_recordings(msd_songs: list[Row], dumps: DumpsResource) -> Staged:
    return Staged([], {"songs": len(msd_songs), "linked": 0}, {"reasons": dumps.missing("musicbrainz")})


def acousticbrainz_in_use(dumps: DumpsResource) -> Callable[[str], str]:
    """The rows depend on the dump."""
    return lambda key: " ".join(dumps.missing("acousticbrainz"))


def acousticbrainz_missing(file: StagedFile, dumps: DumpsResource) -> Metadata:
    """How to get the dump is said with every run."""
    return {"reasons": dumps.missing("acousticbrainz")}


@stage(
    "acousticbrainz_features",
    inputs=("musicbrainz_recordings",),
    version=VERSION,
    depends_on=acousticbrainz_in_use,
    when_unchanged=acousticbrainz_missing,
    attributes={"group": OPEN, "kinds": {"duckdb", "python"}},
    description=(
        "What AcousticBrainz heard in the partition's recordings: tempo, key, danceability (its own scale), "
        "loudness, each the median of all submissions. From its last dump, of 2022 (CC0), without a request."
    ),
)
def acousticbrainz_features(musicbrainz_recordings: list[Row], dumps: DumpsResource) -> Staged:
    recordings = {row["recording_mbid"] for row in musicbrainz_recordings}
    return Staged([], {"recordings": len(recordings)}, {"reasons": dumps.missing("acousticbrainz")})
