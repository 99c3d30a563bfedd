-- The MSD's tags that most artists have.
SELECT json_extract_string(one.tag, '$.term') AS tag, count(DISTINCT artist.artist_id) AS artists
FROM analytics.artists AS artist
CROSS JOIN unnest(CAST(artist.terms AS JSON[])) AS one(tag)
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 20
