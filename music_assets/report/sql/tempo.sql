-- Tempo of one source against another's: the same, double or half within 4 %, or another.
WITH pairs AS (
    SELECT 'acousticbrainz_msd' AS pair, acousticbrainz_tempo / nullif(tempo, 0) AS ratio
    FROM analytics.songs
    UNION ALL
    SELECT 'spotify_msd', spotify_tempo / nullif(tempo, 0) FROM analytics.songs
    UNION ALL
    SELECT 'spotify_acousticbrainz', spotify_tempo / nullif(acousticbrainz_tempo, 0)
    FROM analytics.songs
)

SELECT
    pair,
    CASE
        WHEN ratio BETWEEN 0.96 AND 1.04 THEN 'same'
        WHEN ratio BETWEEN 1.92 AND 2.08 THEN 'double'
        WHEN ratio BETWEEN 0.48 AND 0.52 THEN 'half'
        ELSE 'other'
    END AS relation,
    count(*) AS songs
FROM pairs
WHERE ratio > 0
GROUP BY 1, 2
ORDER BY 1, 2
