-- One row per MSD track, wide: the MSD's values, its match or why there is none, the matched track, its features.
WITH best AS (
    SELECT *
    FROM mapped.songs
    QUALIFY row_number() OVER (
        PARTITION BY track_id ORDER BY rank NULLS LAST, spotify_track_id NULLS LAST
    ) = 1
),

features AS (
    SELECT *
    FROM spotify.audio_features
    QUALIFY row_number() OVER (PARTITION BY spotify_track_id ORDER BY source) = 1
),

listens AS (
    SELECT *
    FROM listenbrainz.popularity_history
    WHERE entity = 'recording'
    QUALIFY row_number() OVER (PARTITION BY mbid ORDER BY date DESC) = 1
)

SELECT
    song.track_id,
    song.song_id,
    song.title,
    song.artist_id,
    song.artist_name,
    song.artist_mbid,
    song.release,
    song.year,
    song.duration,
    song.song_hotttnesss,
    song.artist_hotttnesss,
    song.artist_familiarity,
    song.artist_location,
    song.artist_latitude,
    song.artist_longitude,
    song.tempo,
    song.loudness,
    song.key,
    song.key_confidence,
    song.mode,
    song.mode_confidence,
    song.time_signature,
    song.time_signature_confidence,
    song.msd_file,
    coalesce(best.status, 'pending') AS match_status,
    best.score AS match_score,
    best.margin AS match_margin,
    best.reasons AS match_reasons,
    best.known_mismatch,
    best.duplicate_group,
    CASE WHEN best.accepted THEN best.spotify_track_id END AS spotify_track_id,
    track.name AS spotify_name,
    track.spotify_artist_id,
    track.artist_name AS spotify_artist_name,
    track.album_name AS spotify_album_name,
    track.release_date AS spotify_release_date,
    track.release_year AS spotify_release_year,
    CAST(track.duration_ms AS DOUBLE) / 1000.0 AS spotify_duration,
    track.isrc,
    track.popularity,
    track.url AS spotify_url,
    artist.genres,
    artist.popularity AS artist_popularity,
    CASE WHEN best.accepted THEN best.score END AS match_probability,
    features.danceability AS spotify_danceability,
    features.energy AS spotify_energy,
    features.key AS spotify_key,
    features.loudness AS spotify_loudness,
    features.mode AS spotify_mode,
    features.speechiness AS spotify_speechiness,
    features.acousticness AS spotify_acousticness,
    features.instrumentalness AS spotify_instrumentalness,
    features.liveness AS spotify_liveness,
    features.valence AS spotify_valence,
    features.tempo AS spotify_tempo,
    features.time_signature AS spotify_time_signature,
    features.source AS features_source,
    recording.recording_mbid,
    listens.listen_count,
    listens.listener_count,
    acoustic.tempo AS acousticbrainz_tempo,
    acoustic.key AS acousticbrainz_key,
    acoustic.scale AS acousticbrainz_scale,
    acoustic.danceability AS acousticbrainz_danceability,
    acoustic.loudness AS acousticbrainz_loudness,
    best.source,
    track.fetched_at
FROM msd.songs AS song
LEFT JOIN best ON best.track_id = song.track_id
LEFT JOIN spotify.tracks AS track ON track.spotify_track_id = best.spotify_track_id AND best.accepted
LEFT JOIN spotify.artists AS artist ON artist.spotify_artist_id = track.spotify_artist_id
LEFT JOIN features ON features.spotify_track_id = track.spotify_track_id
LEFT JOIN mapped.recordings AS recording ON recording.track_id = song.track_id
LEFT JOIN listens ON listens.mbid = recording.recording_mbid
LEFT JOIN acousticbrainz.audio_features AS acoustic ON acoustic.recording_mbid = recording.recording_mbid
