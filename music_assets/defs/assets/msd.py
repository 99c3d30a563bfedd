"""The MSD's tracks and, from the same files, its artists.

Reading files is `music_assets.sources.msd`, reading and encoding a partition `msd_partition`; here is the
stage.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from dagster import BetaWarning, DataVersionsByPartition, observable_source_asset

from music_assets.defs.assets.common import MSD, listed
from music_assets.defs.assets.msd_partition import EncodedPartition, read_partition
from music_assets.defs.partitions import msd_directories
from music_assets.defs.resources import MsdResource
from music_assets.defs.stages import Partition, stage
from music_assets.sources.msd import cores, read_partitions
from music_assets.staging.partitions import Staged

Reader = Callable[[str], tuple[EncodedPartition, int]]


def files_as_they_are(msd: MsdResource) -> Callable[[str], str]:
    """The rows depend on the names, sizes and times of a partition's files."""
    return msd.root().fingerprint


# Both are beta, as every start would say.
for _beta in ("Function `observable_source_asset`", "Class `DataVersionsByPartition`"):
    warnings.filterwarnings("ignore", message=_beta, category=BetaWarning)


@observable_source_asset(
    partitions_def=msd_directories,
    group_name=MSD,
    tags={"terms": "msd"},
    description=(
        "The files of the Million Song Dataset, as they were downloaded. Observing looks at names, sizes and "
        "times: where they changed, `msd_songs` is out of date."
    ),
)
def msd_files(msd: MsdResource) -> DataVersionsByPartition:
    root = msd.root()
    return DataVersionsByPartition({key: root.fingerprint(key) for key in root.partitions()})


@contextmanager
def reading_ahead(keys: Sequence[str], msd: MsdResource) -> Iterator[Reader]:
    """A function that reads these partitions in their order and says how many files each has.

    With many files worker processes read ahead.
    """
    root = msd.root()
    with closing(read_partitions(root, keys, cores(), read_partition)) as partitions:

        def read(key: str) -> tuple[EncodedPartition, int]:
            found, partition = next(partitions)
            assert found == key, f"partition {found} was read, {key} was expected"
            return partition, root.count(key)

        yield read


@stage(
    "read_msd",
    outputs=("msd_songs", "msd_artists"),
    after=("msd_files",),
    observed="msd_files",
    version="2",
    depends_on=files_as_they_are,
    session=reading_ahead,
    attributes={
        "group": MSD,
        "kinds": {"hdf5", "python"},
        "descriptions": {
            "msd_songs": (
                "Every track of the Million Song Dataset: its metadata and analysis fields, one row per "
                "file. Files that cannot be read are set aside, named with their reason in the partition's "
                "metadata."
            ),
            "msd_artists": (
                "The artists of those tracks as this partition sees them, with the Echo Nest's and "
                "MusicBrainz' tags and similar artists. An artist's tracks are in many partitions; "
                "`warehouse/msd/artists` combines them."
            ),
        },
    },
)
def read_msd(partition: Partition, session: Reader) -> Mapping[str, Staged]:
    read, files = session(partition.key)
    before = partition.previous.metadata.get("files", 0) if partition.previous else 0
    songs = {
        "files": files,
        "songs": read.songs,
        "set_aside": len(read.set_aside),
        "set_aside_files": listed(read.set_aside),
        "preview": read.preview,
    }
    reasons = [*missing_files(partition.key, files, before), *listed(read.notes)]
    return {
        "msd_songs": Staged(read.msd_songs, songs, {"reasons": reasons}),
        "msd_artists": Staged(read.msd_artists, {"artists": read.artists}),
    }


def missing_files(key: str, files: int, before: int) -> list[str]:
    """What looks as if a part of the MSD were missing."""
    if files < before:
        return [
            f"Partition {key} has {files} MSD files, it had {before} before: is a part of the MSD missing?"
        ]
    return [] if files else [f"Partition {key} has no MSD files: it is empty."]
