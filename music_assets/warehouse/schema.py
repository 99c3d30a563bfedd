"""The tables, once: names, types, keys, and what each column means.

The DDL of both engines, the checks at the gate, Dagster's column schema and the data dictionary are
all made from the `METADATA` here. How the published tables are filled is in `published`; how
staged files reach `staging` is in the engines.

Every staged kind has one table in `staging`, as landed, with the slice (a partition key, or the day
of a refresh) each row came in. Readers use the other schemas.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

from music_assets.warehouse.types import Super

METADATA = MetaData()

# Whose terms a column stands under.
MSD, SPOTIFY, OURS = "MSD", "Spotify", "Music Assets"

_ID = String(22)  # Spotify's base-62 ids
_MSD_ID = String(18)  # TR…, SO…, AR…
_NAME = String(1024 * 4)  # the MSD's S1024, and room for Spotify's longer names
_SOURCE = "Where the values come from: `api`, `sandbox` (invented), or another provider's name."
_FETCHED = "When the answer came in (UTC)."


def _column(
    name: str,
    type_: TypeEngine[Any] | type[TypeEngine[Any]],
    comment: str,
    source: str,
    *,
    unit: str | None = None,
    low: float | None = None,
    high: float | None = None,
    key: bool = False,
    nullable: bool | None = None,
) -> Column[Any]:
    """One column; `low` and `high` are the range that checks hold it to, in `unit`.

    `key` marks the columns that tell a row from all others. They are no PRIMARY KEY: Redshift does
    not enforce one, yet its planner believes it, and DuckDB's index refuses to delete and insert
    the same key in one transaction. Keys are checked at the gate and by asset checks instead.
    """
    info = {"source": source, "unit": unit, "low": low, "high": high, "key": key}
    return Column(name, type_, comment=comment, info=info, nullable=not key if nullable is None else nullable)


def _table(
    name: str, schema: str, comment: str, columns: list[Column[Any]], *, dist: str, sort: str
) -> Table:
    """One table; `dist` and `sort` are Redshift's keys (DuckDB has no use for them)."""
    return Table(
        name,
        METADATA,
        *columns,
        schema=schema,
        comment=comment,
        redshift_distkey=dist,
        redshift_sortkey=sort,
    )


def _staged(kind: str, comment: str, columns: list[Column[Any]], *, dist: str) -> Table:
    """The staging table of one staged kind: its columns and the slice they came in."""
    slice_ = _column(
        "slice", String(32), "The partition, or the refresh, the row came in with.", OURS, nullable=False
    )
    return _table(kind, "staging", comment, [slice_, *columns], dist=dist, sort="slice")


def _songs() -> list[Column[Any]]:
    c = _column
    return [
        c("track_id", _MSD_ID, "The MSD's key of a track (TR…).", MSD, key=True),
        c("song_id", _MSD_ID, "The Echo Nest's song (SO…); several tracks may share one.", MSD),
        c("title", _NAME, "The title as the MSD has it; `_` stands for `,` and `/`.", MSD),
        c("release", _NAME, "The album the track was taken from.", MSD),
        c("artist_id", _MSD_ID, "The Echo Nest's artist (AR…); may have several spellings.", MSD),
        c("artist_name", _NAME, "The artist as credited on this track, often several joined.", MSD),
        c("artist_mbid", String(40), "The artist's MusicBrainz id; NULL where unknown.", MSD),
        c("artist_location", _NAME, "Where the artist is from, in free words.", MSD),
        c("artist_latitude", Double, "Latitude of that place.", MSD, unit="degrees", low=-90, high=90),
        c("artist_longitude", Double, "Longitude of that place.", MSD, unit="degrees", low=-180, high=180),
        c("artist_familiarity", Double, "The Echo Nest's guess how well known the artist was.", MSD, low=0),
        c("artist_hotttnesss", Double, "How much talked of the artist was, in late 2010.", MSD, low=0),
        c("song_hotttnesss", Double, "The same of the song; NULL where never computed.", MSD, low=0),
        c("genre", _NAME, "A field of the files that is empty in all files seen.", MSD),
        c("year", Integer, "Year of release by MusicBrainz; NULL where the MSD has 0.", MSD, low=1900),
        c("duration", Double, "Length of the analysed audio.", MSD, unit="seconds", low=0),
        c("tempo", Double, "Estimated tempo.", MSD, unit="BPM", low=0),
        c("loudness", Double, "Overall loudness.", MSD, unit="dB"),
        c("key", Integer, "Estimated key: 0 is C, 11 is B.", MSD, low=0, high=11),
        c("key_confidence", Double, "How sure the analysis is of the key.", MSD, low=0, high=1),
        c("mode", Integer, "1 is major, 0 is minor.", MSD, low=0, high=1),
        c("mode_confidence", Double, "How sure the analysis is of the mode.", MSD, low=0, high=1),
        c("time_signature", Integer, "Estimated beats a bar.", MSD, low=0),
        c("time_signature_confidence", Double, "How sure the analysis is of it.", MSD, low=0, high=1),
        c("danceability", Double, "A field of the files that is 0 in all files seen: not analysed.", MSD),
        c("energy", Double, "A field of the files that is 0 in all files seen: not analysed.", MSD),
        c("end_of_fade_in", Double, "Where the fade-in ends.", MSD, unit="seconds", low=0),
        c("start_of_fade_out", Double, "Where the fade-out starts.", MSD, unit="seconds", low=0),
        c("analysis_sample_rate", Integer, "Sample rate of the analysed audio.", MSD, unit="Hz", low=0),
        c("audio_md5", String(32), "MD5 of the analysed audio.", MSD),
        c("analyzer_version", String(32), "The Echo Nest's analyzer; NULL in most files.", MSD),
        c("artist_7digitalid", BigInteger, "7digital's artist id; NULL where the MSD has -1.", MSD),
        c("artist_playmeid", BigInteger, "play.me's artist id; NULL where the MSD has -1.", MSD),
        c("release_7digitalid", BigInteger, "7digital's release id; NULL where the MSD has -1.", MSD),
        c("track_7digitalid", BigInteger, "7digital's track id; NULL where the MSD has -1.", MSD),
        c("msd_file", _NAME, "The file the row was read from, below the MSD root.", OURS),
    ]


def _artists() -> list[Column[Any]]:
    c = _column
    return [
        c("artist_id", _MSD_ID, "The Echo Nest's artist (AR…).", MSD, key=True),
        c("artist_name", _NAME, "The spelling most of the artist's tracks have.", MSD),
        c("other_names", Super, "The other spellings, most frequent first.", MSD),
        c("artist_mbid", String(40), "The artist's MusicBrainz id; NULL where unknown.", MSD),
        c("artist_location", _NAME, "Where the artist is from, in free words.", MSD),
        c("artist_latitude", Double, "Latitude of that place.", MSD, unit="degrees", low=-90, high=90),
        c("artist_longitude", Double, "Longitude of that place.", MSD, unit="degrees", low=-180, high=180),
        c("artist_familiarity", Double, "The Echo Nest's guess how well known the artist was.", MSD, low=0),
        c("artist_hotttnesss", Double, "How much talked of the artist was, in late 2010.", MSD, low=0),
        c("artist_7digitalid", BigInteger, "7digital's artist id; NULL where the MSD has -1.", MSD),
        c("artist_playmeid", BigInteger, "play.me's artist id; NULL where the MSD has -1.", MSD),
        c("terms", Super, "The Echo Nest's tags: `[{term, frequency, weight}]`, best first.", MSD),
        c("mbtags", Super, "MusicBrainz' tags: `[{tag, count}]`.", MSD),
        c("similar_artists", Super, "Ids of up to 100 similar artists, nearest first.", MSD),
        c("songs", Integer, "How many tracks of the MSD in use are the artist's.", OURS, low=1),
        c("first_track_id", _MSD_ID, "The smallest of their ids: the file the values come from.", OURS),
    ]


def _searches() -> list[Column[Any]]:
    c = _column
    return [
        c("track_id", _MSD_ID, "The MSD track that was asked about.", MSD, key=True),
        c("status", String(16), "`answered`, `pending` (not asked yet) or `error`.", OURS),
        c("question", String(1024), "The query as sent; NULL while pending.", OURS),
        c("hits", Integer, "How many tracks the answer held.", OURS, low=0),
        c("reason", String(4096), "Why it is pending or an error.", OURS),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _tracks() -> list[Column[Any]]:
    c = _column
    return [
        c("spotify_track_id", _ID, "Spotify's id of the track.", SPOTIFY, key=True),
        c("name", _NAME, "The track's name on Spotify.", SPOTIFY),
        c("isrc", String(32), "The recording's ISRC, as Spotify has it.", SPOTIFY),
        c("duration_ms", Integer, "Length of the track.", SPOTIFY, unit="ms", low=0),
        c("explicit", Boolean, "Whether its lyrics are marked explicit.", SPOTIFY),
        c("popularity", Integer, "Spotify's popularity; extended access only.", SPOTIFY, low=0, high=100),
        c("disc_number", Integer, "The disc it is on.", SPOTIFY, low=0),
        c("track_number", Integer, "Its number on that disc.", SPOTIFY, low=0),
        c("artists", Super, "Credited artists in order: `[{spotify_artist_id, name}]`.", SPOTIFY),
        c("spotify_artist_id", _ID, "The first of them.", SPOTIFY),
        c("artist_name", _NAME, "The name of the first of them.", SPOTIFY),
        c("spotify_album_id", _ID, "Spotify's id of the album.", SPOTIFY),
        c("album_name", _NAME, "The album's name.", SPOTIFY),
        c("album_type", String(32), "`album`, `single` or `compilation`.", SPOTIFY),
        c("album_total_tracks", Integer, "How many tracks the album has.", SPOTIFY, low=0),
        c(
            "release_date",
            String(10),
            "Release of this album: year, month or day; often a reissue's.",
            SPOTIFY,
        ),
        c("release_year", Integer, "The year in `release_date`.", SPOTIFY, low=0),
        c("available_markets", Super, "Countries it plays in; extended access only.", SPOTIFY),
        c("url", String(256), "Its page on Spotify.", SPOTIFY),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _mapped_songs() -> list[Column[Any]]:
    c = _column
    return [
        c("track_id", _MSD_ID, "The MSD track.", MSD, key=True),
        c(
            "spotify_track_id",
            _ID,
            "The candidate; NULL in the one row of a track without candidates.",
            SPOTIFY,
            key=True,
            nullable=True,
        ),
        c(
            "status",
            String(16),
            "Of the track: `matched`, `ambiguous`, `below_floor`, `no_candidates`, `pending`, `error`.",
            OURS,
        ),
        c("rank", Integer, "Place among the candidates, 1 is best.", OURS, low=1),
        c("accepted", Boolean, "Whether this candidate is the match.", OURS),
        c("equivalent", Boolean, "Whether it is the accepted recording on another album.", OURS),
        c("score", Double, "How sure the matcher is of this candidate.", OURS, low=0, high=1),
        c("margin", Double, "Score of the best less that of the runner-up.", OURS, low=0, high=1),
        c("reasons", Super, "Why, in words: `[reason, …]`.", OURS),
        c("question", String(1024), "The query that brought the candidate.", OURS),
        c("source", String(32), _SOURCE, OURS),
        c("matcher_version", String(32), "The matcher that decided.", OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _artist_votes() -> list[Column[Any]]:
    c = _column
    return [
        c("artist_id", _MSD_ID, "The MSD artist.", MSD, key=True),
        c("spotify_artist_id", _ID, "A Spotify artist credited on a matched track.", SPOTIFY, key=True),
        c("spotify_artist_name", _NAME, "That artist's name.", SPOTIFY),
        c("votes", Integer, "Matched tracks of the slice that credit that artist.", OURS, low=1),
        c("agreement", Double, "How alike the two names are.", OURS, low=0, high=1),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _mapped_artists() -> list[Column[Any]]:
    c = _column
    return [
        c("artist_id", _MSD_ID, "The MSD artist.", MSD, key=True),
        c("spotify_artist_id", _ID, "A Spotify artist voted for.", SPOTIFY, key=True),
        c("spotify_artist_name", _NAME, "That artist's name.", SPOTIFY),
        c("rank", Integer, "Place among the artist's candidates, 1 is best.", OURS, low=1),
        c("accepted", Boolean, "Whether this is the MSD artist's Spotify artist.", OURS),
        c("votes", Integer, "Matched tracks that credit the Spotify artist.", OURS, low=1),
        c("share", Double, "Votes over all votes of the MSD artist.", OURS, low=0, high=1),
        c("agreement", Double, "How alike the two names are.", OURS, low=0, high=1),
        c("source", String(32), _SOURCE, OURS),
    ]


def _spotify_artists() -> list[Column[Any]]:
    c = _column
    return [
        c("spotify_artist_id", _ID, "Spotify's id of the artist.", SPOTIFY, key=True),
        c("name", _NAME, "The artist's name on Spotify.", SPOTIFY),
        c("genres", Super, "Genres Spotify names: `[genre, …]`.", SPOTIFY),
        c("popularity", Integer, "Spotify's popularity; extended access only.", SPOTIFY, low=0, high=100),
        c("followers", BigInteger, "Followers on Spotify; extended access only.", SPOTIFY, low=0),
        c("url", String(256), "The artist's page on Spotify.", SPOTIFY),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _audio_features(prefix: str = "") -> list[Column[Any]]:
    def c(name: str, *args: Any, **kw: Any) -> Column[Any]:
        return _column(prefix + name, *args, **kw)

    return [
        c("danceability", Double, "How fit for dancing.", SPOTIFY, low=0, high=1),
        c("energy", Double, "Perceived intensity.", SPOTIFY, low=0, high=1),
        c("key", Integer, "Key: 0 is C, 11 is B; -1 where none was found.", SPOTIFY, low=-1, high=11),
        c("loudness", Double, "Overall loudness.", SPOTIFY, unit="dB"),
        c("mode", Integer, "1 is major, 0 is minor.", SPOTIFY, low=0, high=1),
        c("speechiness", Double, "How much of it is spoken.", SPOTIFY, low=0, high=1),
        c("acousticness", Double, "How surely it is acoustic.", SPOTIFY, low=0, high=1),
        c("instrumentalness", Double, "How surely it has no vocals.", SPOTIFY, low=0, high=1),
        c("liveness", Double, "How surely there is an audience.", SPOTIFY, low=0, high=1),
        c("valence", Double, "How positive it sounds.", SPOTIFY, low=0, high=1),
        c("tempo", Double, "Estimated tempo.", SPOTIFY, unit="BPM", low=0),
        c("time_signature", Integer, "Estimated beats a bar.", SPOTIFY, low=0),
    ]


def _features_table() -> list[Column[Any]]:
    c = _column
    return [
        c("spotify_track_id", _ID, "Spotify's id of the track.", SPOTIFY, key=True),
        c("source", String(32), _SOURCE, OURS, key=True),
        *_audio_features(),
        c("duration_ms", Integer, "Length of the analysed track.", SPOTIFY, unit="ms", low=0),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _popularity_history() -> list[Column[Any]]:
    c = _column
    return [
        c("entity", String(8), "`track` or `artist`.", OURS, key=True),
        c("id", _ID, "Spotify's id of it.", SPOTIFY, key=True),
        c("date", Date, "The day (UTC) the value was fetched.", OURS, key=True),
        c("popularity", Integer, "Spotify's popularity on that day.", SPOTIFY, low=0, high=100),
        c("source", String(32), _SOURCE, OURS),
    ]


# What `analytics.songs` shows of the MSD's own, in this order.
ANALYTICS_SONG_FIELDS = (
    "track_id song_id title artist_id artist_name release year duration song_hotttnesss artist_hotttnesss "
    "artist_familiarity artist_location artist_latitude artist_longitude tempo loudness key key_confidence "
    "mode mode_confidence time_signature time_signature_confidence msd_file"
).split()

ANALYTICS_ARTIST_FIELDS = (
    "artist_id artist_name other_names artist_mbid artist_location artist_latitude artist_longitude "
    "artist_familiarity artist_hotttnesss terms songs"
).split()


def _analytics_songs() -> list[Column[Any]]:
    c = _column
    msd = {column.name: column for column in _songs()}
    return [
        *(msd[name] for name in ANALYTICS_SONG_FIELDS),
        c("match_status", String(16), "`matched`, or why there is no match.", OURS),
        c("match_score", Double, "Score of the match, or of the best that was refused.", OURS, low=0, high=1),
        c("match_margin", Double, "Lead of the best candidate over the next.", OURS, low=0, high=1),
        c("match_reasons", Super, "Why, in words, of the best candidate.", OURS),
        c("spotify_track_id", _ID, "The track's match on Spotify; NULL where there is none.", SPOTIFY),
        c("spotify_name", _NAME, "The matched track's name.", SPOTIFY),
        c("spotify_artist_id", _ID, "The first artist credited on it.", SPOTIFY),
        c("spotify_artist_name", _NAME, "That artist's name.", SPOTIFY),
        c("spotify_album_name", _NAME, "The album the matched track is on.", SPOTIFY),
        c("spotify_release_date", String(10), "Release of that album, often a reissue.", SPOTIFY),
        c("spotify_duration", Double, "Length of the matched track.", SPOTIFY, unit="seconds", low=0),
        c("isrc", String(32), "The matched recording's ISRC.", SPOTIFY),
        c("popularity", Integer, "Spotify's popularity; extended access only.", SPOTIFY, low=0, high=100),
        c("spotify_url", String(256), "The matched track's page.", SPOTIFY),
        *_audio_features("spotify_"),
        c("features_source", String(32), "Who gave the `spotify_…` audio features.", OURS),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _analytics_artists() -> list[Column[Any]]:
    c = _column
    msd = {column.name: column for column in _artists()}
    return [
        *(msd[name] for name in ANALYTICS_ARTIST_FIELDS),
        c("songs_matched", Integer, "How many of the songs have a match on Spotify.", OURS, low=0),
        c("spotify_artist_id", _ID, "The artist on Spotify; NULL where no song was matched.", SPOTIFY),
        c("spotify_name", _NAME, "That artist's name.", SPOTIFY),
        c("votes", Integer, "Matched songs that credit that artist.", OURS, low=1),
        c("agreement", Double, "How alike the two names are.", OURS, low=0, high=1),
        c("genres", Super, "Genres Spotify names.", SPOTIFY),
        c("popularity", Integer, "Spotify's popularity; extended access only.", SPOTIFY, low=0, high=100),
        c("followers", BigInteger, "Followers on Spotify; extended access only.", SPOTIFY, low=0),
        c("spotify_url", String(256), "The artist's page on Spotify.", SPOTIFY),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


# Each staged kind, by the name of the asset that makes it.
STAGED: dict[str, Table] = {
    table.name: table
    for table in (
        _staged("msd_songs", "MSD tracks, as landed.", _songs(), dist="track_id"),
        _staged("msd_artists", "MSD artists as each slice sees them.", _artists(), dist="artist_id"),
        _staged("spotify_search", "What was asked about each track.", _searches(), dist="track_id"),
        _staged(
            "spotify_tracks", "Tracks found, as each slice saw them.", _tracks(), dist="spotify_track_id"
        ),
        _staged("mapped_songs", "Candidates for each MSD track.", _mapped_songs(), dist="track_id"),
        _staged(
            "artist_votes", "Votes of each slice for Spotify artists.", _artist_votes(), dist="artist_id"
        ),
        _staged(
            "spotify_artists",
            "Artists, as each slice saw them.",
            _spotify_artists(),
            dist="spotify_artist_id",
        ),
        _staged(
            "audio_features",
            "Audio features, as each slice saw them.",
            _features_table(),
            dist="spotify_track_id",
        ),
    )
}

# Fields a staged file may carry for the assets downstream that no table has.
FILE_ONLY: dict[str, frozenset[str]] = {"spotify_search": frozenset({"tracks"})}

# The tables readers use, in the order they are filled.
PUBLISHED: dict[str, Table] = {
    f"{table.schema}.{table.name}": table
    for table in (
        _table("songs", "msd", "An MSD track a row.", _songs(), dist="track_id", sort="track_id"),
        _table("artists", "msd", "An MSD artist a row.", _artists(), dist="artist_id", sort="artist_id"),
        _table(
            "tracks",
            "spotify",
            "A Spotify track a row.",
            _tracks(),
            dist="spotify_track_id",
            sort="spotify_track_id",
        ),
        _table(
            "artists",
            "spotify",
            "A Spotify artist a row.",
            _spotify_artists(),
            dist="spotify_artist_id",
            sort="spotify_artist_id",
        ),
        _table(
            "audio_features",
            "spotify",
            "A track's audio features a row and provider.",
            _features_table(),
            dist="spotify_track_id",
            sort="spotify_track_id",
        ),
        _table(
            "popularity_history",
            "spotify",
            "A track's or an artist's popularity on a day.",
            _popularity_history(),
            dist="id",
            sort="date",
        ),
        _table(
            "songs",
            "mapped",
            "A candidate for an MSD track a row.",
            _mapped_songs(),
            dist="track_id",
            sort="track_id",
        ),
        _table(
            "artists",
            "mapped",
            "A Spotify artist an MSD artist may be.",
            _mapped_artists(),
            dist="artist_id",
            sort="artist_id",
        ),
        _table(
            "songs",
            "analytics",
            "Every MSD track, wide.",
            _analytics_songs(),
            dist="track_id",
            sort="track_id",
        ),
        _table(
            "artists",
            "analytics",
            "Every MSD artist, wide.",
            _analytics_artists(),
            dist="artist_id",
            sort="artist_id",
        ),
    )
}

LOADS = _table(
    "loads",
    "meta",
    "Which slice of which staging table was loaded from what, by which run.",
    [
        _column("table", String(64), "The staging table.", OURS, key=True),
        _column("slice", String(32), "The slice.", OURS, key=True),
        _column("checksum", String(64), "SHA-256 of the staged file it was loaded from.", OURS),
        _column("rows", BigInteger, "How many rows it had.", OURS, low=0),
        _column("run_id", String(64), "The Dagster run that loaded it.", OURS),
        _column("loaded_at", DateTime, "When it was loaded (UTC).", OURS),
    ],
    dist="table",
    sort="table",
)

SCHEMAS = ("staging", "meta", "msd", "spotify", "mapped", "analytics")


def row_columns(table: Table) -> list[str]:
    """The column names of a row of this table as a source makes it: all but `slice`."""
    return [str(column.name) for column in table.columns if column.name != "slice"]


def key_columns(table: Table) -> list[str]:
    """The names of the columns that tell a row of this table from every other."""
    return [str(column.name) for column in table.columns if column.info["key"]]
