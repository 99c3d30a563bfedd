"""ListenBrainz: how often recordings and artists are listened to, and the Spotify ids that its Labs know.

What it offers   `ListenBrainz.popularity`: listens and listeners by MusicBrainz id. `Labs.spotify_ids`:
                 candidates for MSD songs by their names. Both answered from the ledger first.
Shapes           rows with the columns of the staged kind `listenbrainz_popularity`; a list of Spotify track
                 ids per song, those Labs rank best first. Nothing else is known of these: some are of another
                 version, so each is to be verified.
Limits           no key. Popularity: 1,000 ids a request, 30 requests in 10 seconds. Labs: names are compared
                 exactly once accents, case and signs are gone; neither a rate nor a batch size is published.
Terms            popularity is CC0 (MetaBrainz' blog, November 2024): it may be kept and published. Labs are
                 an experiment of the MetaBrainz Foundation's, which may change or end any day; who requests a
                 lot is expected to support it.
Errors           none of its own: a source that is down or asks for a pause leaves ids `pending`, with the
                 reason and the time (`music_assets.sources.http`). The ledger's errors pass through.

It was built from ListenBrainz's published code and could not be tried live; the server that stands in for it
is in `music_assets.sandbox`.
"""

from music_assets.sources.listenbrainz.labs import LABS, Labs, SongNames, spelt
from music_assets.sources.listenbrainz.popularity import LISTENBRAINZ, REFRESH_DAYS, ListenBrainz

__all__ = ["LABS", "LISTENBRAINZ", "REFRESH_DAYS", "Labs", "ListenBrainz", "SongNames", "spelt"]
