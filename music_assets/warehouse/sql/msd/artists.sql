-- One row per MSD artist: its values are from the smallest of its track ids, its names from all its tracks.
WITH spellings AS (
    SELECT artist_id, artist_name, count(*) AS songs
    FROM msd.songs
    WHERE artist_name IS NOT NULL
    GROUP BY artist_id, artist_name
),

names AS (
    SELECT
        artist_id,
        artist_name,
        row_number() OVER (PARTITION BY artist_id ORDER BY songs DESC, artist_name) AS place
    FROM spellings
),

other_spellings AS (
    SELECT artist_id, to_json(list(artist_name ORDER BY place)) AS other_names
    FROM names
    WHERE place > 1
    GROUP BY artist_id
),

tracks AS (
    SELECT artist_id, count(*) AS songs, min(track_id) AS first_track_id
    FROM msd.songs
    GROUP BY artist_id
),

artist AS (
    SELECT *
    FROM staging.msd_artists
    QUALIFY row_number() OVER (PARTITION BY artist_id ORDER BY first_track_id, slice) = 1
)

SELECT
    artist.* EXCLUDE (slice) REPLACE (
        names.artist_name AS artist_name,
        -- An artist with one spelling everywhere has none in its slice either: an empty list.
        coalesce(other_spellings.other_names, artist.other_names) AS other_names,
        tracks.songs AS songs,
        tracks.first_track_id AS first_track_id
    )
FROM artist
INNER JOIN tracks ON tracks.artist_id = artist.artist_id
LEFT JOIN names ON names.artist_id = artist.artist_id AND names.place = 1
LEFT JOIN other_spellings ON other_spellings.artist_id = artist.artist_id
