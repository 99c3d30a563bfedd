-- One row per track or artist and day: the last value that is staged of it. The table keeps what it has beside that.
WITH seen AS (
    SELECT CAST('track' AS VARCHAR) AS entity, spotify_track_id AS id, popularity, source, fetched_at, slice
    FROM staging.spotify_tracks
    UNION ALL
    SELECT CAST('track' AS VARCHAR), spotify_track_id, popularity, source, fetched_at, slice
    FROM staging.spotify_tracks_refresh
    UNION ALL
    SELECT CAST('artist' AS VARCHAR), spotify_artist_id, popularity, source, fetched_at, slice
    FROM staging.spotify_artists
    UNION ALL
    SELECT CAST('artist' AS VARCHAR), spotify_artist_id, popularity, source, fetched_at, slice
    FROM staging.spotify_artists_refresh
)

SELECT entity, id, CAST(fetched_at AS DATE) AS date, popularity, source, fetched_at
FROM seen
WHERE popularity IS NOT NULL AND fetched_at IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY entity, id, CAST(fetched_at AS DATE) ORDER BY fetched_at DESC, slice
) = 1
