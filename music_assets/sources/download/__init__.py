"""Getting the MSD's files: fetch an archive, unpack its songs safely, see that all is there.

What it offers: `get_subset` fetches the 10,000-song subset and unpacks it into a folder that works as
an MSD root; `fetch` (one file over HTTP, resumed where it broke off) and `unpack_songs` (the songs of
a tar archive, and nothing else of it) are its two halves. `count_msd` says what of an MSD lies below
a folder, the full million or the subset. Errors are `errors`, all of them `DownloadError`.

Terms of the data: research, non-commercial. Where the subset lies is in `subset`; no checksum of it has
been published.

Reading the files is in `music_assets.sources.msd`; how progress looks is in `music_assets.cli.download`.
"""

from music_assets.sources.download.complete import FULL_SET, SUBSET, MsdCount, Size, count_msd
from music_assets.sources.download.errors import (
    BrokenArchive,
    ChecksumMismatch,
    DownloadError,
    Incomplete,
    NotAnArchive,
    NotEnoughSpace,
    Refused,
    TargetInUse,
    TooLarge,
    UnusableAddress,
)
from music_assets.sources.download.fetch import Fetched, fetch
from music_assets.sources.download.subset import ADDRESSES, Got, get_subset
from music_assets.sources.download.unpack import Limits, Unpacked, unpack_songs

__all__ = [
    "ADDRESSES",
    "FULL_SET",
    "SUBSET",
    "BrokenArchive",
    "ChecksumMismatch",
    "DownloadError",
    "Fetched",
    "Got",
    "Incomplete",
    "Limits",
    "MsdCount",
    "NotAnArchive",
    "NotEnoughSpace",
    "Refused",
    "Size",
    "TargetInUse",
    "TooLarge",
    "Unpacked",
    "UnusableAddress",
    "count_msd",
    "fetch",
    "get_subset",
    "unpack_songs",
]
