-- The tables of the sandbox's catalogue. Another schema needs another _VERSION in catalogue.py.
CREATE TABLE directories (number INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, fingerprint TEXT NOT NULL);
CREATE TABLE artists (id TEXT PRIMARY KEY, name TEXT NOT NULL, popularity INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE albums (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, album_type TEXT NOT NULL, release_date TEXT NOT NULL,
    total_tracks INTEGER NOT NULL, artist_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE tracks (
    number INTEGER PRIMARY KEY, directory INTEGER NOT NULL, id TEXT UNIQUE NOT NULL, name TEXT NOT NULL,
    artist_ids TEXT NOT NULL, album_id TEXT NOT NULL, isrc TEXT NOT NULL, duration_ms INTEGER NOT NULL,
    popularity INTEGER NOT NULL, track_number INTEGER NOT NULL, key INTEGER NOT NULL, mode INTEGER NOT NULL,
    tempo REAL NOT NULL, loudness REAL NOT NULL, time_signature INTEGER NOT NULL,
    artist_words TEXT NOT NULL, album_words TEXT NOT NULL
);
CREATE INDEX tracks_directory ON tracks (directory);
CREATE INDEX tracks_album ON tracks (album_id);
CREATE INDEX tracks_isrc ON tracks (isrc);
CREATE TABLE songs (
    track_id TEXT PRIMARY KEY, directory INTEGER NOT NULL, recording TEXT NOT NULL, duration REAL NOT NULL,
    right TEXT NOT NULL, song_id TEXT, title TEXT NOT NULL, artist_name TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE recordings (
    mbid TEXT PRIMARY KEY, track_id TEXT, name TEXT NOT NULL, artist_name TEXT NOT NULL,
    artist_mbids TEXT NOT NULL, release_mbid TEXT NOT NULL, release_name TEXT NOT NULL,
    tempo REAL, key INTEGER, mode INTEGER, loudness REAL, directory INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX recordings_directory ON recordings (directory);
CREATE INDEX recordings_track ON recordings (track_id);
CREATE TABLE recorded_artists (mbid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(
    title, artist, album, content = '', tokenize = 'unicode61 remove_diacritics 2'
);
