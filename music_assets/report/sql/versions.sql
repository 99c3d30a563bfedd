-- The matchers that decided, and of how many songs.
SELECT matcher_version, count(DISTINCT track_id) AS songs
FROM mapped.songs
GROUP BY matcher_version
ORDER BY 2 DESC, 1
