-- When the values of each table were fetched, by source; of a dump, when it was made, where it says so.
SELECT 'spotify.tracks' AS "table", source, count(*) AS entries, min(fetched_at) AS oldest, max(fetched_at) AS newest
FROM spotify.tracks
GROUP BY source
UNION ALL
SELECT 'spotify.artists', source, count(*), min(fetched_at), max(fetched_at)
FROM spotify.artists
GROUP BY source
UNION ALL
SELECT 'spotify.audio_features', source, count(*), min(fetched_at), max(fetched_at)
FROM spotify.audio_features
GROUP BY source
UNION ALL
SELECT 'spotify.popularity_history', source, count(*), min(fetched_at), max(fetched_at)
FROM spotify.popularity_history
GROUP BY source
UNION ALL
SELECT 'spotify.artist_releases', source, count(*), min(fetched_at), max(fetched_at)
FROM spotify.artist_releases
GROUP BY source
UNION ALL
SELECT 'mapped.songs', source, count(*), min(fetched_at), max(fetched_at)
FROM mapped.songs
WHERE source IS NOT NULL  -- of songs that were never searched for
GROUP BY source
UNION ALL
SELECT 'mapped.recordings', source, count(*), min(fetched_at), max(fetched_at)
FROM mapped.recordings
GROUP BY source
UNION ALL
SELECT 'listenbrainz.popularity_history', source, count(*), min(fetched_at), max(fetched_at)
FROM listenbrainz.popularity_history
GROUP BY source
UNION ALL
SELECT 'acousticbrainz.audio_features', source, count(*), CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP)
FROM acousticbrainz.audio_features
GROUP BY source
ORDER BY 1, 2
