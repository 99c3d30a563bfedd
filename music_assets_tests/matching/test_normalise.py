"""Text made comparable: what two catalogues write differently becomes one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.matching import normalise
from music_assets.matching.normalise import (
    clean,
    letters_lost,
    loose,
    masked_equal,
    near,
    number,
    plain,
    same_words,
)

TEXT = st.text(max_size=40) | st.text(alphabet="aAiI vVxX.,_-()[]&+!'$#/12 nuthe", max_size=40)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Harbour Lights", "HARBOUR  LIGHTS"),
        ("So Long_ Ferry", "So Long, Ferry"),
        ("Sa~o Luz", "São Luz"),
        ("Salt & Sand", "Salt and Sand"),
        ("Salt + Sand", "Salt And Sand"),
        ("Rock 'n' Roll Boat", "Rock & Roll Boat"),
        ("Salt N'Sand", "Salt N' Sand"),
        ("Salt'n'Sand", "Salt & Sand"),
        ("The Night Ferry", "Night Ferry_ The"),
        ("Corazón De Niño", "Corazon de nino"),
        ("Süße Träume", "Susse Traume"),
        ("Rollin' Down", "Rolling Down"),
        ("Don’t Sink", "Don't Sink"),
        ("Don\x19t Sink", "Don't Sink"),
        ("S.O.S.", "SOS"),
        ("B. J. Carter", "B.J. Carter"),
        ("Ca$h Flow", "Cash Flow"),
        ("P!per", "Piper"),
        ("Tale of Sand Pt. II", "Tale of Sand, Part 2"),
        ("Tale of Sand Pt.2", "Tale Of Sand (part two)"),
        ("Sand Vol. 3", "Sand_ Volume III"),
        ("Skit #3", "Skit No. 3"),
        ("Skit nº 3", "Skit Nr. 3"),
        ("ｗｉｄｅ", "wide"),
        ("Небо", "небо"),
    ],
)
def test_two_spellings_of_one_text_become_one(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Theme II", "Theme III"),
        ("Theme A", "Theme B"),
        ("Hell", "Wheels"),
        ("夜の海", "夏の海"),
        ("!!!", "???"),
        ("Small & Sea", "Small Sea"),
    ],
)
def test_two_texts_stay_two(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize(
    "text", ["夜の海", "Ελένη", "שלום", "مرحبا", "Земля", "!!!", "+/-", "…", "\u200b.", "♥", "_", "The"]
)
def test_text_in_any_script_stays_something(text: str) -> None:
    assert normalise(text)
    assert normalise(text).isascii()


@pytest.mark.parametrize("missing", [None, "", "   ", float("nan")])
def test_missing_text_is_empty(missing: object) -> None:
    assert normalise(missing) == ""  # type: ignore[arg-type]


@given(TEXT)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(TEXT)
def test_only_blank_text_becomes_empty(text: str) -> None:
    assert bool(normalise(text)) == bool(clean(text))
    assert normalise(text).isascii()


@given(TEXT)
def test_case_and_blanks_never_matter(text: str) -> None:
    if text.isascii():
        assert normalise(text.upper()) == normalise(text.lower()) == normalise(f"  {text} ")


@given(st.permutations(["salt", "ferry", "harbour", "night"]))
def test_the_order_of_words_can_be_left_out(words: list[str]) -> None:
    assert same_words(" ".join(words), "salt ferry harbour night")
    assert not same_words(" ".join(words), "salt ferry harbour day")


@given(TEXT)
def test_the_loose_key_is_empty_for_empty_text_only(text: str) -> None:
    assert bool(loose(normalise(text))) == bool(normalise(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Song 4 U", "Song For You"),
        ("Two Hearts", "2 Hearts"),
        ("Sandstorm", "Sand Storm"),
        ("Skit #3", "Skit 3"),
    ],
)
def test_the_loose_key_goes_by_sound(one: str, other: str) -> None:
    assert loose(normalise(one)) == loose(normalise(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("25 Miles", "Twenty-Five Miles"),
        ("Potion Number Nine", "Potion No. 9"),
        ("The Third Stone", "3rd Stone"),
        ("Twenty First Boat", "21st Boat"),
        ("1999", "Nineteen Ninety-Nine"),
        ("Boats Nos. 1 & 2", "Boats No. 1 and 2"),
        ("Jörg", "Joerg"),
        ("Søren Ålesund", "Soeren Aalesund"),
        ("Rollin Down", "Rolling Down"),
        ("You've Got It", "You Got It"),
    ],
)
def test_the_loose_key_writes_numbers_and_letters_one_way(one: str, other: str) -> None:
    assert loose(normalise(one)) == loose(normalise(other))


@pytest.mark.parametrize(
    ("one", "other"), [("25 Miles", "Twenty-Six Miles"), ("Blue", "Blu"), ("King", "Kin")]
)
def test_the_loose_key_keeps_apart_what_differs(one: str, other: str) -> None:
    assert loose(normalise(one)) != loose(normalise(other))


def test_starred_letters_stand_for_any() -> None:
    assert masked_equal("Pu**y Pop", "Pussy Pop")
    assert masked_equal("Pussy Pop", "Pu**y Pop")
    assert not masked_equal("Pu**y Pop", "Pussy Rock")
    assert not masked_equal("****", "Salt")
    assert not masked_equal("Salt", "Salt")


def test_a_question_mark_of_the_msd_stands_for_one_lost_letter() -> None:
    assert letters_lost("?o???? DJ", "Ночной DJ")
    assert letters_lost("Z?a Noc", "Zła Noc")
    assert not letters_lost("?o???? DJ", "Ночная DJs")
    assert not letters_lost("Salt?", "Salts")
    assert not letters_lost("??????", "Ночной")


def test_the_loose_key_keeps_a_letter_that_is_a_name() -> None:
    assert loose(normalise("Plan A")) != loose(normalise("Plan"))


@pytest.mark.parametrize(
    ("one", "other", "is_near"),
    [
        ("hurricane season", "huricane season", True),
        ("my heroine", "my herione", True),
        ("systeme solaire", "system solaire", True),
        ("loba", "loca", False),
        ("helena", "elena", False),
        ("dream", "dreams", False),
        ("stay", "stray", False),
        ("salt 1", "salt 2", False),
        ("harbour lights", "harbour", False),
        ("loving you", "leaving you", False),
    ],
)
def test_near_forgives_a_slip_in_a_long_word_only(one: str, other: str, is_near: bool) -> None:
    assert near(one, other) is near(other, one) is is_near


@pytest.mark.parametrize(
    ("word", "value"), [("7", 7), ("IV", 4), ("two", 2), ("zwei", 2), ("song", None), ("", None)]
)
def test_numbers_are_read_in_digits_numerals_and_words(word: str, value: int | None) -> None:
    assert number(word) == value


@given(TEXT)
def test_plain_text_is_lower_case_words(text: str) -> None:
    assert all(word.isalnum() and word.isascii() and word == word.lower() for word in plain(text).split())
