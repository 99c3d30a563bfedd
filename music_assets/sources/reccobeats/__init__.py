"""ReccoBeats: tracks by Spotify id or ISRC, and audio features for those whom Spotify itself refuses them.

What it offers   `ReccoBeats.tracks` verifies ids from elsewhere without a request to Spotify: title,
                 artists, length, ISRC, popularity. `ReccoBeats.audio_features`: by Spotify id, or by ISRC
                 where it does not know the id. `ReccoBeats.artist_tracks`: what it lists of artists. All
                 answered from the ledger first.
Shapes           rows as dicts with the columns of `spotify.tracks` (those of the album are None) and of
                 `spotify.audio_features` (without time signature and duration); `source` is `reccobeats`.
Limits           no key; 1 to 40 ids a request, joined back by `href` or ISRC, since unknown ones are absent;
                 50 tracks of an artist a page; a rate it does not publish (429 with Retry-After), so one
                 request a second.
Terms            https://reccobeats.com/docs/documentation/terms-of-service: free, as it is; cache what it
                 answered and send no bursts of requests. It is made from Spotify's data: treated as theirs.
Errors           none of its own: a source that is down or asks for a pause leaves ids `pending`, with the
                 reason and the time (`music_assets.sources.http`).

It was built from the service's documentation; the server that stands in for it is in `music_assets.sandbox`.
"""

from music_assets.sources.reccobeats.client import RECCOBEATS, ReccoBeats
from music_assets.sources.reccobeats.rows import spotify_id_of, track_key, track_rows

__all__ = ["RECCOBEATS", "ReccoBeats", "spotify_id_of", "track_key", "track_rows"]
