-- One row per Spotify artist. One that was looked up wins over one that tracks named, and that over a bare id; then
-- the newest.
WITH seen AS (
    SELECT * FROM staging.spotify_artists
    UNION ALL
    SELECT * FROM staging.spotify_artists_refresh
)

SELECT * EXCLUDE (slice)
FROM seen
QUALIFY row_number() OVER (
    PARTITION BY spotify_artist_id
    ORDER BY
        CASE WHEN url IS NOT NULL THEN 0 WHEN name IS NOT NULL THEN 1 ELSE 2 END,
        fetched_at DESC NULLS LAST,
        slice
) = 1
