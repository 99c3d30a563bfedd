"""ReccoBeats: audio features of Spotify tracks, for those whom Spotify itself refuses them.

What it offers   `ReccoBeats.audio_features`: by Spotify id, or by ISRC where it does not know the id;
                 answered from the ledger first.
Shapes           rows as dicts with the columns of `spotify.audio_features`; `source` is `reccobeats`. It
                 gives neither time signature nor duration.
Limits           no key; up to 40 ids a request; a rate it does not publish (429 with Retry-After).
Terms            https://reccobeats.com/docs/documentation/terms-of-service: free, as it is; cache what it
                 answered and send no bursts of requests.
Errors           none of its own: a source that is down or asks for a pause leaves ids `pending`, with the
                 reason and the time (`music_assets.sources.http`).

It was built from the service's documentation; the server that stands in for it is in `music_assets.sandbox`.
"""

from music_assets.sources.reccobeats.client import RECCOBEATS, ReccoBeats, features_row, spotify_id_of

__all__ = ["RECCOBEATS", "ReccoBeats", "features_row", "spotify_id_of"]
