"""Corrections: what people know of single tracks, from files that a researcher names.

What it offers   `Corrections.read`: the researcher's own overrides, the MSD's list of wrong song-to-track
                 links and its list of duplicates, each optional, by partition.
Terms            the MSD's lists have the MSD's terms (research, non-commercial).
Errors           `CorrectionsError`: a file is missing or an override is invalid. Lines of the MSD's lists
                 that cannot be parsed are left out, counted and named in `warnings`.

What a correction does to a match is in `music_assets.defs.assets`.
"""

from music_assets.sources.corrections.corrections import Corrections, PartitionCorrections
from music_assets.sources.corrections.errors import CorrectionsError
from music_assets.sources.corrections.msd_lists import MsdList, read_duplicates, read_sid_mismatches
from music_assets.sources.corrections.overrides import Override, read_overrides

__all__ = [
    "Corrections",
    "CorrectionsError",
    "MsdList",
    "Override",
    "PartitionCorrections",
    "read_duplicates",
    "read_overrides",
    "read_sid_mismatches",
]
