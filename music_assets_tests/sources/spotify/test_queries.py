"""The words a song is searched with."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sources.spotify.queries import MAX_QUERY, queries_for


@pytest.mark.parametrize(
    ("title", "artist", "filtered", "plain"),
    [
        ("Soul Deep", "The Box Tops", "track:'Soul Deep' artist:'Box Tops'", "Soul Deep Box Tops"),
        ("I Didn't Mean To", "Casual", "track:'I Didnt Mean To' artist:'Casual'", "I Didnt Mean To Casual"),
        ("Nobody (Album Version)", "Ana", "track:'Nobody' artist:'Ana'", "Nobody Ana"),
        (
            "Down_ Down_ Down",
            "Weirdos_ The",
            "track:'Down Down Down' artist:'Weirdos'",
            "Down Down Down Weirdos",
        ),
        ("Pop (feat. Estelle)", "Ben Watt", "track:'Pop' artist:'Ben Watt'", "Pop Ben Watt"),
        ("Pop", "Ben Watt feat. Estelle", "track:'Pop' artist:'Ben Watt'", "Pop Ben Watt"),
        (
            "Losing Weight Part 2",
            "Cam'Ron / Juelz Santana",
            "track:'Losing Weight Part 2' artist:'CamRon'",
            None,
        ),
        ("Blue (Live At El Matador_ San Francisco)", "Eva", "track:'Blue live' artist:'Eva'", "Blue Eva"),
        ("Honey (Bonus Track) [Dub Mix]", "Eva", "track:'Honey Dub Mix' artist:'Eva'", "Honey Eva"),
        ("50 Ft Queenie", "PJ Harvey", "track:'50 Ft Queenie' artist:'PJ Harvey'", None),
        ("Thunderstruck", "AC/DC", "track:'Thunderstruck' artist:'AC DC'", "Thunderstruck AC DC"),
        ("Feat of Strength", "The The", "track:'Feat of Strength' artist:'The'", None),
        ("ロマンス", "ペニシリン", "track:'ロマンス' artist:'ペニシリン'", "ロマンス ペニシリン"),
        ("Sailin' Shoes", "Little Feat", "track:'Sailin Shoes' artist:'Little Feat'", None),
        ("Skunk", "10 Ft. Ganja Plant", "track:'Skunk' artist:'10 Ft Ganja Plant'", None),
        ("No Mean Feat", "Ana", "track:'No Mean Feat' artist:'Ana'", None),
        ("Six Ft. Under", "Ana", "track:'Six' artist:'Ana'", None),
        ("Yonkers", "Tyler_ The Creator", "track:'Yonkers' artist:'Tyler The Creator'", None),
        ("Yonkers", "Tyler, The Creator", "track:'Yonkers' artist:'Tyler The Creator'", None),
        ("September", "Earth_ Wind & Fire", "track:'September' artist:'Earth Wind Fire'", None),
        ("Dog Days", "Florence + The Machine", "track:'Dog Days' artist:'Florence The Machine'", None),
        ("Dreadlock Holiday", "10cc", "track:'Dreadlock Holiday' artist:'10cc'", None),
        ("So What", "P!nk", "track:'So What'", "So What Pnk"),
        ("Tik Tok", "Ke$ha feat. P!nk", "track:'Tik Tok'", "Tik Tok Keha"),
        ("Holy Sh*t", "Ana", "track:'Holy' artist:'Ana'", "Holy Ana"),
        ("F**k", "P!nk", "Fk Pnk", None),
        ("Hello!", "Wham!", "track:'Hello' artist:'Wham'", "Hello Wham"),
        ("!!!", "!!!", None, None),
        ("???", "Ana", "artist:'Ana'", "Ana"),
    ],
)
def test_what_a_song_is_searched_with(
    title: str, artist: str, filtered: str | None, plain: str | None
) -> None:
    queries = queries_for(title, artist)
    assert filtered is None or filtered in queries[:2]
    assert (filtered is None) == (not queries)
    if plain:
        assert queries[:2] == (
            [filtered, plain] if "!" in artist and plain != "Hello Wham" else [plain, filtered]
        )


@given(
    st.lists(st.sampled_from("Blue Harbour Lights live 10 ペニシリン".split()), min_size=1, max_size=3).map(
        " ".join
    ),
    st.sampled_from(["{}", "{} (Live)", "{} [Dub Mix]", "{} (feat. Ana)", "{} (2003 Remaster)"]),
    st.sampled_from(["Ana", "The Ys", "Earth_ Wind & Fire", "Ben Watt feat. Ana"]),
)
def test_the_first_query_has_no_word_that_the_filters_lack(title: str, form: str, artist: str) -> None:
    """So that it finds whatever they find."""
    plain, *others = queries_for(form.format(title), artist)
    assert "'" not in plain
    for other in others:
        assert set(plain.split()) <= set(re.sub(r"\b(?:track|artist):|'", " ", other).split())


def test_the_last_query_has_words_beside_a_filter() -> None:
    assert queries_for("Blue (Live)", "The Box Tops")[2:] == ["Blue artist:'Box Tops'"]
    assert len(queries_for("???", "Ana")) == 2 and len(queries_for("Blue", "!!!")) == 2


MESSY = st.text(st.sampled_from("aB éÅ'\"()[]_/;,.!&-:%*ロ0 \n") | st.characters(codec="utf-8"), max_size=300)


@given(MESSY, MESSY)
def test_no_query_is_refused_for_its_form(title: str, artist: str) -> None:
    queries = queries_for(title, artist)
    assert len(set(queries)) == len(queries) <= 3
    for query in queries:
        assert 0 < len(query) <= MAX_QUERY and query == query.strip()
        values = re.findall(r"(?:track|artist):'([^']*)'", query)
        words = " ".join(values) if values else query
        assert words.strip() and not re.search(r"[^\w\s]|_", words)
