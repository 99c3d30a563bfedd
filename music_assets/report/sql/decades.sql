-- Songs by decade of the MSD's year, with those of no year, and how many of them have what.
SELECT
    CAST(floor(year / 10.0) * 10 AS INTEGER) AS decade,
    count(*) AS songs,
    count(spotify_track_id) AS matched,
    count(recording_mbid) AS recordings
FROM analytics.songs
GROUP BY 1
ORDER BY 1 NULLS LAST
