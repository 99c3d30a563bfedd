"""ReccoBeats: audio features of Spotify tracks, for those whom Spotify itself refuses them.

What it offers   `ReccoBeats.audio_features`: by Spotify id, or by ISRC where it does not know the id;
                 answered from the ledger first.
Shapes           rows as dicts with the columns of `spotify.audio_features`; `source` is `reccobeats`. It
                 gives neither time signature nor duration.
Limits           no key; up to 40 ids a request; a rate it does not publish (429 with Retry-After).
Terms            https://reccobeats.com/docs/documentation/terms-of-service: free, as it is; keep what it
                 answered and do not ask in bursts.
Errors           none of its own: a source that is down or wants a pause leaves ids `pending`, with the reason
                 and the time (`music_assets.sources.http`). The ledger's errors pass through.

`facade` asks, `shapes` turns answers into rows. It was built from the service's documentation; the server
that plays it is in `music_assets.sandbox`.
"""

from music_assets.sources.reccobeats.client import ReccoBeats
from music_assets.sources.reccobeats.rows import features_row, spotify_id_of
from music_assets.sources.reccobeats.settings import ReccoBeatsSettings

__all__ = ["ReccoBeats", "ReccoBeatsSettings", "features_row", "spotify_id_of"]
