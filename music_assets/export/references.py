"""What to cite, as text, BibTeX and CFF: the MSD, the open data, companion sets, and this software.

`CITATION.cff` of the repository says the same for those who find it there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

from sqlalchemy import Connection, Table, exists, or_, select

from music_assets.tables import CC0, MSD, OURS, PUBLISHED
from music_assets.tables.companion import LASTFM, MUSIXMATCH, SHS, TAGTRAUM, TASTE_PROFILE
from music_assets.tables.terms import TERMS


@dataclass(frozen=True)
class Reference:
    """A work to cite where columns of `owner` are used; `kind` is BibTeX's."""

    key: str
    kind: str
    authors: tuple[tuple[str, str], ...]  # family and given names
    title: str
    year: int | None
    where: str
    owner: str


REFERENCES = (
    Reference(
        "bertinmahieux2011",
        "inproceedings",
        (
            ("Bertin-Mahieux", "Thierry"),
            ("Ellis", "Daniel P. W."),
            ("Whitman", "Brian"),
            ("Lamere", "Paul"),
        ),
        "The Million Song Dataset",
        2011,
        "Proc. of the 12th International Society for Music Information Retrieval Conference (ISMIR)",
        MSD,
    ),
    Reference(
        "swartz2002",
        "article",
        (("Swartz", "Aaron"),),
        "MusicBrainz: A Semantic Web Service",
        2002,
        "IEEE Intelligent Systems 17(1)",
        CC0,
    ),
    Reference(
        "porter2015",
        "inproceedings",
        (
            ("Porter", "Alastair"),
            ("Bogdanov", "Dmitry"),
            ("Kaye", "Robert"),
            ("Tsukanov", "Roman"),
            ("Serra", "Xavier"),
        ),
        "AcousticBrainz: a community platform for gathering music information obtained from audio",
        2015,
        "Proc. of the 16th International Society for Music Information Retrieval Conference (ISMIR)",
        CC0,
    ),
    Reference(
        "schreiber2015",
        "inproceedings",
        (("Schreiber", "Hendrik"),),
        "Improving Genre Annotations for the Million Song Dataset",
        2015,
        "Proc. of the 16th International Society for Music Information Retrieval Conference (ISMIR)",
        TAGTRAUM,
    ),
    *(
        Reference(key, "dataset", ((name, ""),), title, 2011, TERMS[owner].url, owner)
        for owner, key, name, title in (
            (LASTFM, "lastfm2011", "Last.fm", "The Last.fm dataset of song tags and similarity"),
            (SHS, "secondhandsongs2011", "SecondHandSongs", "The SecondHandSongs dataset of cover songs"),
            (TASTE_PROFILE, "tasteprofile2011", "The Echo Nest", "The Echo Nest Taste Profile subset"),
            (MUSIXMATCH, "musixmatch2011", "musiXmatch", "The musiXmatch dataset of lyrics"),
        )
    ),
)


def software() -> Reference:
    """This software, in the version that is installed."""
    title = f"Music Assets, version {version('music-assets')}"
    return Reference(
        "musicassets", "misc", (("The Music Assets authors", ""),), title, None, "Software", OURS
    )


def owners_of(connection: Connection) -> list[str]:
    """Who owns columns of the published tables that have a value somewhere."""

    def has_values(table: Table, owner: str) -> bool:
        values = [column.is_not(None) for column in table.c if column.info["source"] == owner]
        return bool(values) and bool(connection.scalar(select(exists().where(or_(*values)))))

    return [owner for owner in TERMS if any(has_values(table, owner) for table in PUBLISHED.values())]


def references(owners: Iterable[str]) -> list[Reference]:
    """The works to cite for columns of these owners, and the software."""
    wanted = set(owners)
    return [*(one for one in REFERENCES if one.owner in wanted), software()]


def as_text(reference: Reference) -> str:
    """A reference as it stands in a list of references."""
    authors = ", ".join(f"{_initials(given)}{family}" for family, given in reference.authors)
    year = f", {reference.year}" if reference.year else ""
    return f"{authors}. {reference.title}. {reference.where}{year}."


def as_bibtex(reference: Reference, **more: str) -> str:
    """A BibTeX entry, with more fields where they are given."""
    authors = " and ".join(
        f"{family}, {given}" if given else f"{{{family}}}" for family, given in reference.authors
    )
    place = {"inproceedings": "booktitle", "article": "journal"}.get(reference.kind, "howpublished")
    fields = {"author": authors, "title": f"{{{reference.title}}}", place: reference.where}
    fields |= {"year": str(reference.year)} if reference.year else {}
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in (fields | more).items())
    return f"@{reference.kind}{{{reference.key},\n{lines}\n}}\n"


def as_cff(title: str, version_: str, used: Iterable[Reference]) -> str:
    """A CITATION.cff (https://citation-file-format.github.io, 1.2.0) of a data set with what it is made of.

    Values are JSON strings, which are YAML's as well.
    """
    types = {"inproceedings": "conference-paper", "article": "article", "misc": "software", "dataset": "data"}
    lines = [
        "cff-version: 1.2.0",
        "message: If you use these data, please cite the works below.",
        "type: dataset",
        f"title: {json.dumps(title, ensure_ascii=False)}",
        f"version: {json.dumps(version_)}",
        "authors:",
        "  - name: The Music Assets authors",
        "references:",
    ]
    for one in used:
        lines += [f"  - type: {types[one.kind]}", f"    title: {json.dumps(one.title)}", "    authors:"]
        for family, given in one.authors:
            named = [
                f"      - family-names: {json.dumps(family)}",
                f"        given-names: {json.dumps(given)}",
            ]
            lines += named if given else [f"      - name: {json.dumps(family)}"]
        if one.year:
            lines += [f"    year: {one.year}", f"    notes: {json.dumps(one.where)}"]
    return "\n".join(lines) + "\n"


def _initials(given: str) -> str:
    return "".join(f"{name[0]}. " for name in given.split())
