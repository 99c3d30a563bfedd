"""The tables, once: names, types, keys, and what each column means.

The DDL of both engines, the checks at the gate, Dagster's column schema and the data dictionary are
all made from the `METADATA` here. How the published tables are filled is in `published`; how
staged files reach `staging` is in the engines.

Every staged kind has one table in `staging`, as landed, with the slice (a partition key, or the day
of a refresh) each row came in. Readers use the other schemas.
"""

from __future__ import annotations

from functools import partial
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

from music_assets.tables.types import Super

METADATA = MetaData()

# Whose terms a column stands under.
MSD, SPOTIFY, OURS = "MSD", "Spotify", "Music Assets"

_ID = String(22)  # Spotify's base-62 ids
_MSD_ID = String(18)  # TR…, SO…, AR…
_NAME = String(1024 * 4)  # the MSD's S1024, and room for Spotify's longer names
_SOURCE = (
    "Where the values come from: `api`, `sandbox` (invented), `overrides` (set by hand), or another "
    "provider's name."
)
_FETCHED = "When the answer came in (UTC)."

# When a column is NULL. Every column that may be says so.
_NEVER = "never"
_EMPTY = "the field is empty in the file"
_NAN = "the file has NaN"
_MINUS_ONE = "the file has -1"
_ZERO = "the file has 0"
_NOT_LISTED = "the MSD's list of duplicates does not name it"
_NO_CANDIDATE = "the track has no candidate"
_NO_ARRAYS = "the file has no arrays (a summary file)"
_NOT_LOOKED_UP = "the artist itself was not asked about"
_NOT_GIVEN = "Spotify does not give it"
_EXTENDED = "the app has no extended access, or Spotify does not give it"
_NO_MATCH = "the track has no match, or Spotify does not give it"
_NO_FEATURES = "the track has no match, or nobody gave features of it"
_NO_ARTIST = "no Spotify artist was accepted, or Spotify does not give it"
_NOT_ASKED = "the track was never asked about"
_BY_HAND = "it was set by hand and no search showed it: its id is all that is known"


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
    null: str | None = None,
    cut: bool = False,
) -> Column[Any]:
    """One column; `low` and `high` are the range its values lie in, in `unit`, `null` says when it is NULL.

    `cut` lets a text that is too long be cut, where elsewhere its row would be left out.
    `key` marks the columns that tell a row from all others. They are no PRIMARY KEY: Redshift does
    not enforce one, yet its planner believes it, and DuckDB's index refuses to delete and insert
    the same key in one transaction. Keys are checked at the gate and by asset checks instead.
    """
    nullable = not key if nullable is None else nullable
    null = (null or _usually_null(type_, source)) if nullable else _NEVER
    comment = f"{comment} Longer ones are cut." if cut else comment
    info = {"source": source, "unit": unit, "low": low, "high": high, "key": key, "null": null, "cut": cut}
    return Column(name, type_, comment=comment, info=info, nullable=nullable)


def _usually_null(type_: TypeEngine[Any] | type[TypeEngine[Any]], source: str) -> str:
    """When a column of this kind is NULL, unless it says otherwise."""
    if source == MSD:
        of_kind = {String: _EMPTY, Double: _NAN, BigInteger: _MINUS_ONE}
        kind = type_ if isinstance(type_, type) else type(type_)
        return of_kind.get(kind, _NEVER)
    return _NOT_GIVEN if source == SPOTIFY else _NEVER


def _table(
    name: str, schema: str, comment: str, columns: list[Column[Any]], *, dist: str | None, sort: str
) -> Table:
    """One table; `dist` and `sort` are Redshift's keys (DuckDB has no use for them).

    `dist` says which node a row lies on. It is the id a table is joined by: `track_id` for all that speak of
    an MSD track, so that songs, their candidates and the wide table join without a row being sent; the
    artist's or the Spotify id elsewhere. Ids are hashes, so every node gets its share. None is for the
    few rows of `meta`, a copy of which lies on every node.

    `sort` is how rows lie on disk. In the published tables it is the same id, which makes these joins merge
    joins and an id's rows one block; in `staging` it is `slice`, by which rows are deleted and counted; in
    the history it is the day. Lists (SUPER) can be neither. Encodings are Redshift's own (ENCODE AUTO).
    """
    layout: dict[str, Any] = {"redshift_diststyle": "ALL"} if dist is None else {"redshift_distkey": dist}
    return Table(
        name,
        METADATA,
        *columns,
        schema=schema,
        comment=comment,
        redshift_sortkey=sort,
        **layout,
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
        c(
            "track_id",
            _MSD_ID,
            "The MSD's key of a track (TR…); letters 3 to 5 name its folders.",
            MSD,
            key=True,
        ),
        c("song_id", _MSD_ID, "The Echo Nest's song (SO…); several tracks may share one.", MSD),
        c("title", _NAME, "The title as the MSD has it, brackets and all; `_` stands for `,` and `/`.", MSD),
        c("release", _NAME, "The album the track was taken from, often a compilation or a reissue.", MSD),
        c("artist_id", _MSD_ID, "The Echo Nest's artist (AR…); may have several spellings.", MSD),
        c("artist_name", _NAME, "The artist as credited on this track, often several joined.", MSD),
        c("artist_mbid", String(40), "The artist's MusicBrainz id of 2010; some were merged since.", MSD),
        c("artist_location", _NAME, "Where the artist is from, in free words: city, country, both.", MSD),
        c(
            "artist_latitude",
            Double,
            "Latitude of it, north positive.",
            MSD,
            unit="degrees",
            low=-90,
            high=90,
        ),
        c(
            "artist_longitude",
            Double,
            "Longitude of it, east positive.",
            MSD,
            unit="degrees",
            low=-180,
            high=180,
        ),
        c("artist_familiarity", Double, "How well known the artist was, 0 to about 1.", MSD, low=0),
        c("artist_hotttnesss", Double, "How much talked of the artist was in late 2010, 0 to 1.", MSD, low=0),
        c(
            "song_hotttnesss",
            Double,
            "The same of the song; often unknown, 0 is a value.",
            MSD,
            low=0,
            null=_NAN,
        ),
        c("genre", _NAME, "Empty in all files seen; tags are in `msd.artists.terms`.", MSD),
        c("year", Integer, "Year of release by MusicBrainz; half are unknown.", MSD, low=1900, null=_ZERO),
        c("duration", Double, "Length of the analysed audio.", MSD, unit="seconds", low=0),
        c(
            "tempo",
            Double,
            "Estimated tempo, often half or double of what one hears.",
            MSD,
            unit="BPM",
            low=0,
        ),
        c("loudness", Double, "Overall loudness, below 0 for nearly all: 0 is full scale.", MSD, unit="dB"),
        c("key", Integer, "Estimated key: 0 is C, 1 is C sharp, 11 is B.", MSD, low=0, high=11),
        c("key_confidence", Double, "How sure the analysis is of the key; 0 is a guess.", MSD, low=0, high=1),
        c("mode", Integer, "Estimated mode: 1 is major, 0 is minor.", MSD, low=0, high=1),
        c("mode_confidence", Double, "How sure the analysis is of it; 0 is a guess.", MSD, low=0, high=1),
        c("time_signature", Integer, "Estimated beats a bar.", MSD, low=0),
        c("time_signature_confidence", Double, "How sure the analysis is of it.", MSD, low=0, high=1),
        c("danceability", Double, "0 in all files seen: not analysed. Spotify's is another.", MSD),
        c("energy", Double, "0 in all files seen: not analysed. Spotify's is another.", MSD),
        c("end_of_fade_in", Double, "Where the fade-in ends; 0 without one.", MSD, unit="seconds", low=0),
        c("start_of_fade_out", Double, "Where the fade-out starts.", MSD, unit="seconds", low=0),
        c("analysis_sample_rate", Integer, "Of the analysed audio, mostly 22,050.", MSD, unit="Hz", low=0),
        c("audio_md5", String(32), "MD5 of the analysed audio: equal for the same audio.", MSD),
        c(
            "analyzer_version",
            String(32),
            "Release of the Echo Nest's analyzer that was used.",
            MSD,
            null="empty in most files",
        ),
        c("artist_7digitalid", BigInteger, "The artist's id in 7digital's shop of 2010.", MSD),
        c("artist_playmeid", BigInteger, "The artist's id at play.me, which is gone.", MSD),
        c("release_7digitalid", BigInteger, "The release's id in 7digital's shop of 2010.", MSD),
        c("track_7digitalid", BigInteger, "The track's id in 7digital's shop of 2010.", MSD),
        c("msd_file", _NAME, "The file the row was read from, below the MSD root.", OURS),
        c(
            "msd_checksum",
            String(32),
            "Of the song's values as that file has them: with another one the file has changed since.",
            OURS,
        ),
    ]


def _artists() -> list[Column[Any]]:
    c = _column
    return [
        c("artist_id", _MSD_ID, "The Echo Nest's artist (AR…), however it is spelt.", MSD, key=True),
        c("artist_name", _NAME, "The spelling most of the artist's tracks have.", MSD, null=_EMPTY),
        c("other_names", Super, "The other spellings, most frequent first: `[name, …]`.", MSD),
        c("artist_mbid", String(40), "The artist's MusicBrainz id of 2010; some were merged since.", MSD),
        c("artist_location", _NAME, "Where the artist is from, in free words: city, country, both.", MSD),
        c(
            "artist_latitude",
            Double,
            "Latitude of it, north positive.",
            MSD,
            unit="degrees",
            low=-90,
            high=90,
        ),
        c(
            "artist_longitude",
            Double,
            "Longitude of it, east positive.",
            MSD,
            unit="degrees",
            low=-180,
            high=180,
        ),
        c("artist_familiarity", Double, "How well known the artist was, 0 to about 1.", MSD, low=0),
        c("artist_hotttnesss", Double, "How much talked of the artist was in late 2010, 0 to 1.", MSD, low=0),
        c("artist_7digitalid", BigInteger, "The artist's id in 7digital's shop of 2010.", MSD),
        c("artist_playmeid", BigInteger, "The artist's id at play.me, which is gone.", MSD),
        c("terms", Super, "Tags, best first: `[{term, frequency, weight}]`.", MSD, null=_NO_ARRAYS),
        c("mbtags", Super, "MusicBrainz' tags of 2010: `[{tag, count}]`.", MSD, null=_NO_ARRAYS),
        c("similar_artists", Super, "`artist_id`s of up to 100, nearest first.", MSD, null=_NO_ARRAYS),
        c("songs", Integer, "How many tracks of the MSD in use are the artist's.", OURS, low=1),
        c("first_track_id", _MSD_ID, "The smallest of their ids: the file the values come from.", OURS),
    ]


def _searches() -> list[Column[Any]]:
    c = _column
    return [
        c("track_id", _MSD_ID, "The MSD track that was asked about.", MSD, key=True),
        c("status", String(16), "`answered` (hits or not), `pending` (not asked yet) or `error`.", OURS),
        c(
            "question",
            String(1024),
            "The query as sent to the search.",
            OURS,
            null="the question is pending",
            cut=True,
        ),
        c("hits", Integer, "How many tracks the answer held.", OURS, low=0, null="there is no answer"),
        c(
            "reason",
            String(4096),
            "Why it is pending or an error, in words.",
            OURS,
            null="it was answered",
            cut=True,
        ),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS, null="there is no answer"),
    ]


def _tracks() -> list[Column[Any]]:
    c = _column
    return [
        c("spotify_track_id", _ID, "Spotify's id of the track, 22 letters and digits.", SPOTIFY, key=True),
        c("name", _NAME, "The track's name, with its version (`- 2011 Remaster`).", SPOTIFY, cut=True),
        c("isrc", String(32), "The recording's ISRC; its copies on other albums share it.", SPOTIFY),
        c("duration_ms", Integer, "Length of the track on this album.", SPOTIFY, unit="ms", low=0),
        c("explicit", Boolean, "Whether its lyrics are marked explicit; false: no, or unknown.", SPOTIFY),
        c("popularity", Integer, "Of recent plays, when fetched.", SPOTIFY, low=0, high=100, null=_EXTENDED),
        c("disc_number", Integer, "The disc of the album it is on, from 1.", SPOTIFY, low=0),
        c("track_number", Integer, "Its number on that disc, from 1.", SPOTIFY, low=0),
        c("artists", Super, "Credited artists in order: `[{spotify_artist_id, name}]`.", SPOTIFY),
        c("spotify_artist_id", _ID, "Spotify's id of the first credited artist.", SPOTIFY),
        c("artist_name", _NAME, "The name of the first credited artist.", SPOTIFY, cut=True),
        c("spotify_album_id", _ID, "Spotify's id of the album this copy of the track is on.", SPOTIFY),
        c("album_name", _NAME, "Title of that album, with its edition.", SPOTIFY, cut=True),
        c("album_type", String(32), "The kind of that album: `album`, `single` or `compilation`.", SPOTIFY),
        c("album_total_tracks", Integer, "How many tracks that album has.", SPOTIFY, low=0),
        c(
            "release_date",
            String(10),
            "Release of that album: year, month or day; often a reissue's.",
            SPOTIFY,
        ),
        c(
            "release_year",
            Integer,
            "The first four digits of `release_date`.",
            SPOTIFY,
            low=0,
            null=_NOT_GIVEN,
        ),
        c("available_markets", Super, 'ISO countries it plays in: `["CA", …]`.', SPOTIFY, null=_EXTENDED),
        c("url", String(256), "The track's page on Spotify, to link to wherever its data is shown.", SPOTIFY),
        c(
            "relinked_to",
            _ID,
            "The id under which Spotify answers in its place: another copy, whose values these are.",
            SPOTIFY,
            null="Spotify answers under the track's own id",
        ),
        c(
            "vanished_at",
            DateTime,
            "When Spotify first said that it does not know the id any more (UTC); the values are the last.",
            OURS,
            null="it was there when last asked for",
        ),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS, null=_BY_HAND),
    ]


def _mapped_songs() -> list[Column[Any]]:
    c = _column
    return [
        c("track_id", _MSD_ID, "The MSD track that a Spotify track was sought for.", MSD, key=True),
        c(
            "spotify_track_id",
            _ID,
            "A candidate: one of the hits of the search.",
            SPOTIFY,
            key=True,
            nullable=True,
            null=_NO_CANDIDATE,
        ),
        c(
            "status",
            String(16),
            "`matched`, `ambiguous`, `below_floor`, `no_candidates`, `pending`, `error`.",
            OURS,
        ),
        c("rank", Integer, "Place among the track's candidates, 1 is best.", OURS, low=1, null=_NO_CANDIDATE),
        c("accepted", Boolean, "Whether this candidate is the match; true of one row a track at most.", OURS),
        c("equivalent", Boolean, "Whether it is the accepted recording on another album.", OURS),
        c(
            "score",
            Double,
            "How sure the matcher is of it, 1 is surest.",
            OURS,
            low=0,
            high=1,
            null=_NO_CANDIDATE + ", or was set by hand to none of them",
        ),
        c(
            "margin",
            Double,
            "Lead of the best over the next recording.",
            OURS,
            low=0,
            high=1,
            null=_NO_CANDIDATE + ", or was set by hand",
        ),
        c("reasons", Super, "What spoke for and against, or why it is pending: `[reason, …]`.", OURS),
        c(
            "question",
            String(1024),
            "The query that brought the candidate, as sent.",
            OURS,
            null=_NOT_ASKED,
            cut=True,
        ),
        c("source", String(32), _SOURCE, OURS, null=_NOT_ASKED),
        c("matcher_version", String(32), "The matcher that decided: number and checksum.", OURS),
        c("fetched_at", DateTime, _FETCHED, OURS, null="there is no answer"),
        c("by_hand", Boolean, "Whether an entry of the overrides decided, not the matcher.", OURS),
        c(
            "known_mismatch",
            Boolean,
            "Whether the MSD lists its song-to-track link as wrong; false where that list is not in use.",
            MSD,
            null=_NEVER,
        ),
        c(
            "duplicate_group",
            _MSD_ID,
            "The smallest id of the tracks that are the same recording.",
            MSD,
            null=_NOT_LISTED,
        ),
    ]


def _artist_votes() -> list[Column[Any]]:
    c = _column
    return [
        c("artist_id", _MSD_ID, "The MSD artist whose matched tracks vote.", MSD, key=True),
        c("spotify_artist_id", _ID, "A Spotify artist credited on a matched track.", SPOTIFY, key=True),
        c("spotify_artist_name", _NAME, "How that artist is spelt on Spotify.", SPOTIFY, cut=True),
        c("votes", Integer, "Matched tracks of the slice that credit that artist.", OURS, low=1),
        c("agreement", Double, "How alike the two names are, 1 is equal.", OURS, low=0, high=1),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _mapped_artists() -> list[Column[Any]]:
    c = _column
    return [
        c("artist_id", _MSD_ID, "The MSD artist that a Spotify artist was sought for.", MSD, key=True),
        c("spotify_artist_id", _ID, "A candidate: credited on one of its matched tracks.", SPOTIFY, key=True),
        c("spotify_artist_name", _NAME, "How that artist is spelt on Spotify.", SPOTIFY),
        c("rank", Integer, "Place by votes times agreement, 1 is best.", OURS, low=1),
        c("accepted", Boolean, "Whether this is the artist; of one row an artist at most.", OURS),
        c("votes", Integer, "Matched tracks that credit the Spotify artist.", OURS, low=1),
        c("share", Double, "Votes over all votes of the MSD artist: guests lower it.", OURS, low=0, high=1),
        c("agreement", Double, "How alike the two names are, 1 is equal.", OURS, low=0, high=1),
        c("source", String(32), _SOURCE, OURS),
    ]


def _spotify_artists() -> list[Column[Any]]:
    c = _column
    return [
        c("spotify_artist_id", _ID, "Spotify's id of the artist, 22 letters and digits.", SPOTIFY, key=True),
        c("name", _NAME, "How the artist is spelt on Spotify.", SPOTIFY, cut=True),
        c("genres", Super, "Genres of the artist: `[genre, …]`, often empty.", SPOTIFY, null=_NOT_LOOKED_UP),
        c("popularity", Integer, "Of recent plays, when fetched.", SPOTIFY, low=0, high=100, null=_EXTENDED),
        c("followers", BigInteger, "How many follow the artist on Spotify.", SPOTIFY, low=0, null=_EXTENDED),
        c("url", String(256), "Web page of the artist, to link to.", SPOTIFY, null=_NOT_LOOKED_UP),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _audio_features(null: str, prefix: str = "") -> list[Column[Any]]:
    def c(name: str, *args: Any, **kw: Any) -> Column[Any]:
        return _column(prefix + name, *args, null=null, **kw)

    return [
        c("danceability", Double, "How fit for dancing, by tempo and beat.", SPOTIFY, low=0, high=1),
        c("energy", Double, "Perceived intensity: fast, loud and noisy is near 1.", SPOTIFY, low=0, high=1),
        c("key", Integer, "Key: 0 is C, 11 is B; -1 where none was found.", SPOTIFY, low=-1, high=11),
        c("loudness", Double, "Overall loudness; 0 is full scale.", SPOTIFY, unit="dB"),
        c("mode", Integer, "Mode: 1 is major, 0 is minor.", SPOTIFY, low=0, high=1),
        c("speechiness", Double, "How much is spoken; above 0.66 most.", SPOTIFY, low=0, high=1),
        c("acousticness", Double, "How surely it is acoustic, 1 is surest.", SPOTIFY, low=0, high=1),
        c("instrumentalness", Double, "How surely it has no vocals, 1 is surest.", SPOTIFY, low=0, high=1),
        c("liveness", Double, "How surely it is live; above 0.8 most likely.", SPOTIFY, low=0, high=1),
        c("valence", Double, "How positive it sounds: 1 cheerful, 0 sad or angry.", SPOTIFY, low=0, high=1),
        c(
            "tempo",
            Double,
            "Estimated tempo, often half or double of what one hears.",
            SPOTIFY,
            unit="BPM",
            low=0,
        ),
        c("time_signature", Integer, "Estimated beats a bar.", SPOTIFY, low=0),
    ]


def _features_table() -> list[Column[Any]]:
    c = _column
    return [
        c("spotify_track_id", _ID, "Spotify's id of the track that was analysed.", SPOTIFY, key=True),
        c("source", String(32), _SOURCE, OURS, key=True),
        *_audio_features(_NOT_GIVEN),
        c("duration_ms", Integer, "Length of the analysed track.", SPOTIFY, unit="ms", low=0),
        c("fetched_at", DateTime, _FETCHED, OURS),
    ]


def _popularity_history() -> list[Column[Any]]:
    c = _column
    return [
        c("entity", String(8), "What the id is of: `track` or `artist`.", OURS, key=True),
        c("id", _ID, "Spotify's id of that track or artist.", SPOTIFY, key=True),
        c("date", Date, "The day (UTC) it was fetched; the day's last counts.", OURS, key=True),
        c("popularity", Integer, "Spotify's popularity on that day: 0 to 100.", SPOTIFY, low=0, high=100),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS, null="an earlier version kept the row"),
    ]


def _artist_releases(*, staged: bool) -> list[Column[Any]]:
    c = _column
    none = "nothing new was found: the row says that the artist was asked about"
    key: dict[str, Any] = {"nullable": True, "null": none} if staged else {}
    return [
        c(
            "spotify_artist_id",
            _ID,
            "Spotify's id of an artist that MSD songs were matched to.",
            SPOTIFY,
            key=True,
        ),
        c(
            "spotify_album_id",
            _ID,
            "Spotify's id of the release, 22 letters and digits.",
            SPOTIFY,
            key=True,
            **key,
        ),
        c("name", _NAME, "Title of the release, with its edition.", SPOTIFY, cut=True),
        c("album_type", String(32), "The kind of release: `album`, `single` or `compilation`.", SPOTIFY),
        c(
            "release_date",
            String(10),
            "When it came out: year, month or day; a reissue has its own.",
            SPOTIFY,
        ),
        c("release_year", Integer, "The first four digits of `release_date`, 2011 or later.", SPOTIFY, low=0),
        c("total_tracks", Integer, "How many tracks the release has.", SPOTIFY, low=0),
        c("url", String(256), "Web page of the release, to link to.", SPOTIFY),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, _FETCHED, OURS),
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
    c = partial(_column, null=_NO_MATCH)
    msd = {column.name: column for column in _songs()}
    return [
        *(msd[name] for name in ANALYTICS_SONG_FIELDS),
        c("match_status", String(16), "`matched`, or why not, as in `mapped.songs`.", OURS, null=_NEVER),
        c(
            "match_score",
            Double,
            "Of the best candidate, 1 is surest.",
            OURS,
            low=0,
            high=1,
            null=_NO_CANDIDATE,
        ),
        c(
            "match_margin",
            Double,
            "Its lead over the next recording.",
            OURS,
            low=0,
            high=1,
            null=_NO_CANDIDATE,
        ),
        c(
            "match_reasons",
            Super,
            "What spoke for and against the best candidate, in words.",
            OURS,
            null=_NEVER,
        ),
        c("spotify_track_id", _ID, "The track's match on Spotify, the accepted candidate.", SPOTIFY),
        c("spotify_name", _NAME, "Title of the matched track on Spotify.", SPOTIFY),
        c("spotify_artist_id", _ID, "The first artist credited on the matched track.", SPOTIFY),
        c("spotify_artist_name", _NAME, "The name of that first artist.", SPOTIFY),
        c("spotify_album_name", _NAME, "The album the matched track is on, not always `release`.", SPOTIFY),
        c("spotify_release_date", String(10), "Release of that album, often a reissue's.", SPOTIFY),
        c("spotify_duration", Double, "Length of the matched track.", SPOTIFY, unit="seconds", low=0),
        c("isrc", String(32), "The matched recording's ISRC, to join other sources on.", SPOTIFY),
        c("popularity", Integer, "Of recent plays, when it was fetched.", SPOTIFY, low=0, high=100),
        c("spotify_url", String(256), "The matched track's page on Spotify.", SPOTIFY),
        *_audio_features(_NO_FEATURES, "spotify_"),
        c("features_source", String(32), "Who gave the `spotify_…` features.", OURS, null=_NO_FEATURES),
        c("source", String(32), _SOURCE, OURS, null=_NOT_ASKED),
        c("fetched_at", DateTime, "When the matched track was last fetched (UTC).", OURS),
    ]


def _analytics_artists() -> list[Column[Any]]:
    c = partial(_column, null=_NO_ARTIST)
    msd = {column.name: column for column in _artists()}
    return [
        *(msd[name] for name in ANALYTICS_ARTIST_FIELDS),
        c(
            "songs_matched",
            Integer,
            "How many of the songs have a match on Spotify.",
            OURS,
            low=0,
            null=_NEVER,
        ),
        c("spotify_artist_id", _ID, "The artist on Spotify, by the votes of its matched songs.", SPOTIFY),
        c("spotify_name", _NAME, "How that artist is spelt on Spotify.", SPOTIFY),
        c("votes", Integer, "Matched songs that credit that Spotify artist.", OURS, low=1),
        c("agreement", Double, "How alike the two names are, 1 is equal.", OURS, low=0, high=1),
        c("genres", Super, "Genres of the artist: `[genre, …]`, often empty.", SPOTIFY),
        c("popularity", Integer, "Of recent plays, when fetched.", SPOTIFY, low=0, high=100),
        c("followers", BigInteger, "How many follow the artist on Spotify.", SPOTIFY, low=0),
        c("spotify_url", String(256), "Web page of the artist, to link to.", SPOTIFY),
        c("source", String(32), _SOURCE, OURS),
        c("fetched_at", DateTime, "When the Spotify artist was last fetched (UTC).", OURS),
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

# What is staged by day, each slice named by its date: the refreshes of these kinds, and a kind that no
# partition brings.
STAGED_BY_DAY: dict[str, Table] = {
    "spotify_tracks": STAGED["spotify_tracks"],
    "spotify_artists": STAGED["spotify_artists"],
    "artist_releases": _staged(
        "artist_releases",
        "Releases since 2011 of matched artists, by the day they were asked about.",
        _artist_releases(staged=True),
        dist="spotify_artist_id",
    ),
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
            "artist_releases",
            "spotify",
            "A release since 2011 a row and matched artist.",
            _artist_releases(staged=False),
            dist="spotify_artist_id",
            sort="spotify_artist_id",
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
        _column(
            "table", String(64), "The staging table that was filled, without its schema.", OURS, key=True
        ),
        _column(
            "slice", String(32), "The slice of it: a partition key, or the day of a refresh.", OURS, key=True
        ),
        _column("checksum", String(64), "SHA-256 of the staged file it was loaded from.", OURS, null=_NEVER),
        _column("rows", BigInteger, "How many rows that file had.", OURS, low=0, null=_NEVER),
        _column("run_id", String(64), "The Dagster run that loaded it, by its id.", OURS, null=_NEVER),
        _column("loaded_at", DateTime, "When it was loaded (UTC).", OURS, null=_NEVER),
    ],
    dist=None,
    sort="table",
)

READERS_SCHEMAS = ("msd", "spotify", "mapped", "analytics")
SCHEMAS = ("staging", "meta", *READERS_SCHEMAS)


def row_columns(table: Table) -> list[str]:
    """The column names of a row of this table as a source makes it: all but `slice`."""
    return [str(column.name) for column in table.columns if column.name != "slice"]


def key_columns(table: Table) -> list[str]:
    """The names of the columns that tell a row of this table from every other."""
    return [str(column.name) for column in table.columns if column.info["key"]]
