-- Songs with a candidate, by the match probability of the best, in twentieths, and by status.
SELECT
    CASE WHEN match_score >= 0.95 THEN 19 ELSE CAST(floor(match_score * 20) AS INTEGER) END AS twentieth,
    match_status AS status,
    count(*) AS songs
FROM analytics.songs
WHERE match_score IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
