"""The MSD, read: its tracks and, of the same files, its artists.

Reading itself is `music_assets.sources.msd`, and on how many cores `msd_partition`; here is what becomes an
asset and what is told of it.
"""

from collections.abc import Iterator
from functools import cache

from dagster import AssetExecutionContext, AssetSpec, Output, multi_asset

from music_assets.defs.assets.common import MSD, OWNERS, definition_metadata, listed, reporter, terms_of
from music_assets.defs.assets.msd_partition import Partition, PartitionReader
from music_assets.defs.partitions import backfill_policy, msd_directories
from music_assets.defs.resources import MsdResource
from music_assets.defs.slices import Made, Slices
from music_assets.sources.msd import MsdRoot, cores
from music_assets.staging.store import StagedFile, fingerprint
from music_assets.tables import STAGED

CODE_VERSION = "2"


def _spec(name: str, description: str) -> AssetSpec:
    return AssetSpec(
        name,
        description=description,
        group_name=MSD,
        owners=OWNERS,
        kinds={"hdf5", "python", "json"},
        tags=terms_of(STAGED[name]),
        code_version=CODE_VERSION,
        metadata=definition_metadata(STAGED[name]),
    ).with_io_manager_key("json_lines")


@multi_asset(
    name="read_msd",
    specs=[
        _spec(
            "msd_songs",
            "Every track of the Million Song Dataset: its metadata and analysis fields, a row a file. Files "
            "that cannot be read are set aside, named with their reason in the partition's metadata.",
        ),
        _spec(
            "msd_artists",
            "The artists of those tracks as this partition sees them, with the Echo Nest's and MusicBrainz' "
            "tags and similar artists. An artist's tracks lie in many partitions; `warehouse/msd/artists` "
            "brings them together.",
        ),
    ],
    can_subset=True,
    partitions_def=msd_directories,
    backfill_policy=backfill_policy,
)
def read_msd(context: AssetExecutionContext, msd: MsdResource) -> Iterator[Output[Slices]]:
    root = msd.root()
    with PartitionReader(root, msd.readers or cores()) as reader:

        @cache  # the artists are of the same files
        def made_from(key: str) -> str:
            return read_from(root, key)

        def songs_and_artists(key: str, before: StagedFile | None) -> Made:
            files = root.count(key)
            warnings = _warnings(key, files, before)
            for warning in warnings:
                context.log.warning(warning)
            return _songs(reader.read(key), files, warnings)

        def artists_alone(key: str, before: StagedFile | None) -> Made:
            return _artists(reader.read(key))

        make = {"msd_songs": songs_and_artists, "msd_artists": artists_alone}
        for name in ("msd_songs", "msd_artists"):
            if name in context.op_execution_context.selected_output_names:
                report = reporter(context, name)
                slices = Slices(context.partition_keys, made_from, make[name], report, expect=reader.expect)
                yield Output(slices, output_name=name)


def read_from(root: MsdRoot, key: str) -> str:
    """What a partition's songs and artists are made from: its files, and the code that reads them."""
    return fingerprint(root.fingerprint(key), CODE_VERSION)


def _songs(partition: Partition, files: int, warnings: list[str]) -> Made:
    facts = {
        "files": files,
        "songs": partition.songs,
        "set_aside": len(partition.set_aside),
        "set_aside_files": listed(partition.set_aside),
        "preview": partition.preview,
    }
    beside = {"msd_artists": _artists(partition)}
    return Made(partition.msd_songs, facts, {"reasons": warnings}, beside=beside)


def _artists(partition: Partition) -> Made:
    return Made(partition.msd_artists, {"artists": partition.artists})


def _warnings(key: str, files: int, before: StagedFile | None) -> list[str]:
    """What looks as if a part of the MSD were missing."""
    held = before.metadata.get("files", 0) if before else 0
    if files < held:
        return [f"Partition {key} has {files} MSD files, it had {held} before: is a part of the MSD missing?"]
    return [] if files else [f"Partition {key} has no MSD files: it is empty."]
