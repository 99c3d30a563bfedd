-- One row per Spotify track that an answer held, and per match that none did (set by hand, or accepted from another
-- source): of that one only the id is known.
WITH seen AS (
    SELECT * FROM staging.spotify_tracks
    UNION ALL
    SELECT * FROM staging.spotify_tracks_refresh
),

-- A whole track wins over one without an album, that over one that came within an album, that over a bare id; then the
-- newest.
track AS (
    SELECT *
    FROM seen
    QUALIFY row_number() OVER (
        PARTITION BY spotify_track_id
        ORDER BY
            CASE
                WHEN isrc IS NOT NULL AND spotify_album_id IS NOT NULL THEN 0
                WHEN isrc IS NOT NULL THEN 1
                WHEN vanished_at IS NULL THEN 2
                ELSE 3
            END,
            fetched_at DESC NULLS LAST,
            slice
    ) = 1
),

sightings AS (
    SELECT
        spotify_track_id,
        vanished_at,
        max(CASE WHEN vanished_at IS NULL THEN fetched_at END) OVER (PARTITION BY spotify_track_id) AS last_seen
    FROM seen
),

vanished AS (
    SELECT spotify_track_id, min(vanished_at) AS vanished_at
    FROM sightings
    WHERE last_seen IS NULL OR vanished_at > last_seen
    GROUP BY spotify_track_id
),

matches AS (
    SELECT spotify_track_id, min(source) AS source
    FROM staging.mapped_songs
    WHERE accepted
    GROUP BY spotify_track_id
),

-- In place of a full join: Redshift has none of rows with lists.
ids AS (
    SELECT spotify_track_id FROM track
    UNION
    SELECT spotify_track_id FROM matches
)

SELECT
    track.* EXCLUDE (slice) REPLACE (
        ids.spotify_track_id AS spotify_track_id,
        vanished.vanished_at AS vanished_at,
        coalesce(track.source, matches.source) AS source
    )
FROM ids
LEFT JOIN track ON track.spotify_track_id = ids.spotify_track_id
LEFT JOIN matches ON matches.spotify_track_id = ids.spotify_track_id
LEFT JOIN vanished ON vanished.spotify_track_id = ids.spotify_track_id
