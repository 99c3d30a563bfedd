"""What to cite, as text, BibTeX and CFF: the MSD, the open data, companion sets, and this software.

`CITATION.cff` of the repository says the same for those who find it there. Pages and numbers are those of the
proceedings and of the journal.
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
    """A work to cite where columns of `owner` are used; `kind` is BibTeX's.

    `where` is its proceedings, journal or publisher, `pages` are first and last, `version` is of software.
    """

    key: str
    kind: str
    authors: tuple[tuple[str, str], ...]  # family and given names
    title: str
    year: int | None
    where: str
    owner: str
    volume: int | None = None
    number: int | None = None
    pages: tuple[int, int] | None = None
    doi: str | None = None
    url: str | None = None
    version: str | None = None


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
        pages=(591, 596),
        url="http://millionsongdataset.com",
    ),
    Reference(
        "swartz2002",
        "article",
        (("Swartz", "Aaron"),),
        "MusicBrainz: A Semantic Web Service",
        2002,
        "IEEE Intelligent Systems",
        CC0,
        volume=17,
        number=1,
        pages=(76, 77),
        doi="10.1109/5254.988466",
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
        pages=(786, 792),
        url="https://acousticbrainz.org",
    ),
    Reference(
        "schreiber2015",
        "inproceedings",
        (("Schreiber", "Hendrik"),),
        "Improving Genre Annotations for the Million Song Dataset",
        2015,
        "Proc. of the 16th International Society for Music Information Retrieval Conference (ISMIR)",
        TAGTRAUM,
        pages=(241, 247),
        url=TERMS[TAGTRAUM].url,
    ),
    *(
        Reference(key, "dataset", ((name, ""),), title, 2011, "Data set", owner, url=TERMS[owner].url)
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
    authors = (("The Music Assets authors", ""),)
    release = version("music-assets")
    return Reference(
        "musicassets", "software", authors, "Music Assets", None, "Software", OURS, version=release
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
    issue = f" {reference.volume}({reference.number})" if reference.volume else ""
    where = [
        f"{reference.where}{issue}",
        "pp. {}–{}".format(*reference.pages) if reference.pages else None,
        reference.year,
        f"version {reference.version}" if reference.version else None,
    ]
    address = f"https://doi.org/{reference.doi}" if reference.doi else reference.url
    facts = ", ".join(str(one) for one in where if one)
    return f"{authors}. {reference.title}. {facts}.{f' {address}' if address else ''}"


def as_bibtex(reference: Reference, **more: str) -> str:
    """A BibTeX entry, with more fields where they are given.

    What standard BibTeX has no type for is `misc`: a style that does not know a type leaves its entries out.
    """
    kind = {"dataset": "misc", "software": "misc"}.get(reference.kind, reference.kind)
    authors = " and ".join(
        f"{family}, {given}" if given else f"{{{family}}}" for family, given in reference.authors
    )
    place = {"inproceedings": "booktitle", "article": "journal"}.get(kind, "howpublished")
    software = f"Software, version {reference.version}" if reference.version else None
    fields = {
        "author": authors,
        "title": f"{{{reference.title}}}",
        place: software or reference.where,
        "year": reference.year,
        "volume": reference.volume,
        "number": reference.number,
        "pages": "{}--{}".format(*reference.pages) if reference.pages else None,
        "doi": reference.doi,
        "url": reference.url,
        **more,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{kind}{{{reference.key},\n{lines}\n}}\n"


def as_cff(title: str, version_: str, used: Iterable[Reference]) -> str:
    """A CITATION.cff (https://citation-file-format.github.io, 1.2.0) of a data set with what it is made of.

    Values are JSON strings, which are YAML's as well.
    """
    types = {"inproceedings": "conference-paper", "dataset": "data"}
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
        kind = types.get(one.kind, one.kind)
        lines += [f"  - type: {kind}", f"    title: {json.dumps(one.title)}", "    authors:"]
        for family, given in one.authors:
            named = [
                f"      - family-names: {json.dumps(family)}",
                f"        given-names: {json.dumps(given)}",
            ]
            lines += named if given else [f"      - name: {json.dumps(family)}"]
        first, last = one.pages or (None, None)
        container = {"inproceedings": "collection-title", "article": "journal"}.get(one.kind)
        facts = {
            "year": one.year,
            **({container: one.where} if container else {}),
            "volume": one.volume,
            "issue": one.number,
            "start": first,
            "end": last,
            "doi": one.doi,
            "url": one.url,
            "version": one.version,
        }
        lines += [f"    {name}: {json.dumps(value)}" for name, value in facts.items() if value]
    return "\n".join(lines) + "\n"


def _initials(given: str) -> str:
    return "".join(f"{name[0]}. " for name in given.split())
