-- How many songs have a value of each source.
SELECT 'matched' AS what, count(spotify_track_id) AS songs, count(*) AS all_songs FROM analytics.songs
UNION ALL
SELECT 'popularity', count(popularity), count(*) FROM analytics.songs
UNION ALL
SELECT 'spotify_features', count(features_source), count(*) FROM analytics.songs
UNION ALL
SELECT 'recordings', count(recording_mbid), count(*) FROM analytics.songs
UNION ALL
SELECT 'listens', count(listen_count), count(*) FROM analytics.songs
UNION ALL
SELECT 'acousticbrainz_features', count(acousticbrainz_tempo), count(*) FROM analytics.songs
ORDER BY 2 DESC, 1
