"""Who performs: reading a credit (the MSD's "A / B", "A_ B" or "Name_ The", Spotify's list), comparing two.

Not here: names found inside a title (`titles` hands them over), and what agreement is worth (`evidence`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from music_assets.matching import vocabulary
from music_assets.matching.normalise import CACHE_SIZE, as_text, fold, near, normalise, plain, same_words
from music_assets.matching.records import Candidate, Song

EQUAL, RENAMED, CREDITED, EXPLAINED, LEAD, NEAR = 1.0, 0.97, 0.95, 0.9, 0.85, 0.8
"""What `artist_agreement` gives: the same name, another name of the artist, one of the names credited
together, the name with a bracket that explains it, a leader or a group without the other, the same name in
another spelling. Anything else is 0."""

Renamings = frozenset[tuple[str, str]]
"""Pairs of an artist as the MSD names it and a credit of Spotify's that are one: see `artist_pair`."""

_FEATURED = re.compile(
    r"(?<!^\d)(?<!^\d\d)[\s(\[,_]+(?:(?:featuring|feat|ft|f/|duet with)\s+|(?:feat|ft)\.\s*)"
    r"(?!&|,|and\b|with\b|feat|ft\b)|\s*[(\[]with\s+",
    re.IGNORECASE,
)
"""What introduces guests; "10 Ft. Sand" and "Little Feat & Friends" are names."""
_STRONG = re.compile(
    r"\s*;\s*|\s+/\s*|\s*/\s+|\s+(?:vs\.?|versus|aka|x|presents?|pres\.|duet w/)\s+|_ ",
    re.IGNORECASE,
)
_WEAK = re.compile(r"\s*[/,+&]\s*|\s+(?:and|with|und|et|y|e|con|och|ja|meets)\s+", re.IGNORECASE)
_SUFFIX = re.compile(r"[,_]\s*(?:jr|sr|inc|ltd|the|los|las|les|die|der|ii|iii)\.?\s*$", re.IGNORECASE)
_EXPLAINED = re.compile(r"^(.*\S)\s*[(\[]([^)\]]+)[)\]]\s*$")
_GROUP = re.compile(r"^(?:the|his|her|their|los|las|les|die|de|his|os|friends)\b", re.IGNORECASE)
_COPYIST = re.compile(rf"\b(?:{'|'.join(sorted(map(' '.join, vocabulary.COPYISTS)))})\b")
_COLLECTIVE = frozenset({"various artists", "various", "varios artistas", "unknown artist"})


class Act(NamedTuple):
    """One main artist of a credit: its normalised name, and the members that its name joins. `standing` are
    those that stand for it (the first, full names, groups), `groups` such as "The Squalls"."""

    name: str
    members: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit as read, all normalised.

    `players` are the words of the whole name, `acts` the main artists with all their `members`, `names` all
    names by which it is known: the whole, the acts and the members that stand for them. `featured` are
    those named after "feat.", `explained` brackets after a name, as in "UGK (Underground Kingz)". `copyist`
    marks karaoke and tribute performers.
    """

    players: frozenset[str]
    acts: tuple[Act, ...]
    names: tuple[str, ...]
    members: tuple[str, ...]
    featured: tuple[str, ...]
    explained: tuple[str, ...]
    copyist: bool


class CreditMatch(NamedTuple):
    """How two credits agree: `value` as `artist_agreement` gives it, and the main artists and guests that
    one of the two sides lacks."""

    value: float
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    our_guests: tuple[str, ...] = ()
    their_guests: tuple[str, ...] = ()


@lru_cache(maxsize=CACHE_SIZE)
def read_credit(artist_names: tuple[str, ...]) -> Credit:
    """Read a credit: one joined name, as the MSD writes it, or several, as Spotify lists them."""
    names: list[str] = []
    featured: list[str] = []
    mains: list[str] = []
    acts: list[Act] = []
    brackets: list[str] = []
    for name in artist_names:
        main, *rest = _FEATURED.split(name.strip())
        mains.append(main)
        explained = _EXPLAINED.match(main)
        names.append(normalise(main))
        if explained:
            names.append(normalise(explained[2]))
            brackets.append(normalise(explained[2]))
        acts += _acts(explained[1] if explained else main)
        for other in rest:
            featured.extend(split_names(other))
    acts = [act for act in acts if act.name and act.name not in _COLLECTIVE]
    names += [name for act in acts for name in (act.name, *act.standing)]
    return Credit(
        players=frozenset(normalise(", ".join(mains)).split()) - {"and"},
        acts=tuple(acts),
        names=tuple(dict.fromkeys(name for name in names if name and name not in _COLLECTIVE)),
        members=tuple(member for act in acts for member in act.members),
        featured=tuple(dict.fromkeys(featured)),
        explained=tuple(brackets),
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
    """How far two artist names agree: from EQUAL, the same, to 0, another artist.

    Karaoke and tribute performers agree with nobody but themselves.
    """
    one, other = as_text(msd_name), as_text(spotify_name)
    return match_credits(read_credit((one,)), read_credit((other,))).value


@lru_cache(maxsize=CACHE_SIZE)
def match_credits(
    song: Credit, candidate: Credit, our_guests: tuple[str, ...] = (), their_guests: tuple[str, ...] = ()
) -> CreditMatch:
    """How a song's credit and a candidate's agree, artists as a set; guests are those of credit and title."""
    if not song.names or not candidate.names or song.copyist != candidate.copyist:
        return CreditMatch(0.0)
    ours, theirs = song.names + our_guests, candidate.names + their_guests
    lone_guests = (
        _lacking(our_guests, theirs + candidate.members),
        _lacking(their_guests, ours + song.members),
    )
    if song.players == candidate.players:
        return CreditMatch(EQUAL, (), (), *lone_guests)
    best = max(name_agreement(one, other) for one in song.names for other in candidate.names)
    ours_left, ours_led = _unmatched(song.acts, theirs + our_guests)
    theirs_left, theirs_led = _unmatched(candidate.acts, ours + their_guests)
    if ours_led or theirs_led:
        best = LEAD
    swapped = not best and not (ours_left and theirs_left)
    if swapped and len(_lacking(ours, theirs)) == len(ours):
        return CreditMatch(0.0)
    if swapped or (best > CREDITED and (ours_left or theirs_left)):
        best = CREDITED
    if best >= CREDITED and song.explained != candidate.explained:
        best = EXPLAINED
    return CreditMatch(best, ours_left, theirs_left, *lone_guests)


@lru_cache(maxsize=CACHE_SIZE)
def name_agreement(one: str, other: str) -> float:
    """How far two single normalised names agree: EQUAL, RENAMED, LEAD, NEAR or 0."""
    if one == other or same_words(one, other):
        return EQUAL
    if vocabulary.RENAMED.get(one, one) == vocabulary.RENAMED.get(other, other):
        return RENAMED
    mine, theirs = _core(one), _core(other)
    if "".join(mine) == "".join(theirs) or [*map(fold, mine)] == [*map(fold, theirs)]:
        return EQUAL
    if _leads(mine, theirs) or _leads(theirs, mine):
        return LEAD
    return NEAR if near(" ".join(mine), " ".join(theirs)) else 0.0


def artist_pair(song: Song, candidate: Candidate) -> tuple[str, str]:
    """How `Renamings` name the artists of a song and a candidate."""
    return normalise(song.artist_name), normalise(", ".join(candidate.artist_names))


def _lacking(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The names that agree with none of the others."""
    return tuple(name for name in names if not any(name_agreement(name, other) for other in others))


def _unmatched(acts: tuple[Act, ...], others: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """The main artists the others lack, and whether a leader or a group stands there without the other."""
    lacking: list[str] = []
    led = False
    for act in acts:
        left = _lacking((act.name,), others) and _lacking(act.members or (act.name,), others)
        found = set(act.standing).difference(left)
        if left and found and (act.groups.issuperset(left) or act.groups & found):
            led = True
        elif left:
            lacking += left if found else [act.name]
    return tuple(name for name in lacking if name.rpartition(" ")[2] not in vocabulary.COMPOSERS), led


def _acts(name: str) -> list[Act]:
    """The main artists of a joined credit. One that "&" joins stays one act, with its members."""
    if _SUFFIX.search(name):
        return [Act(normalise(name))]
    acts: list[Act] = []
    for piece in filter(None, map(str.strip, _STRONG.split(name))):
        weak = [part.strip() for part in _WEAK.split(piece) if part.strip()]
        groups = {normalise(part) for part in weak[1:] if _GROUP.match(part) or _ensemble(part)}
        members = tuple(map(normalise, weak))
        standing = (m for i, m in enumerate(members) if not i or m in groups or " " in m)
        joined = (members, tuple(standing), frozenset(groups)) if len(weak) > 1 else ()
        acts.append(Act(normalise(piece), *joined))
    return acts


def _ensemble(name: str) -> bool:
    return normalise(name).rpartition(" ")[2] in vocabulary.ENSEMBLES


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
