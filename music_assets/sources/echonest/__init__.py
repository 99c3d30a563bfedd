"""The Echo Nest mapping archive: the ids elsewhere that The Echo Nest knew for the MSD's songs in 2016.

What it offers   `EchoNestArchive.open` on the archive (`millionsongdataset_echonest.tar.bz2`, 461 MB) or on
                 the folder it unpacks to; then `ids_of(song_ids)`.
Shapes           by MSD *song* id (`SO…`, never the track id), Spotify track ids in the archive's order, each
                 with the name and id of its album (about 700,000 songs have one, often several), and
                 MusicBrainz ids of recordings.
Limits           none: the file is local. A compressed archive cannot be read at random, so it is read once,
                 for some minutes, into an index in a cache folder.
Terms            published by AcousticBrainz / the Music Technology Group (2016) without a licence of its own;
                 https://labs.acousticbrainz.org/million-song-dataset-echonest-archive. Not validated by its
                 authors: ids may be wrong, and some are dead. Verify each before use.
Errors           `DumpError` (`music_assets.sources.dumps`). Members that cannot be parsed are left out.
"""

from music_assets.sources.echonest.archive import EchoNestArchive, SongIds, find_archive

__all__ = ["EchoNestArchive", "SongIds", "find_archive"]
