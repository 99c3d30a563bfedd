"""The MSD's companion sets: what others made for its tracks, from the files that their sites give.

What it offers   `Companion.open(files, cache)` indexes the files, and `rows` gives what they have of tracks:
                 genres (tagtraum), tags (Last.fm), groups of covers (SecondHandSongs), plays (Taste Profile),
                 word counts of lyrics (musiXmatch). Files are used as they were downloaded, in a ZIP or not.
Limits           no request is sent: put the files into one folder. One that is not there contributes nothing.
Terms            each set's own, for research: `music_assets.tables.terms`, with how to cite it.
Errors           `DumpError`s of `sources.dumps`: a file that is there cannot be used. Lines that cannot be
                 parsed are set aside and counted.

Inside: `sets` (the declarations), `readers` (one file to rows), `index` (many files to an index).
"""

from music_assets.sources.companion.index import Companion, find_files
from music_assets.sources.companion.sets import SETS, CompanionSet

__all__ = ["SETS", "Companion", "CompanionSet", "find_files"]
