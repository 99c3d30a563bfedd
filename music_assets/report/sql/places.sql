-- Artists by where they are from, in squares of two degrees: the middle of each.
SELECT
    floor(artist_latitude / 2) * 2 + 1 AS latitude,
    floor(artist_longitude / 2) * 2 + 1 AS longitude,
    count(*) AS artists
FROM analytics.artists
WHERE artist_latitude IS NOT NULL AND artist_longitude IS NOT NULL
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
