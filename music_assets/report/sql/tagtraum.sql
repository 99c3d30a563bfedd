-- Songs by their genre in tagtraum's annotations (CD2).
SELECT tagtraum_cd2 AS genre, count(*) AS songs
FROM companion.songs
WHERE tagtraum_cd2 IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
