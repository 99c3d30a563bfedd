-- Loudness on Spotify's scale (dB), by the MSD's in steps of 3 dB: quartiles.
SELECT
    CAST(floor(loudness / 3) * 3 AS INTEGER) AS decibels,
    count(*) AS songs,
    quantile_cont(spotify_loudness, 0.25) AS lower,
    quantile_cont(spotify_loudness, 0.5) AS median,
    quantile_cont(spotify_loudness, 0.75) AS upper
FROM analytics.songs
WHERE loudness IS NOT NULL AND spotify_loudness IS NOT NULL
GROUP BY 1
ORDER BY 1
