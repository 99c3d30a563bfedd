"""Artist credits: the MSD's joined names beside Spotify's lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.matching import artist_agreement
from music_assets.matching.artists import (
    CREDITED,
    EQUAL,
    EXPLAINED,
    LEAD,
    NEAR,
    RENAMED,
    match_credits,
    read_credit,
    split_names,
)

NAMES = st.text(max_size=40) | st.text(alphabet="ab c/;_&,.featwihTs", max_size=40)


@pytest.mark.parametrize(
    ("msd", "spotify"),
    [
        ("The Paper Lanterns", "Paper Lanterns"),
        ("Paper Lanterns_ The", "The Paper Lanterns"),
        ("THE PAPER LANTERNS", "the paper lanterns"),
        ("Winter_ Ada", "Ada Winter"),
        ("Ada Winter_ Jr.", "Ada Winter Jr"),
        ("Panic! In The Bar", "Panic In The Bar"),
        ("Run–W.A.R.P.", "RUN-WARP"),
        ("Mountain & The Seas", "Mountain and The Seas"),
        ("Los Pájaros", "Pajaros"),
        ("AB/XY", "ABXY"),
        ("Motörwolf", "Motorwolf"),
        ("!!!", "!!!"),
        ("Kesha Sand$", "Kesha Sands"),
        ("Rhyme Cartel (Featuring MC Oslo)", "Rhyme Cartel"),
        ("Rhyme Cartel [feat. MC Oslo]", "Rhyme Cartel"),
        ("Rhyme Cartel ft.Oslo", "Rhyme Cartel"),
        ("Ada Winter & Ben Stone", "Ben Stone & Ada Winter"),
        ("Die Mädchen Röhren", "Die Maedchen Roehren"),
        ("Søren Ångström", "Soeren Aangstroem"),
        ("Ms. Ada Winter", "Ada Winter"),
        ("東京サンセット", "東京サンセット"),
    ],
)
def test_one_artist_in_two_spellings(msd: str, spotify: str) -> None:
    assert artist_agreement(msd, spotify) == EQUAL


@pytest.mark.parametrize(
    ("msd", "spotify", "agreement"),
    [
        ("Rhyme Cartel / MC Oslo", "MC Oslo", CREDITED),
        ("Ada Winter;Ben Stone", "Ben Stone", CREDITED),
        ("Ada Winter with Ben Stone", "Ada Winter", CREDITED),
        ("Ada Winter Duet With Ben Stone", "Ben Stone, Ada Winter", CREDITED),
        ("Ada Winter_ Ben Stone", "Ben Stone", CREDITED),
        ("Kid Velvet vs. The Static", "The Static", CREDITED),
        ("Ada Winter & The Squalls", "Ada Winter", LEAD),
        ("Ada Winter & The Squalls", "The Squalls", LEAD),
        ("Ada Winter and her Orchestra", "Ada Winter", EQUAL),
        ("Ada Winter", "Ada Winter Quartet", LEAD),
        ("Squall & The Storm", "Squall", LEAD),
        ("Squall With 94 East", "Squall", CREDITED),
        ("The Ada Winter Blues Band", "Ada Winter", LEAD),
        ("Magic Systeme", "Magic System", NEAR),
        ("Dixie Chicks", "The Chicks", RENAMED),
        ("Salt (Sodium Chloride)", "Salt", EXPLAINED),
        ("Extraordinaires Voisins", "Extraordinaire Voisins", NEAR),
    ],
)
def test_partial_agreement(msd: str, spotify: str, agreement: float) -> None:
    assert artist_agreement(msd, spotify) == agreement


@pytest.mark.parametrize(
    ("msd", "spotify"),
    [
        ("Orchid", "Orchard"),
        ("Hank Sands", "Hank Sands_ Jr."),
        ("Salt Lake Revival", "Salt Lake Revisited"),
        ("Simon & Garland", "Judy Garland"),
        ("Earth_ Fire & Stone", "Stone"),
        ("Ada Winter", "Ada Winter Tribute Band"),
        ("Orchid", "Karaoke Kings"),
        ("Orchid", "Orchid Karaoke"),
        ("The London Pops Orchestra", "The London Symphony Orchestra"),
        ("Various Artists", "Various Artists"),
        ("Orchid", ""),
        ("", ""),
        ("夜空", "夏空"),
    ],
)
def test_two_artists_stay_two(msd: str, spotify: str) -> None:
    assert artist_agreement(msd, spotify) == 0.0


@pytest.mark.parametrize("missing", [None, "", float("nan")])
def test_a_missing_name_agrees_with_nobody(missing: object) -> None:
    assert artist_agreement(missing, "Orchid") == artist_agreement("Orchid", missing) == 0.0  # type: ignore[arg-type]


def test_artists_are_compared_as_sets_and_those_lacking_are_named() -> None:
    song = read_credit(("Rhyme Cartel / MC Oslo",))
    both = match_credits(song, read_credit(("MC Oslo", "Rhyme Cartel")))
    assert (both.value, both.ours, both.theirs) == (EQUAL, (), ())
    one = match_credits(song, read_credit(("Rhyme Cartel",)))
    assert (one.value, one.ours, one.theirs) == (CREDITED, ("mc oslo",), ())
    apart = match_credits(song, read_credit(("Big Tuna", "MC Oslo")))
    assert (apart.value, apart.ours, apart.theirs) == (
        CREDITED,
        ("rhyme cartel",),
        ("big tuna",),
    )
    assert match_credits(song, read_credit(("Big Tuna",))).value == 0.0


def test_a_guest_counts_as_present_wherever_it_is_credited() -> None:
    song, swapped = read_credit(("Rhyme Cartel feat. MC Oslo",)), read_credit(("MC Oslo feat. Rhyme Cartel",))
    match = match_credits(song, swapped, song.featured, swapped.featured)
    assert (match.value, match.ours, match.theirs) == (CREDITED, (), ())
    assert match_credits(song, read_credit(("Rhyme Cartel",)), song.featured).our_guests == ("mc oslo",)


def test_an_artist_whom_the_title_names_as_guest_is_a_guest() -> None:
    track = read_credit(("Rhyme Cartel", "MC Oslo"))
    match = match_credits(read_credit(("Rhyme Cartel",)), track, (), ("mc oslo",))
    assert (match.theirs, match.their_guests) == ((), ("mc oslo",))


def test_a_guest_of_the_candidate_alone_does_not_make_it_the_song_s_artist() -> None:
    match = match_credits(read_credit(("Orchid",)), read_credit(("Big Tuna",)), (), ("big tuna",))
    assert match.value == 0.0


def test_a_composer_beside_the_performer_is_not_a_further_artist() -> None:
    match = match_credits(read_credit(("Ada Winter",)), read_credit(("Franz Schubert", "Ada Winter")))
    assert (match.ours, match.theirs) == ((), ())


@pytest.mark.parametrize(
    "name", ["10 Ft. Sand", "Little Feat & Friends", "Little Feat", "The Feat With Ada", "Feat"]
)
def test_a_name_may_hold_the_word_that_introduces_guests(name: str) -> None:
    assert read_credit((name,)).featured == ()


@pytest.mark.parametrize("name", ["Salt 5 feat. Ada", "112 ft. Ada", "Little Feat feat. Ada"])
def test_guests_after_such_a_name_are_read(name: str) -> None:
    assert read_credit((name,)).featured == ("ada",)


def test_names_joined_by_commas_are_read_as_a_list() -> None:
    match = match_credits(read_credit(("Rhymer",)), read_credit(("Rhymer, MC Oslo, Big Tuna",)))
    assert match.value >= LEAD


def test_guests_are_apart_from_the_artist() -> None:
    credit = read_credit(("Rhyme Cartel (Featuring MC Oslo_ Big Tuna & Lola)",))
    assert credit.names == ("rhyme cartel",)
    assert credit.featured == ("mc oslo", "big tuna", "lola")


def test_a_list_of_names_is_split_at_every_joint() -> None:
    assert split_names("Defoe_ King T & Butch Sands") == ("defoe", "king t", "butch sands")


@given(NAMES, NAMES)
def test_agreement_is_symmetric_and_bounded(one: str, other: str) -> None:
    assert 0.0 <= artist_agreement(one, other) <= 1.0
    assert (artist_agreement(one, other) > 0) == (artist_agreement(other, one) > 0)


@given(st.text(alphabet="abcdefgh", min_size=1, max_size=12))
def test_every_name_agrees_with_itself(name: str) -> None:
    assert artist_agreement(name, name.upper()) == EQUAL
