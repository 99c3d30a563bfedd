"""ListenBrainz: which Spotify ids its Labs know for a song's artist, release and title.

What it offers   `ListenBrainz.spotify_ids`: candidates for MSD songs, in batches, from the ledger first.
Shapes           a list of Spotify track ids per song, those ListenBrainz ranks best first. Nothing else is
                 known of them: whether one is the song is to be verified.
Limits           no key; artist, release and title are all needed, and compared exactly once accents, case
                 and signs are gone. Neither a rate nor a batch size is published.
Terms            https://listenbrainz.org/terms-of-service: an experiment of the MetaBrainz Foundation's,
                 which may change or end any day; who requests a lot is expected to support it.
Errors           none of its own: a source that is down or asks for a pause leaves songs `pending`, with the
                 reason and the time (`music_assets.sources.http`). The ledger's errors pass through.

It was built from ListenBrainz's published code and could not be tried live; the server that stands in for it
is in `music_assets.sandbox`.
"""

from music_assets.sources.listenbrainz.client import LISTENBRAINZ, ListenBrainz, SongNames, spelt

__all__ = ["LISTENBRAINZ", "ListenBrainz", "SongNames", "spelt"]
