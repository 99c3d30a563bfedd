-- One row per MSD artist, wide: the MSD's values, how many of its songs have a match, and its Spotify artist.
WITH matched AS (
    SELECT artist_id, count(spotify_track_id) AS songs_matched
    FROM analytics.songs
    GROUP BY artist_id
),

listens AS (
    SELECT *
    FROM listenbrainz.popularity_history
    WHERE entity = 'artist'
    QUALIFY row_number() OVER (PARTITION BY mbid ORDER BY date DESC) = 1
)

SELECT
    artist.artist_id,
    artist.artist_name,
    artist.other_names,
    artist.artist_mbid,
    artist.artist_location,
    artist.artist_latitude,
    artist.artist_longitude,
    artist.artist_familiarity,
    artist.artist_hotttnesss,
    artist.terms,
    artist.songs,
    listens.listen_count,
    listens.listener_count,
    coalesce(matched.songs_matched, 0) AS songs_matched,
    mapped.spotify_artist_id,
    coalesce(spotify.name, mapped.spotify_artist_name) AS spotify_name,
    mapped.votes,
    mapped.agreement,
    spotify.genres,
    spotify.popularity,
    spotify.followers,
    spotify.url AS spotify_url,
    mapped.source,
    spotify.fetched_at
FROM msd.artists AS artist
LEFT JOIN matched ON matched.artist_id = artist.artist_id
LEFT JOIN listens ON listens.mbid = artist.artist_mbid
LEFT JOIN mapped.artists AS mapped ON mapped.artist_id = artist.artist_id AND mapped.accepted
LEFT JOIN spotify.artists AS spotify ON spotify.spotify_artist_id = mapped.spotify_artist_id
