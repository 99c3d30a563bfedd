-- Listens that ListenBrainz counts, by the MSD's song_hotttnesss: quartiles.
SELECT
    CASE WHEN song_hotttnesss >= 0.9 THEN 9 ELSE CAST(floor(song_hotttnesss * 10) AS INTEGER) END AS tenth,
    count(*) AS songs,
    quantile_cont(listen_count, 0.25) AS lower,
    quantile_cont(listen_count, 0.5) AS median,
    quantile_cont(listen_count, 0.75) AS upper
FROM analytics.songs
WHERE listen_count IS NOT NULL
GROUP BY 1
ORDER BY 1 NULLS LAST
