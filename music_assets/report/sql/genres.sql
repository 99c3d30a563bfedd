-- Spotify's genres that most artists have.
SELECT json_extract_string(one.genre, '$') AS genre, count(DISTINCT artist.artist_id) AS artists
FROM analytics.artists AS artist
CROSS JOIN unnest(CAST(artist.genres AS JSON[])) AS one(genre)
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 20
