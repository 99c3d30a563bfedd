"""Whose terms a column's values are under, in words: for the data dictionary, exports and whoever shows them.

A column names its terms by `source`, one of the keys of `TERMS`. What follows from them for a study is in
`docs/terms.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from music_assets.tables.columns import CC0, MSD, OURS, SPOTIFY
from music_assets.tables.companion import LASTFM, MUSIXMATCH, SHS, TAGTRAUM, TASTE_PROFILE


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
    TAGTRAUM: Terms(
        "tagtraum genre annotations",
        "notspecified",
        "http://www.tagtraum.com/msd_genre_datasets.html",
        "tagtraum industries': no licence is stated, offered for research; cite H. Schreiber, Improving "
        "Genre Annotations for the Million Song Dataset, ISMIR 2015.",
        free=False,
    ),
    LASTFM: Terms(
        "Last.fm dataset",
        "other-nc",
        "http://millionsongdataset.com/lastfm",
        "Last.fm's: research, non-commercial; cite the MSD, and the Last.fm dataset, the official song tags "
        "and song similarity collection for the Million Song Dataset.",
        free=False,
    ),
    SHS: Terms(
        "SecondHandSongs dataset",
        "other-nc",
        "http://millionsongdataset.com/secondhand",
        "SecondHandSongs': research, non-commercial; cite the MSD, and the SecondHandSongs dataset, the "
        "official list of cover songs within the Million Song Dataset.",
        free=False,
    ),
    TASTE_PROFILE: Terms(
        "Taste Profile subset",
        "other-nc",
        "http://millionsongdataset.com/tasteprofile",
        "the Echo Nest's, as the MSD: research, non-commercial; cite the MSD, and the Echo Nest Taste "
        "Profile subset, the official user data collection for the Million Song Dataset.",
        free=False,
    ),
    MUSIXMATCH: Terms(
        "musiXmatch dataset",
        "other-nc",
        "http://millionsongdataset.com/musixmatch",
        "musiXmatch's: academic research alone; cite the MSD, and the musiXmatch dataset, the official "
        "lyrics collection for the Million Song Dataset.",
        free=False,
    ),
}
