"""AcousticBrainz, offline: what its users' computers heard in recordings, until it closed in 2022.

What it offers   `AcousticBrainz.open` on the folder of downloads, then `features(mbids)`.
Shapes           the last dump: `…-rhythm`, `…-tonal` and `…-lowlevel.tar.zst` (or what they unpack to), each
                 one CSV of a row per submission (`mbid, submission_offset, …`). Of a recording's submissions
                 the median is taken, and the most frequent key. Danceability is 0 to about 3, loudness 0 to
                 1.
Limits           none: files are local (2.8 GB). They are read once, into an index in a cache folder; while it
                 is built one unpacked file (up to some 5 GB) is beside it.
Terms            CC0. https://acousticbrainz.org/download
Errors           `DumpError` (`music_assets.sources.dumps`). Rows that are odd are set aside and counted.
"""

from music_assets.sources.acousticbrainz.features import AcousticBrainz, find_files

__all__ = ["AcousticBrainz", "find_files"]
