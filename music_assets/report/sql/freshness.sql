-- When the values of each table were fetched, by source; of a dump, when it was made.
SELECT 'spotify.tracks' AS "table", source, count(*) AS entries, min(fetched_at) AS oldest, max(fetched_at) AS newest
FROM spotify.tracks
GROUP BY source
UNION ALL
SELECT 'spotify.artists', source, count(*), min(fetched_at), max(fetched_at) FROM spotify.artists GROUP BY source
UNION ALL
SELECT 'spotify.audio_features', source, count(*), min(fetched_at), max(fetched_at)
FROM spotify.audio_features
GROUP BY source
UNION ALL
SELECT 'mapped.recordings', source, count(*), min(fetched_at), max(fetched_at) FROM mapped.recordings GROUP BY source
UNION ALL
SELECT 'listenbrainz.popularity_history', source, count(*), min(fetched_at), max(fetched_at)
FROM listenbrainz.popularity_history
GROUP BY source
ORDER BY 1, 2
