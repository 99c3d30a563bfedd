-- One row per candidate for an MSD track; one without a candidate for a track that has none.
SELECT * EXCLUDE (slice)
FROM staging.mapped_songs
