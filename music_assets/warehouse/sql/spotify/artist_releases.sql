-- One row per release since 2011 and matched artist, as last listed for it.
WITH listed AS (
    SELECT *
    FROM staging.artist_releases
    QUALIFY row_number() OVER (
        PARTITION BY spotify_artist_id, spotify_album_id ORDER BY fetched_at DESC NULLS LAST, slice
    ) = 1
)

SELECT * EXCLUDE (slice)
FROM listed
WHERE spotify_album_id IS NOT NULL  -- otherwise the row says that the artist was looked up
