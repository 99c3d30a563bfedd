-- Key of one source against another's, by the relations of MIREX' audio key detection. Keys from 0 (C), mode 1 is major.
WITH songs AS (
    SELECT
        key AS msd,
        mode AS msd_mode,
        CASE acousticbrainz_key
            WHEN 'C' THEN 0 WHEN 'C#' THEN 1 WHEN 'D' THEN 2 WHEN 'Eb' THEN 3 WHEN 'E' THEN 4 WHEN 'F' THEN 5
            WHEN 'F#' THEN 6 WHEN 'G' THEN 7 WHEN 'Ab' THEN 8 WHEN 'A' THEN 9 WHEN 'Bb' THEN 10 WHEN 'B' THEN 11
        END AS acoustic,
        CASE acousticbrainz_scale WHEN 'major' THEN 1 WHEN 'minor' THEN 0 END AS acoustic_mode,
        CASE WHEN spotify_key >= 0 THEN spotify_key END AS spotify,
        spotify_mode
    FROM analytics.songs
),

pairs AS (
    SELECT 'acousticbrainz_msd' AS pair, acoustic - msd AS steps, msd_mode AS one, acoustic_mode AS other
    FROM songs
    UNION ALL
    SELECT 'spotify_msd', spotify - msd, msd_mode, spotify_mode FROM songs
    UNION ALL
    SELECT 'spotify_acousticbrainz', spotify - acoustic, acoustic_mode, spotify_mode FROM songs
)

SELECT
    pair,
    CASE
        WHEN steps = 0 AND one = other THEN 'same'
        WHEN steps IN (-7, -5, 5, 7) AND one = other THEN 'a fifth apart'
        WHEN steps IN (-3, 9) AND one = 1 AND other = 0 THEN 'relative'
        WHEN steps IN (3, -9) AND one = 0 AND other = 1 THEN 'relative'
        WHEN steps = 0 THEN 'parallel'
        ELSE 'other'
    END AS relation,
    count(*) AS songs
FROM pairs
WHERE steps IS NOT NULL AND one IS NOT NULL AND other IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
