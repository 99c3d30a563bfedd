"""Who performs: reading an artist credit, and how far two credits agree.

Belongs here: the MSD's joined names ("A / B", "A with B", "A_ B", "Name_ The") and Spotify's lists. Not here:
names found inside a title (`titles` hands them over), and what agreement is worth (`evidence`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from music_assets.matching import vocabulary
from music_assets.matching.normalise import CACHE_SIZE, as_text, near, normalise, plain, same_words

EQUAL, CREDITED, LEAD, NEAR = 1.0, 0.95, 0.85, 0.8
"""What `artist_agreement` gives: the same name, one of the names credited together, the leader of an
ensemble, the same name in another spelling. Anything else is 0."""

_FEATURED = re.compile(r"[\s(\[,_]+(?:(?:featuring|feat|ft|f/)\s+|(?:feat|ft)\.\s*)", re.IGNORECASE)
_STRONG = re.compile(
    r"\s*;\s*|\s+/\s*|\s*/\s+|\s+(?:vs\.?|versus|aka|x|presents?|pres\.)\s+|_ ", re.IGNORECASE
)
_WEAK = re.compile(r"\s*[/,+&]\s*|\s+(?:and|with|und|et|y|e|con|och|ja|meets)\s+", re.IGNORECASE)
_SUFFIX = re.compile(r"[,_]\s*(?:jr|sr|inc|ltd|the|los|las|les|die|der|ii|iii)\.?\s*$", re.IGNORECASE)
_COPYIST = re.compile(rf"\b(?:{'|'.join(sorted(map(' '.join, vocabulary.COPYISTS)))})\b")
_COLLECTIVE = frozenset({"various artists", "various", "varios artistas", "unknown artist"})


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit as read, all normalised.

    `players` are the words of the whole name, `names` the whole and the artists it joins, `lead` what stands
    before the first "&" or comma, `featured` those named after "feat.". `copyist` marks karaoke and tribute
    performers.
    """

    players: frozenset[str]
    names: tuple[str, ...]
    lead: str
    featured: tuple[str, ...]
    copyist: bool


@lru_cache(maxsize=CACHE_SIZE)
def read_credit(artist_names: tuple[str, ...]) -> Credit:
    """Read a credit: one joined name, as the MSD writes it, or several, as Spotify lists them."""
    names: list[str] = []
    featured: list[str] = []
    mains: list[str] = []
    for name in artist_names:
        main, *rest = _FEATURED.split(name.strip())
        mains.append(main)
        names.append(normalise(main))
        pieces = _pieces(main)
        if len(pieces) > 1:
            names.extend(pieces)
        for other in rest:
            featured.extend(split_names(other))
    kept = tuple(dict.fromkeys(name for name in names if name and name not in _COLLECTIVE))
    return Credit(
        players=frozenset(normalise(", ".join(mains)).split()) - {"and"},
        names=kept,
        lead=normalise(_WEAK.split(mains[0])[0]) if mains else "",
        featured=tuple(dict.fromkeys(featured)),
        copyist=any(_COPYIST.search(plain(name)) for name in artist_names),
    )


@lru_cache(maxsize=CACHE_SIZE)
def split_names(text: str) -> tuple[str, ...]:
    """The names in a list such as "A_ B & C", normalised."""
    text = text.strip(" ()[]")
    pieces = (piece for strong in _STRONG.split(text) for piece in _WEAK.split(strong))
    return tuple(dict.fromkeys(filter(None, (normalise(piece.strip(" ()[]_")) for piece in pieces))))


@lru_cache(maxsize=CACHE_SIZE)
def artist_agreement(msd_name: str | None, spotify_name: str | None) -> float:
    """How far two artist names agree, in [0, 1]: 1 the same, 0 another artist.

    In between: an artist of a joint credit, a leader without the ensemble, a name spelled slightly otherwise.
    Karaoke and tribute performers agree with nobody but themselves.
    """
    one, other = as_text(msd_name), as_text(spotify_name)
    return credit_agreement(read_credit((one,)), read_credit((other,)))


@lru_cache(maxsize=CACHE_SIZE)
def credit_agreement(song: Credit, candidate: Credit) -> float:
    """How far a song's credit and a candidate's agree: the best of their names, in [0, 1]."""
    if not song.names or not candidate.names or song.copyist != candidate.copyist:
        return 0.0
    if song.players == candidate.players or song.names[0] == candidate.names[0]:
        return EQUAL
    best = 0.0
    for index, ours in enumerate(song.names):
        for place, theirs in enumerate(candidate.names):
            value = name_agreement(ours, theirs)
            if value == EQUAL and (index or place):
                value = CREDITED
            best = max(best, value)
    if song.lead in candidate.names or candidate.lead in song.names:
        best = max(best, LEAD)
    return best


@lru_cache(maxsize=CACHE_SIZE)
def name_agreement(one: str, other: str) -> float:
    """How far two single normalised names agree: EQUAL, LEAD, NEAR or 0."""
    if one == other or same_words(one, other):
        return EQUAL
    mine, theirs = _core(one), _core(other)
    if "".join(mine) == "".join(theirs):
        return EQUAL
    if _leads(mine, theirs) or _leads(theirs, mine):
        return LEAD
    return NEAR if near(" ".join(mine), " ".join(theirs)) else 0.0


def _pieces(name: str) -> list[str]:
    """The names a joined credit holds. A name joined by "&" alone gives only its first: "X & The Ys" is X."""
    if _SUFFIX.search(name):
        return []
    strong = [piece.strip() for piece in _STRONG.split(name) if piece.strip()]
    pieces: list[str] = []
    for piece in strong:
        weak = [part.strip() for part in _WEAK.split(piece) if part.strip()]
        pieces.append(normalise(piece))
        if len(weak) > 1:
            listed = "," in piece or "/" in piece
            named = [normalise(part) for part in (weak if listed else weak[:1])]
            pieces.extend(
                part for index, part in enumerate(named) if len(part.split()) > 1 or (listed and not index)
            )
    return pieces


def _core(name: str) -> list[str]:
    words = name.split(" ")
    while len(words) > 1 and words[0] in vocabulary.ARTIST_ARTICLES:
        words = words[1:]
    return words


def _leads(short: list[str], long: list[str]) -> bool:
    """Whether the long name is the short one's ensemble: "X" and "X Quartet", "X and his Orchestra"."""
    if len(short) >= len(long) or len(short) < 2 or long[: len(short)] != short:
        return False
    return long[-1] in vocabulary.ENSEMBLES
