"""The Million Song Dataset (MSD): metadata and audio analysis of a million songs of up to 2010.

What it offers: HDF5 files of one song each (`A/B/C/TRABC….h5`, after letters of the track id), and
aggregate and summary files of many, with title, artist, release, year, analysis, the artist's tags
and similar artists. `read_msd` and `read_songs` read files; `MsdRoot` finds them, partition by
partition, and `read_partitions` reads partitions on all cores; `read_analysis` and `iter_analysis` give the
arrays of the audio analysis. What cannot be read is returned as `SetAside`; only an unusable root raises,
`MsdRootError`, a worker process that is killed, `WorkerDied`, and `read_analysis`, `AnalysisError`.

Home: http://millionsongdataset.com. Terms: research, non-commercial. To cite: T. Bertin-Mahieux,
D. P. W. Ellis, B. Whitman, P. Lamere, "The Million Song Dataset", ISMIR 2011.

Inside: `layout` (how files are laid out), `fields` (which fields become columns), `hdf5` (one file to
`records`), `columns` (records to frames), `reader` (many files), `root` (one partition), `partitions` (many),
`analysis` (arrays).
"""

from music_assets.sources.msd.analysis import (
    ANALYSIS_FIELDS,
    Analysis,
    AnalysisError,
    iter_analysis,
    read_analysis,
)
from music_assets.sources.msd.errors import MsdRootError, SetAside, WorkerDied
from music_assets.sources.msd.fields import ARTIST_COLUMNS, SONG_COLUMNS
from music_assets.sources.msd.partitions import MANY_FILES, cores, read_partitions
from music_assets.sources.msd.reader import MsdRead, read_msd, read_songs
from music_assets.sources.msd.root import MsdRoot

__all__ = [
    "ANALYSIS_FIELDS",
    "ARTIST_COLUMNS",
    "MANY_FILES",
    "SONG_COLUMNS",
    "Analysis",
    "AnalysisError",
    "MsdRead",
    "MsdRoot",
    "MsdRootError",
    "SetAside",
    "WorkerDied",
    "cores",
    "iter_analysis",
    "read_analysis",
    "read_msd",
    "read_partitions",
    "read_songs",
]
