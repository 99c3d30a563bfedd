"""An MSD song's names are spelt so that an exact comparison with Spotify's can succeed."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sources.listenbrainz import spelt


@pytest.mark.parametrize(
    ("msd", "sent"),
    [
        (("Hello_ Goodbye", "The Beatles", "1"), ("The Beatles", "1", "Hello Goodbye")),
        (("Weak", "Weirdos_ The", "Condor"), ("The Weirdos", "Condor", "Weak")),
        (("Bam (Album Version)", "Ana", "B (Explicit)"), ("Ana", "B", "Bam")),
        (("Bam [2004 Digital Remaster]", "Ana / Ben", "B"), ("Ana", "B", "Bam")),
        (("Bam (Live)", "Ana; Ben", "Either_Or"), ("Ana", "Either Or", "Bam (Live)")),
        (("(Album Version)", "Ana", "B"), ("Ana", "B", "(Album Version)")),
    ],
)
def test_what_the_msd_writes_otherwise_goes(msd: tuple[str, str, str], sent: tuple[str, str, str]) -> None:
    assert spelt(*msd) == sent


@pytest.mark.parametrize("missing", [None, "", "  ", "_", "!!!", math.nan])
def test_title_and_artist_are_needed(missing: str | None) -> None:
    assert spelt(missing, "Ana", "B") is None
    assert spelt("Bam", missing, "B") is None
    names = spelt("Bam", "Ana", missing)
    assert names and (names[0], names[2]) == ("Ana", "Bam")


@given(st.text(), st.text(), st.text())
def test_any_names_are_spelt_or_refused(title: str, artist: str, release: str) -> None:
    names = spelt(title, artist, release)
    assert names is None or all(re.search(r"[^\W_]", name) for name in (names[0], names[2]))
    assert names is None or not any("_" in name for name in names)
