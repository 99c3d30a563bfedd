-- Spearman's rank correlation of two columns, over the songs that have both; equal values share their mean rank.
WITH pairs AS (
    SELECT 'listens' AS pair, song_hotttnesss AS a, CAST(listen_count AS DOUBLE) AS b FROM analytics.songs
    UNION ALL
    SELECT 'popularity', song_hotttnesss, CAST(popularity AS DOUBLE) FROM analytics.songs
    UNION ALL
    SELECT 'loudness_spotify', loudness, spotify_loudness FROM analytics.songs
    UNION ALL
    SELECT 'loudness_acousticbrainz', loudness, acousticbrainz_loudness FROM analytics.songs
),

ranked AS (
    SELECT
        pair,
        rank() OVER (PARTITION BY pair ORDER BY a) + (count(*) OVER (PARTITION BY pair, a) - 1) / 2.0 AS a,
        rank() OVER (PARTITION BY pair ORDER BY b) + (count(*) OVER (PARTITION BY pair, b) - 1) / 2.0 AS b
    FROM pairs
    WHERE a IS NOT NULL AND b IS NOT NULL
)

SELECT
    pair,
    count(*) AS songs,
    (avg(CAST(a * b AS DOUBLE)) - avg(CAST(a AS DOUBLE)) * avg(CAST(b AS DOUBLE)))
    / nullif(stddev_pop(a) * stddev_pop(b), 0) AS rho
FROM ranked
GROUP BY pair
ORDER BY pair
