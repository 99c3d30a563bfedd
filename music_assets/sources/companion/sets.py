"""Which companion sets there are: what each is, and the files it comes in.

Whose terms apply, and how a set is cited, is in `music_assets.tables.terms`, by its title.
"""

from __future__ import annotations

from typing import NamedTuple


class CompanionSet(NamedTuple):
    """One set; `files` are the names its site gives. A text may also be in the ZIP of its name."""

    name: str
    title: str
    about: str
    files: tuple[str, ...]


_SETS = (
    CompanionSet(
        "tagtraum",
        "tagtraum genre annotations",
        "genres of 280,000 tracks, by majority of Last.fm, beaTunes and the All Music Guide",
        ("msd_tagtraum_cd1.cls", "msd_tagtraum_cd2.cls", "msd_tagtraum_cd2c.cls"),
    ),
    CompanionSet(
        "lastfm",
        "Last.fm dataset",
        "tags of 505,000 tracks, with their weights",
        ("lastfm_tags.db", "lastfm_train.zip", "lastfm_test.zip", "lastfm_subset.zip"),
    ),
    CompanionSet(
        "secondhandsongs",
        "SecondHandSongs dataset",
        "18,196 tracks in groups of covers of one work",
        ("shs_dataset_train.txt", "shs_dataset_test.txt"),
    ),
    CompanionSet(
        "taste_profile",
        "Taste Profile subset",
        "48 million plays by a million users, of 384,000 songs",
        ("train_triplets.txt",),
    ),
    CompanionSet(
        "musixmatch",
        "musiXmatch dataset",
        "how often the 5,000 most frequent words, stemmed, are in the lyrics of 237,662 tracks",
        ("mxm_dataset_train.txt", "mxm_dataset_test.txt"),
    ),
)
SETS = {one.name: one for one in _SETS}
