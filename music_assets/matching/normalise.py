"""Any name made comparable: one script, case, punctuation, numerals, abbreviations and usual respellings.

Not here: taking a title (`titles`) or an artist credit (`artists`) apart; word lists (`vocabulary`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii
from rapidfuzz.distance import OSA

from music_assets.matching import vocabulary

CACHE_SIZE = 1 << 15  # entries per cache: more than a partition's songs and their candidates

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘‛ʼʻ´`′＇", "'"))
_LOST_BYTES = str.maketrans("\x13\x14\x18\x19\x1c\x1d", "--''\"\"")
"""What is left in the MSD of dashes and curly quotes (U+2013 and its like) that lost their high byte."""
_ROTATED_ARTICLE = re.compile(
    r"^(.*\S)\s*[,_]\s*(the|a|an|los|las|les|die|der)\s*$", re.IGNORECASE | re.DOTALL
)
_DROPPED_G = re.compile(r"(?<=[a-z][a-z])in'(?![a-z])")
_STUCK_AND = re.compile(r"(?:\s'?|')n'(?=[a-z])|'n'")
_INITIALS = re.compile(r"(?<![a-z0-9])(?:[a-z]\.){2,}[a-z]?(?![a-z])")
_NUMBER_SIGN = re.compile(r"#\s*(?=\d)|\bn[°o]\.?\s*(?=\d)|\bnr\.?\s*(?=\d)")
_STUCK_NUMBER = re.compile(r"\b(pt|pts|part|vol|volume)\.?(?=\d)")
_ACCENT_APART = re.compile(r"(?<=[a-z])[~^](?=[a-z])")  # beside its letter: "Joa~o"
_APART_INITIALS = re.compile(r"\b[a-z](?: [a-z])+\b")  # "b b king" is "bb king"
_LEADING_ARTICLES = re.compile(rf"^(?:(?:{'|'.join(vocabulary.ARTICLES)}) )+")
_NOT_WORDS = re.compile(r"[^a-z0-9]+")
_UMLAUT = re.compile(r"(?<![aeiouq])(?:([aou])e(?=[a-z])|(a)a)")
"""Two ASCII spellings of one letter: ä, ö, ü, ø and å are "a", "o", "u" after transliteration, but some write
"ae", "oe", "ue", "aa"."""
_MASKED = re.compile(r"(?<=\w)\*+|\*+(?=\w)|(?<=[^\W\d_])[#@%](?=[^\W\d_])")


def as_text(value: object) -> str:
    """The value if it is a string, else "": None and NaN stand for text that is missing."""
    return value if isinstance(value, str) else ""


def clean(value: object) -> str:
    """The text, stripped, with the MSD's damaged dashes and quotes repaired; "" for what is not text."""
    text = as_text(value).strip()
    return text if text.isprintable() else text.translate(_LOST_BYTES)


@lru_cache(maxsize=CACHE_SIZE)
def plain(text: str) -> str:
    """ASCII words in lower case, one space apart; nothing respelled. May be empty."""
    return " ".join(_words(_ascii(clean(text))))


@lru_cache(maxsize=CACHE_SIZE)
def normalise(text: str | None) -> str:
    """The text as it is compared: ASCII, lower case, one space between words, no leading article.

    `&` and `'n'` become "and", "Pt. II" becomes "part 2", "S.O.S." becomes "sos", MSD's `_` a space. Any
    script is transliterated. Only blank text gives "": text without letters or digits ("!!!", "+/-") keeps
    its signs. Normalising twice changes nothing.
    """
    raw = clean(text)
    lowered = _ascii(raw)
    words = _words(_spell_signs(lowered))
    if not words:
        return _signs_only(raw, lowered)
    joined = _APART_INITIALS.sub(lambda match: match[0].replace(" ", ""), " ".join(words)).split(" ")
    counted = _count([vocabulary.ABBREVIATIONS.get(word, word) for word in joined])
    return _LEADING_ARTICLES.sub("", " ".join(vocabulary.RESPELLINGS.get(word, word) for word in counted))


@lru_cache(maxsize=CACHE_SIZE)
def loose(text: str) -> str:
    """A key for what sounds alike: no spaces, no articles, "to"/"too"/"two" as 2, "four"/"for" as 4, numbers
    and ordinals in words as digits, "ae" as "a", "-in" as "-ing".

    `text` is normalised already. Never empty for text that is not.
    """
    words = [vocabulary.SOUNDS_LIKE.get(word, word) for word in text.split(" ")]
    key: list[str] = []
    tens = 0
    for word, following in zip(words, [*words[1:], ""], strict=True):
        # "Plan A" keeps its letter; "number 3" and "no 3" are 3.
        if (word in vocabulary.ARTICLES and following) or (
            word in {"no", "nos", "number"} and following[:1].isdigit()
        ):
            continue
        if tens and (word in vocabulary.ORDINALS or (word.isdigit() and len(word) == 1)):
            # "Twenty-Five" is 25, "twenty first" the 21st.
            key[-1] = str(tens // 10)
        tens = vocabulary.TENS.get(word, 0) * 10
        if word in vocabulary.ORDINALS:
            word = f"{vocabulary.ORDINALS[word]}th"
        elif word[:-2].isdigit() and word[-2:] in {"st", "nd", "rd"}:
            word = f"{word[:-2]}th"
        key.append(str(tens or fold(word)))
    return "".join(key)


def fold(word: str) -> str:
    """A normalised word with two spellings of one letter made one: "aerzte" is "arzte"; "joe" stays."""
    if len(word) < 4:
        return word
    if word.endswith("ing") and len(word) > 4:
        word = word[:-1]
    return _UMLAUT.sub(lambda match: match[1] or match[2], word)


def masked_equal(one: str, other: str) -> bool:
    """Whether two raw titles are one but for starred letters: "Pu**y Pop" and "Pussy Pop"."""
    return _fits_mask(one, other) or _fits_mask(other, one)


@lru_cache(maxsize=CACHE_SIZE)
def _mask(masked: str) -> re.Pattern[str] | None:
    pieces = _MASKED.split(_ascii(clean(masked)))
    if len(pieces) < 2 or not any(map(plain, pieces)):
        return None
    return re.compile("[a-z]+".join(re.escape("".join(_words(piece))) for piece in pieces))


def _fits_mask(masked: str, full: str) -> bool:
    pattern = _mask(masked)
    return bool(pattern and pattern.fullmatch("".join(_words(_ascii(clean(full))))))


def letters_lost(damaged: str, whole: str) -> bool:
    """Whether the first text is the second with letters lost as "?", as the MSD has them: "?o???? DJ"."""
    if "?" not in damaged or len(damaged) != len(whole) or damaged.count("?") == len(damaged):
        return False
    return all(
        mine == theirs or (not theirs.isascii() if mine == "?" else _ascii(mine) == _ascii(theirs))
        for mine, theirs in zip(damaged, whole, strict=True)
    )


def same_words(one: str, other: str) -> bool:
    """Whether two normalised texts hold the same words, in whatever order."""
    return sorted(one.split(" ")) == sorted(other.split(" "))


@lru_cache(maxsize=CACHE_SIZE)
def near(one: str, other: str) -> bool:
    """Whether two normalised names are one in two spellings: word by word, numbers equal, short words equal.

    A word of seven letters may have one slip, one of fourteen two, one of six may have lost one letter; the
    first stays, and at most two words differ. A name of one word has seven letters.
    """
    mine, theirs = one.split(" "), other.split(" ")
    apart = [(a, b) for a, b in zip(mine, theirs, strict=False) if a != b]
    return (
        len(mine) == len(theirs)
        and (len(mine) > 1 or min(len(one), len(other)) >= 7)
        and len(apart) <= 2
        and all(
            a[0] == b[0]
            and a.isalpha()
            and b.isalpha()
            and OSA.normalized_similarity(a, b) > (0.85 if len(a) == len(b) else 0.83)
            for a, b in apart
        )
    )


def number(word: str) -> int | None:
    """The number a word stands for (digits, roman up to XX, or a number word), else None."""
    word = word.lower()
    if word.isdecimal() and word.isascii():
        return int(word[:9])
    return vocabulary.ROMAN.get(word) or vocabulary.NUMBER_WORDS.get(word)


def _ascii(text: str) -> str:
    """Lower-case ASCII: compatibility forms folded, other scripts transliterated, apostrophes made one."""
    if text.isascii():
        return text.lower().replace("`", "'")
    return anyascii(unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)).lower().replace("`", "'")


def _words(lowered: str) -> list[str]:
    return _NOT_WORDS.sub(" ", lowered.replace("'", "")).split()


def _spell_signs(lowered: str) -> str:
    """Signs that stand for letters or words, spelled out."""
    rotated = _ROTATED_ARTICLE.match(lowered)
    if rotated:
        lowered = f"{rotated[2]} {rotated[1]}"
    lowered = _STUCK_AND.sub(" n ", lowered)
    lowered = _DROPPED_G.sub("ing", lowered)
    if "." in lowered:
        lowered = _INITIALS.sub(lambda match: match[0].replace(".", ""), lowered)
    lowered = _NUMBER_SIGN.sub("no ", lowered)
    lowered = _STUCK_NUMBER.sub(lambda match: f"{match[1]} ", lowered)
    if "$" in lowered:
        lowered = re.sub(r"(?<=[a-z])\$+|\$+(?=[a-z])", lambda match: "s" * len(match[0]), lowered)
    if "!" in lowered:
        lowered = re.sub(r"(?<=[a-z])!(?=[a-z])", "i", lowered)
    if "~" in lowered or "^" in lowered:
        lowered = _ACCENT_APART.sub("", lowered)
    if "&" in lowered or "+" in lowered or "@" in lowered:
        lowered = re.sub(r"(?<=[\w.!?)'])\s*\+\s*(?=[\w(])", " and ", lowered)
        lowered = lowered.replace("&", " and ").replace("@", " at ")
    return lowered


def _signs_only(raw: str, lowered: str) -> str:
    """What is left of text without a letter or digit: its signs, or its code points where ASCII has none."""
    signs = "".join(lowered.split())
    return signs or "".join(f"u{ord(character):x}" for character in raw if not character.isspace())


def _count(words: list[str]) -> list[str]:
    """Numerals as digits: roman ones of two letters or more anywhere, "I" and "two" after "part"."""
    counted: list[str] = []
    for word in words:
        after = bool(counted) and counted[-1] in vocabulary.COUNTED
        value = number(word) if after or (len(word) > 1 and word in vocabulary.ROMAN) else None
        counted.append(word if value is None else str(value))
    return counted
