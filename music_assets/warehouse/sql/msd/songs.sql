-- One row per MSD track.
SELECT * EXCLUDE (slice)
FROM staging.msd_songs
QUALIFY row_number() OVER (PARTITION BY track_id ORDER BY slice) = 1
