-- One row per MSD track that a companion set has, with what its match says against its group of covers.
WITH song AS (
    SELECT *
    FROM staging.companion_songs
    QUALIFY row_number() OVER (PARTITION BY track_id ORDER BY slice) = 1
),

covers AS (
    SELECT
        song.track_id,
        song.shs_clique,
        matched.spotify_track_id,
        coalesce(matched.duplicate_group, song.track_id) AS recording
    FROM song
    INNER JOIN mapped.songs AS matched ON matched.track_id = song.track_id AND matched.accepted
    WHERE song.shs_clique IS NOT NULL
),

-- Spotify tracks that several covers are matched to; the MSD's duplicates are one.
shared AS (
    SELECT spotify_track_id, count(DISTINCT shs_clique) AS cliques
    FROM covers
    GROUP BY spotify_track_id
    HAVING count(DISTINCT recording) > 1
),

conflicts AS (
    SELECT covers.track_id, max(shared.cliques) AS cliques
    FROM covers
    INNER JOIN shared ON shared.spotify_track_id = covers.spotify_track_id
    GROUP BY covers.track_id
)

SELECT
    song.* EXCLUDE (slice),
    CASE WHEN conflicts.cliques > 1 THEN 'other_work' WHEN conflicts.cliques = 1 THEN 'same_track' END
        AS shs_conflict
FROM song
LEFT JOIN conflicts ON conflicts.track_id = song.track_id
