-- One row per MSD track that a MusicBrainz recording was found for.
SELECT * EXCLUDE (slice)
FROM staging.musicbrainz_recordings
