-- What the matcher says of the best candidate of the songs without a match.
SELECT json_extract_string(one.reason, '$') AS reason, count(DISTINCT song.track_id) AS songs
FROM analytics.songs AS song
CROSS JOIN unnest(CAST(song.match_reasons AS JSON[])) AS one(reason)
WHERE song.spotify_track_id IS NULL
GROUP BY 1
ORDER BY 2 DESC, 1
