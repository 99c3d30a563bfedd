"""Getting the MSD's files: fetch an archive, unpack its songs safely, count what is there.

What it offers: `get_subset` fetches the 10,000-song subset and unpacks it into a folder that works as an
MSD root. `count_msd` counts how much of an MSD, the full million or the subset, is there.

Terms of the data: research, non-commercial. No checksum of the subset has been published. Errors are
`DownloadError`s.

Reading the files is in `music_assets.sources.msd`; the progress bars are in `music_assets.cli.download`.
"""

from music_assets.sources.download.archive import BadArchive, unpack_songs
from music_assets.sources.download.completeness import FULL_SET, SUBSET, count_msd
from music_assets.sources.download.http_file import DownloadError, FetchFailed, Progress, fetch
from music_assets.sources.download.subset import ADDRESSES, Downloaded, get_subset

__all__ = [
    "ADDRESSES",
    "FULL_SET",
    "SUBSET",
    "BadArchive",
    "DownloadError",
    "Downloaded",
    "FetchFailed",
    "Progress",
    "count_msd",
    "fetch",
    "get_subset",
    "unpack_songs",
]
