"""Whose terms a column's values are under, in words: for the data dictionary, exports and whoever shows them.

A column names its terms by `source`, one of the keys of `TERMS`. What follows from them for a study is in
`docs/terms.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from music_assets.tables.columns import CC0, MSD, OURS, SPOTIFY


@dataclass(frozen=True)
class Terms:
    """`licence` is its name by SPDX or, where it has none there, by the Open Definition; `url` has its text.

    `free` are values that may be published without asking, on the conditions that `summary` names.
    """

    title: str
    licence: str
    url: str
    summary: str
    free: bool


TERMS: dict[str, Terms] = {
    MSD: Terms(
        "Million Song Dataset",
        "other-nc",
        "http://millionsongdataset.com/faq",
        "the Million Song Dataset, from the Echo Nest and MusicBrainz: research, non-commercial; cite "
        "Bertin-Mahieux, Ellis, Whitman and Lamere, ISMIR 2011.",
        free=True,
    ),
    CC0: Terms(
        "MetaBrainz: MusicBrainz, ListenBrainz, AcousticBrainz",
        "CC0-1.0",
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "the MetaBrainz Foundation's (MusicBrainz, AcousticBrainz, ListenBrainz), CC0: may be kept, "
        "published and used for machine learning.",
        free=True,
    ),
    OURS: Terms(
        "Music Assets",
        "MIT",
        "https://spdx.org/licenses/MIT.html",
        "computed by this project from these; MIT, as the code.",
        free=True,
    ),
    SPOTIFY: Terms(
        "Spotify",
        "other-closed",
        "https://developer.spotify.com/terms",
        "Spotify's Developer Terms and Policy (15 May 2025): no database beyond what the app needs, none "
        "kept without end, no analysis, no training of models on it, no publication. Each such row says "
        "where its values come from (`source`), most of them when (`fetched_at`).",
        free=False,
    ),
}
