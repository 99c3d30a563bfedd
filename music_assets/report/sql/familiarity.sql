-- Songs by how well known their artist was in 2010, in tenths, and how many of them have what.
SELECT
    CASE WHEN artist_familiarity >= 0.9 THEN 9 ELSE CAST(floor(artist_familiarity * 10) AS INTEGER) END AS tenth,
    count(*) AS songs,
    count(spotify_track_id) AS matched,
    count(recording_mbid) AS recordings
FROM analytics.songs
GROUP BY 1
ORDER BY 1 NULLS LAST
