"""MusicBrainz, offline: the recordings that a song may be, from the dumps of the MetaBrainz Foundation.

What it offers   `MusicBrainz.open` on the files in use, then `candidates(songs)`: recordings by the artist's
                 MusicBrainz id or name with a like title, those that the 2016 mapping of the MSD names, and
                 those that a song comes with.
Shapes           the canonical dump (`musicbrainz-canonical-dump-….tar.zst`, or what it unpacks to): one
                 recording per artist credit and title, the lowest `score` being the most canonical. It has
                 no lengths, disambiguations or ISRCs. `msd-mbid-2016-01-results-ab.csv.bz2` (MSD id, MBID,
                 title, artist; no header) is further evidence. `mbdump.tar.bz2`, the full dump, adds ISRCs
                 and links to Spotify.
Limits           none: files are local. Each is read once, into an index of about its unpacked size in a cache
                 folder; while it is built the unpacked files (7 GB of the canonical dump) are beside it.
Terms            CC0. https://musicbrainz.org/doc/MusicBrainz_Database/Download
Errors           `DumpError` (`music_assets.sources.dumps`). Rows that are odd are set aside and counted.

Which candidate is the song is decided in `music_assets.resolution.recordings`.
"""

from music_assets.sources.musicbrainz.candidates import MusicBrainz, Recording, WantedSong
from music_assets.sources.musicbrainz.files import MusicBrainzFiles

__all__ = ["MusicBrainz", "MusicBrainzFiles", "Recording", "WantedSong"]
