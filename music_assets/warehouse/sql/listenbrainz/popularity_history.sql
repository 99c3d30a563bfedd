-- One row per recording or artist and day: the last value that is staged of it. The table keeps what it has beside that.
SELECT entity, mbid, CAST(fetched_at AS DATE) AS date, listen_count, listener_count, source, fetched_at
FROM staging.listenbrainz_popularity
QUALIFY row_number() OVER (
    PARTITION BY entity, mbid, CAST(fetched_at AS DATE) ORDER BY fetched_at DESC, slice
) = 1
