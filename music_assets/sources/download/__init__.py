"""Getting files: the MSD's subset, unpacked safely and counted, its summary file, the dumps of open data.

What it offers: `get_subset` fetches the 10,000-song subset and unpacks it into a folder that works as an
MSD root. `count_msd` counts how much of an MSD, the full million or the subset, is there. `download_dump`
fetches the newest dump of MusicBrainz, of AcousticBrainz, the Echo Nest archive, or the MSD's summary file.

Terms of the MSD: research, non-commercial; no checksum of the subset has been published. Errors are
`DownloadError`s.

Reading the files is in `music_assets.sources.msd`; the progress bars are in `music_assets.cli.download`.
"""

from music_assets.sources.download.archive import BadArchive, unpack_songs
from music_assets.sources.download.completeness import FULL_SET, SUBSET, count_msd
from music_assets.sources.download.dumps import DUMPS, download_dump
from music_assets.sources.download.http_file import DownloadError, FetchFailed, Progress, fetch
from music_assets.sources.download.subset import ADDRESSES, Downloaded, get_subset

__all__ = [
    "ADDRESSES",
    "DUMPS",
    "FULL_SET",
    "SUBSET",
    "BadArchive",
    "DownloadError",
    "Downloaded",
    "FetchFailed",
    "Progress",
    "count_msd",
    "download_dump",
    "fetch",
    "get_subset",
    "unpack_songs",
]
