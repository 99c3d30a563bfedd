"""What the identifiers of the field look like: MSD, Spotify, MusicBrainz, ISRC.

Here: patterns and the few functions on them, so that no module keeps a pattern of its own. Everyone may
import this. What an id leads to is the matter of the source that knows it.
"""

from __future__ import annotations

import re
from string import ascii_uppercase
from typing import NamedTuple

# The Echo Nest's ids as the MSD has them: two capitals, then 16 capitals or digits. Letters 3 to 5 of a
# track's id name the folders that its file lies in, the first two of them its partition (the MSD's FAQ).
MSD_TRACK_ID = re.compile(r"TR[A-Z]{2}[A-Z0-9]{14}")
PARTITION_KEY = re.compile(r"[A-Z]{2}")
PARTITION_KEYS = tuple(first + second for first in ascii_uppercase for second in ascii_uppercase)
MSD_SONG_ID = re.compile(r"SO[A-Z0-9]{16}")
MSD_ARTIST_ID = re.compile(r"AR[A-Z0-9]{16}")
# Base 62, 128 bits: 22 letters and digits (Spotify: "Spotify URIs and IDs").
SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
# A UUID, written in lower case by MusicBrainz.
MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# ISO 3901 without its hyphens: country, registrant, year, designation.
ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")

# Ids of any kind within a text. In lower case an MSD id needs a digit, and a Spotify id more than letters of
# one case: there are words of 18 and 22 letters. MusicBrainz ids come first, as a part may look like an ISRC.
_ANY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    rf"(?P<mbid>(?i:{MBID.pattern}))"
    rf"|(?P<track>{MSD_TRACK_ID.pattern}|(?=[A-Za-z]*[0-9])(?i:{MSD_TRACK_ID.pattern}))"
    rf"|(?P<song>{MSD_SONG_ID.pattern}|(?=[A-Za-z]*[0-9])(?i:{MSD_SONG_ID.pattern}))"
    rf"|(?P<artist>{MSD_ARTIST_ID.pattern}|(?=[A-Za-z]*[0-9])(?i:{MSD_ARTIST_ID.pattern}))"
    rf"|(?P<spotify>(?=[a-z]*[0-9A-Z])(?=[A-Z]*[0-9a-z])(?![A-Z][a-z]*\b){SPOTIFY_ID.pattern})"
    r"|(?P<isrc>(?i:[A-Z]{2}-?[A-Z0-9]{3}-?[0-9]{2}-?[0-9]{5}))"
    r")(?![A-Za-z0-9])"
)

# What looks like an MSD or Spotify id with a few characters more or less; not within a link or a file's name.
_NEARLY = re.compile(
    r"(?<![A-Za-z0-9/=?&_%.-])(?=[A-Za-z]*[0-9][A-Za-z]*[0-9])(?:"
    r"[A-Za-z]{0,8}?(?:TR|SO|AR)[A-Z0-9]{13,18}"
    r"|(?=[0-9A-Z]*[a-z])(?=[0-9a-z]*[A-Z])[A-Za-z0-9]{20,24}"
    r")(?![A-Za-z0-9])"
)


class Id(NamedTuple):
    """An id as its source writes it, and its kind: track, song, artist (MSD), spotify, isrc or mbid."""

    kind: str
    value: str


def find_ids(text: str) -> list[Id]:
    """The ids in a text, in its order, in the spelling of their source: `msd_tr…_feat` holds `TR…`."""
    return [id_ for id_, _ in ids_as_written(text)]


def ids_as_written(text: str) -> list[tuple[Id, str]]:
    """The ids in a text, in its order, each with the spelling that it has there."""
    return [(_id(match), match[0]) for match in _ANY.finditer(text)]


def misspelt_ids(text: str) -> list[str]:
    """Words in a text that look like ids and are none."""
    return [word for word in _NEARLY.findall(text) if not find_ids(word)]


def parse_id(text: str) -> Id | None:
    """The id that a text is, with what people have around it: a URI, a link, the name of a file."""
    text = text.strip()
    if SPOTIFY_ID.fullmatch(text):
        return Id("spotify", text)
    found = find_ids(text)
    return found[0] if len(found) == 1 and not re.search(r"\s", text) else None


def _id(match: re.Match[str]) -> Id:
    kind = str(match.lastgroup)
    value = match[kind]
    if kind == "isrc":
        value = value.replace("-", "")
    return Id(kind, value if kind == "spotify" else value.lower() if kind == "mbid" else value.upper())


def is_spotify_id(text: object) -> bool:
    """Whether this is a text of the form of a Spotify id."""
    return isinstance(text, str) and SPOTIFY_ID.fullmatch(text) is not None


def isrc_of(text: object) -> str | None:
    """An ISRC in one spelling: capitals, without hyphens or spaces; None where this is not one."""
    plain = re.sub(r"[\s-]", "", text).upper() if isinstance(text, str) else ""
    return plain if ISRC.fullmatch(plain) else None


def is_msd_track_id(text: object) -> bool:
    """Whether this is a text of the form of an MSD track id."""
    return isinstance(text, str) and MSD_TRACK_ID.fullmatch(text) is not None


def partition_of(track_id: str) -> str:
    """The partition key of an MSD track: the first two of the letters that name its folders."""
    return track_id[2:4]
