"""The sandbox's full MusicBrainz dump: the tables of `mbdump.tar.bz2` that lead to ISRCs and to Spotify.

Tab-separated rows without a header, as PostgreSQL's COPY writes them, in the column order of MusicBrainz's
`admin/sql/CreateTables.sql` of schema 30. The shares are reported; the other dumps are in `dumps`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from music_assets.sandbox.spotify.names import dice_of

NAME = "fullexport/20261114-002212/mbdump.tar.bz2"
_WITH_ISRC = 28  # percent of the recordings of an MSD song: 28.6 of prominent artists' have one
_LINKED = 5  # percent that MusicBrainz links to Spotify
_AT = "2026-11-14 00:22:12.172114+00"
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
Table = list[tuple[Any, ...]]


def members(db: sqlite3.Connection, copying: bytes) -> Iterator[tuple[str, bytes]]:
    """The members of the archive, by name."""
    yield "TIMESTAMP", _AT.encode()
    yield "COPYING", copying
    yield "SCHEMA_SEQUENCE", b"30\n"
    for name, rows in _tables(db).items():
        yield f"mbdump/{name}", _copy(rows)


def _tables(db: sqlite3.Connection) -> dict[str, Table]:
    recordings: Table = []
    isrcs: Table = []
    urls: Table = []
    links: Table = []
    sql = (
        "SELECT r.mbid, r.name, r.artist_mbids, s.duration, t.id, t.isrc FROM recordings r "
        "LEFT JOIN songs s USING (track_id) LEFT JOIN tracks t ON t.id = substr(s.right, 1, 22) "
        "ORDER BY r.mbid"
    )
    for id_, (mbid, name, artists, seconds, track_id, isrc) in enumerate(db.execute(sql), 1):
        length = None if seconds is None else round(seconds * 1000)
        credit = 1 + dice_of("credit", artists) % 10**7
        recordings.append((id_, mbid, name, credit, length, "", 0, _AT, "f"))
        if track_id and dice_of("isrc", mbid) % 100 < _WITH_ISRC:
            isrcs.append((len(isrcs) + 1, id_, isrc, None, 0, _AT))
        if track_id and dice_of("link", mbid) % 100 < _LINKED:
            at = len(urls) + 1
            urls.append((at, mbid, f"https://open.spotify.com/track/{track_id}", 0, _AT))
            links.append((at, 268, id_, at, 0, _AT, 0, "", ""))
    return {"recording": recordings, "isrc": isrcs, "url": urls, "l_recording_url": links}


def _copy(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """Rows as COPY writes them to a text file."""
    lines = ("\t".join(r"\N" if one is None else str(one).translate(_ESCAPES) for one in row) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()
