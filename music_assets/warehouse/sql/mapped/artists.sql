-- One row per Spotify artist that an MSD artist may be: the votes of all slices, counted.
WITH counted AS (
    SELECT
        artist_id,
        spotify_artist_id,
        min(spotify_artist_name) AS spotify_artist_name,
        sum(votes) AS votes,
        max(agreement) AS agreement,
        min(source) AS source
    FROM staging.artist_votes
    GROUP BY artist_id, spotify_artist_id
),

-- A vote counts as much as the two names agree.
ranked AS (
    SELECT
        *,
        CAST(votes AS DOUBLE) / sum(votes) OVER (PARTITION BY artist_id) AS share,
        row_number() OVER (
            PARTITION BY artist_id
            ORDER BY CAST(votes AS DOUBLE) * agreement DESC NULLS LAST, votes DESC, spotify_artist_id
        ) AS rank
    FROM counted
)

SELECT
    artist_id,
    spotify_artist_id,
    spotify_artist_name,
    rank,
    -- Names in another script agree little: then many votes decide, with most of all.
    rank = 1 AND (agreement >= 0.6 OR (votes >= 3 AND share >= 0.6)) AS accepted,
    votes,
    share,
    agreement,
    source
FROM ranked
