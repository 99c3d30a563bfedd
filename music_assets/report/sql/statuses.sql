-- Songs by what became of the search for them.
SELECT match_status AS status, count(*) AS songs
FROM analytics.songs
GROUP BY 1
ORDER BY 2 DESC, 1
