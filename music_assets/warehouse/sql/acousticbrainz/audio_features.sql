-- One row per analysed recording: several partitions may have linked it, with the same features.
SELECT * EXCLUDE (slice)
FROM staging.acousticbrainz_features
QUALIFY row_number() OVER (PARTITION BY recording_mbid ORDER BY slice) = 1
