-- One row per track and provider of its audio features: the newest.
SELECT * EXCLUDE (slice)
FROM staging.audio_features
QUALIFY row_number() OVER (
    PARTITION BY spotify_track_id, source ORDER BY fetched_at DESC NULLS LAST, slice
) = 1
