-- Songs with a candidate that is likely (0.3 or more), by its lead over the next recording, in twentieths, and by status.
SELECT
    CASE WHEN match_margin >= 0.95 THEN 19 ELSE CAST(floor(match_margin * 20) AS INTEGER) END AS twentieth,
    match_status AS status,
    count(*) AS songs
FROM analytics.songs
WHERE match_margin IS NOT NULL AND match_score >= 0.3
GROUP BY 1, 2
ORDER BY 1, 2
