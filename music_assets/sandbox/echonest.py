"""The sandbox's Echo Nest archive: a JSON file per song, with right ids, wrong, dead and no ids.

Everything follows from the song id and a seed. The shape of a file is the real archive's; the shares are
reported (ids for 70 % of the songs) or invented (one in five of them without a right one). Nobody verified
the real archive either. It is packed in `dumps`; reading archives is in `music_assets.sources.echonest`.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from typing import Any

import orjson

from music_assets.sandbox.spotify.names import dice_of, spotify_id

NAME = "millionsongdataset_echonest.tar.bz2"
FOLDER = "millionsongdataset_echonest"  # what the archive unpacks to
KNOWN = 0.7  # of the songs have a Spotify id in the archive
# Of those on Spotify: a wrong id, a dead one, a dead one and then right ones. Songs that are not on Spotify
# have a dead id, so that one song in five with ids has no right one.
_WRONG, _DEAD, _MOVED = 0.08, 0.05, 0.15
_RECORDED = 30  # percent of the songs with a recording in MusicBrainz, of which it has the id
_TRACKS_OF_A_SONG = 12  # at most, in the catalogue


def members(db: sqlite3.Connection, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """The archive's files, by their names in it."""
    for song_id, _, content in song_files(db, seed):
        yield f"{FOLDER}/{song_id[2:4]}/{song_id}.json", content


def song_files(db: sqlite3.Connection, seed: int = 0) -> Iterator[tuple[str, str, bytes]]:
    """Every song id of the catalogue, what became of it, and its file.

    It is `right`, `moved` (a dead id first), `wrong`, `dead`, `elsewhere` (not on Spotify), or `empty`.
    """
    others = [id_ for (id_,) in db.execute("SELECT id FROM tracks ORDER BY id LIMIT 1000")]
    seen: set[str] = set()
    sql = (
        "SELECT song_id, track_id, title, artist_name, right FROM songs WHERE song_id <> '' ORDER BY track_id"
    )
    for song_id, track_id, title, artist_name, right in db.execute(sql).fetchall():
        if song_id in seen:  # a song of several tracks
            continue
        seen.add(song_id)
        dice = random.Random(f"{seed}/{song_id}")
        fate, ids = _fate(db, dice, track_id, right.split(), others)
        tracks = [_track(db, dice, id_) for id_ in ids]
        if dice_of("recorded", song_id) % 100 < _RECORDED:
            sql = "SELECT mbid FROM recordings WHERE track_id = ?"
            mbids = [f"musicbrainz:track:{mbid}" for (mbid,) in db.execute(sql, [track_id])]
            tracks += [_foreign("musicbrainz", mbid, dice) for mbid in mbids]
        yield song_id, fate, _answer(song_id, title, artist_name, fate, tracks, dice)


def _fate(
    db: sqlite3.Connection, dice: random.Random, track_id: str, right: list[str], others: list[str]
) -> tuple[str, list[tuple[str, str]]]:
    """What the archive knows of a song: each Spotify id, and the id of the track whose album it names."""
    if dice.random() >= KNOWN:
        return ("empty" if dice.random() < 0.5 else "elsewhere"), []
    roll = dice.random()
    if right and roll < _WRONG:
        wrong = _another_take(db, track_id, right) if dice.random() < 0.5 else None
        wrong = wrong or dice.choice(others)
        if wrong not in right:
            return "wrong", [(wrong, wrong)]
    if not right or roll < _WRONG + _DEAD:
        of = right[0] if right else dice.choice(others)
        return "dead", [(spotify_id("gone", of), of)]
    dice.shuffle(right)
    ids = [(id_, id_) for id_ in right]
    if roll < _WRONG + _DEAD + _MOVED:
        return "moved", [(spotify_id("gone", right[0]), right[0]), *ids]
    return "right", ids


def _another_take(db: sqlite3.Connection, track_id: str, right: list[str]) -> str | None:
    """A track that this song brought to Spotify and that is another recording."""
    ids = [spotify_id("track", track_id, str(number)) for number in range(_TRACKS_OF_A_SONG)]
    sql = f"SELECT id FROM tracks WHERE id IN ({','.join('?' * len(ids))}) ORDER BY id"
    return next((id_ for (id_,) in db.execute(sql, ids) if id_ not in right), None)


def _track(db: sqlite3.Connection, dice: random.Random, ids: tuple[str, str]) -> dict[str, Any]:
    id_, of = ids
    sql = (
        "SELECT a.id, a.name, a.release_date FROM tracks t JOIN albums a ON a.id = t.album_id WHERE t.id = ?"
    )
    album_id, name, date = db.execute(sql, [of]).fetchone()
    album = {"foreign_release_id": f"spotify:album:{album_id}", "album_name": name, "album_date": date}
    return _foreign("spotify" if dice.random() < 0.8 else "spotify-WW", f"spotify:track:{id_}", dice) | album


def _foreign(catalog: str, foreign_id: str, dice: random.Random) -> dict[str, Any]:
    own = "TR" + "".join(dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=16))
    return {"catalog": catalog, "foreign_id": foreign_id, "id": own, "album_type": "unknown"}


def _answer(
    song_id: str, title: str, artist: str, fate: str, tracks: list[dict[str, Any]], dice: random.Random
) -> bytes:
    status = {"version": "4.2", "code": 0, "message": "Success"}
    if fate == "empty":
        return orjson.dumps({"response": {"status": status, "songs": []}})
    elsewhere = _foreign("7digital-US", f"7digital-US:track:{dice.randrange(10**8)}", dice)
    song = {"id": song_id, "title": title, "artist_name": artist, "artist_foreign_ids": [], "foreign_ids": []}
    return orjson.dumps({"response": {"status": status, "songs": [song | {"tracks": [elsewhere, *tracks]}]}})
