"""Titles taken apart: the song's name, and what is said of the version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.matching import parse_title
from music_assets.matching.markers import classify, release_kinds

TEXT = st.text(max_size=60) | st.text(alphabet="ab ()[]-–_.Live PartIX1feat,", max_size=60)


@pytest.mark.parametrize(
    "title",
    [
        "Harbour Lights (Album Version)",
        "Harbour Lights [LP Version]",
        "Harbour Lights - 2011 Remaster",
        "Harbour Lights (2008 Digital Remaster)",
        "Harbour Lights (Remasterisé En 2010)",
        "Harbour Lights - Remastered Version",
        "Harbour Lights - Mono / Remastered 2009",
        "Harbour Lights (Explicit Album Version)",
        "Harbour Lights (Single Version) (Edited)",
        "Harbour Lights (Bonus Track)",
        "Harbour Lights (Version originale)",
        "Harbour Lights - Original",
        "Harbour Lights (Original Mix)",
        "Harbour Lights (Soul and R&B)",
        'Harbour Lights (Theme from "The Valley")',
        'Harbour Lights - From "The Valley"',
        "Harbour Lights Album Version",
        'Harbour Lights" (Album Version)',
        "Harbour Lights (Album Version",
        "Harbour Lights (Produced by Mel Sands)",
    ],
)
def test_neutral_words_are_dropped_and_told(title: str) -> None:
    parsed = parse_title(title)
    assert parsed.full == "harbour lights"
    assert parsed.kinds == frozenset()
    assert parsed.dropped


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Harbour Lights (Live)", "live"),
        ("Harbour Lights - Live at Wembley / 2004", "live"),
        ("Harbour Lights [Live In Chicago]", "live"),
        ("Harbour Lights (En Vivo)", "live"),
        ("Harbour Lights (Ao Vivo)", "live"),
        ("Harbour Lights - En Directo", "live"),
        ("Harbour Lights (En Concert)", "live"),
        ("Harbour Lights (Dal Vivo)", "live"),
        ("Harbour Lights Live Version", "live"),
        ("Harbour Lights live at the Forum", "live"),
        ("Harbour Lights \x13 Live", "live"),
        ("Harbour Lights - (Live In Boston_ MA 2008)", "live"),
        ("Harbour Lights (Live at Radio City)", "live"),
        ("Harbour Lights (MTV Unplugged)", "unplugged"),
        ("Harbour Lights - BBC Session", "session"),
        ("Harbour Lights (Akustisch)", "acoustic"),
        ("Harbour Lights (Versión Acústica)", "acoustic"),
        ("Harbour Lights (Kooba Remix)", "remix"),
        ("Harbour Lights - Ten Minutes of Sand Mix", "remix"),
        ("Harbour Lights [Kooba & Zelda Club]", "remix"),
        ("Harbour Lights (Radio Edit)", "edit"),
        ('Harbour Lights (12" Version)', "extended"),
        ("Harbour Lights (Extended Mix)", "extended"),
        ("Harbour Lights (Versione Strumentale)", "instrumental"),
        ("Harbour Lights (Acapella)", "a cappella"),
        ("Harbour Lights (1972 Demo)", "demo"),
        ("Harbour Lights (Take 2)", "alternate"),
        ("Harbour Lights (Explicit Screwed Version)", "slowed"),
        ("Harbour Lights (Re-Recorded / Remastered)", "re-recording"),
        ("Harbour Lights (En Español)", "spanish"),
        ("Harbour Lights - French Version", "french"),
        ("Harbour Lights (Salsa Version)", "version"),
        ("Harbour Lights (In the Style of Mel Sands)", "karaoke"),
        ("Harbour Lights (w/o Background Vocals)", "karaoke"),
        ("Harbour Lights (With Orchestra)", "orchestral"),
        ("Harbour Lights (Lullaby Rendition of Mel Sands)", "cover"),
        ("Harbour Lights (Reprise)", "reprise"),
    ],
)
def test_words_of_another_recording_are_marked(title: str, kind: str) -> None:
    parsed = parse_title(title)
    assert parsed.full == "harbour lights"
    assert kind in parsed.kinds


@pytest.mark.parametrize(
    "title",
    [
        "Live and Let Go",
        "Live Forever",
        "The Way We Live",
        "To Live Alone",
        "Why Can't We Live Together",
        "Viva La Mar",
        "Concerto in A Minor",
        "In The Mix Of Things",
        "Demolition",
        "Salt (Live Your Life)",
        "Salt (Where We Live)",
        "Part Time Sailor",
        "Take This Ferry",
    ],
)
def test_the_same_words_in_a_name_mean_nothing(title: str) -> None:
    assert parse_title(title).kinds == frozenset()
    assert parse_title(title).parts == ()


@pytest.mark.parametrize(
    ("title", "base", "parts"),
    [
        ("Tale of Sand (Part II)", "tale of sand", (2,)),
        ("Tale of Sand, Pt. 2", "tale of sand", (2,)),
        ("Tale of Sand Part Two", "tale of sand", (2,)),
        ("Tale of Sand PT2", "tale of sand", (2,)),
        ("Tale of Sand pt. I I", "tale of sand", (2,)),
        ("Tale of Sand - Part 1", "tale of sand", (1,)),
        ("Tale of Sand (Part I_ Ii_ Iii)", "tale of sand", (1, 2, 3)),
        ("Tale of Sand_ Pts. 1 & 2", "tale of sand", (1, 2)),
        ("Cuento (Parte Dos)", "cuento", (2,)),
        ("Märchen (Teil 3)", "marchen", (3,)),
        ("Tale Part 1: The Dune", "tale the dune", (1,)),
        ("Part 1", "part 1", (1,)),
    ],
)
def test_part_numbers_are_read_wherever_they_stand(title: str, base: str, parts: tuple[int, ...]) -> None:
    parsed = parse_title(title)
    assert (parsed.base, parsed.parts) == (base, parts)


@pytest.mark.parametrize(
    ("title", "featured"),
    [
        ("Stomp (feat. Mel Sands)", "Mel Sands"),
        ("Stomp [Featuring Mel Sands]", "Mel Sands"),
        ("Stomp feat. Mel Sands", "Mel Sands"),
        ("Stomp ft Mel Sands (Album Version)", "Mel Sands"),
        ("Stomp (with Mel Sands)", "Mel Sands"),
        ("Stomp (Duet With Mel Sands)", "Mel Sands"),
        ("Stomp (Kooba Remix feat. Mel Sands)", "Mel Sands"),
        ("Stomp - feat. Mel Sands", "Mel Sands"),
    ],
)
def test_guests_are_taken_out_of_the_name(title: str, featured: str) -> None:
    parsed = parse_title(title)
    assert (parsed.base, parsed.featured) == ("stomp", (featured,))


def test_a_bracket_that_says_nothing_of_the_version_is_a_subtitle() -> None:
    parsed = parse_title("Montaña (La Biche) (Album Version)")
    assert (parsed.base, parsed.subtitles, parsed.full) == ("montana", ("la biche",), "montana la biche")


def test_a_bare_year_is_a_subtitle() -> None:
    assert parse_title("Harbour Lights (1972)").subtitles == ("1972",)


def test_a_version_in_a_bracket_in_front_is_taken_out_of_the_name() -> None:
    parsed = parse_title("[Commentary] Harbour Lights")
    assert (parsed.base, parsed.kinds) == ("harbour lights", {"spoken"})


def test_a_segment_that_tells_two_things_is_read_as_both() -> None:
    parsed = parse_title("Harbour Lights - Pt. 1 / Remastered 2002")
    assert (parsed.base, parsed.parts, parsed.dropped) == ("harbour lights", (1,), ("Remastered 2002",))
    assert parse_title("Harbour Lights (Part 2 / Live)").kinds == {"live"}
    assert parse_title("Harbour Lights (Salt/Sand)").subtitles == ("salt sand",)


@pytest.mark.parametrize(
    ("title", "base", "catalogue"),
    [
        ("Fantasia In C BWV 570", "fantasia in c", {"570"}),
        ("Sonata in A, K. 331: Rondo", "sonata in a rondo", {"331"}),
        ("Requiem_ K. 626_ 1791", "requiem 1791", {"626"}),
        ("Sonata Op. 27 No. 2", "sonata", {"27", "2"}),
        ("Sonata Op.27/2", "sonata", {"27", "2"}),
        ("D 4", "d 4", set()),
        ("Plan D 12", "plan d 12", set()),
    ],
)
def test_catalogue_numbers_are_taken_out_of_the_name(title: str, base: str, catalogue: set[str]) -> None:
    parsed = parse_title(title)
    assert (parsed.base, parsed.catalogue) == (base, catalogue)


def test_what_stands_before_a_colon_may_be_a_composer() -> None:
    parsed = parse_title("Handel: Alcina: Aria")
    assert parsed.composer == "handel"
    assert parsed.without_composer().full == "alcina aria"
    assert parse_title("Skit 3: Sea").composer == ""


@pytest.mark.parametrize(
    "title", ["Intro", "Skit #2", "Untitled Track", "Hidden Track", "(Interlude)", "Outro 3"]
)
def test_some_titles_name_no_song(title: str) -> None:
    assert parse_title(title).names_no_song


@pytest.mark.parametrize("title", ["Intro to Salt", "Interlude: Salt", "3", "Track 7", "Theme", "Salt"])
def test_others_name_one(title: str) -> None:
    assert not parse_title(title).names_no_song


def test_with_introduces_guests_or_words() -> None:
    assert parse_title("Salt (With Mel Sands)").featured == ("Mel Sands",)
    assert parse_title("Salt (With Flowers In My Hair)").subtitles == ("with flowers in my hair",)


def test_a_bracket_in_front_belongs_to_the_name() -> None:
    parsed = parse_title("(Don't You) Wander")
    assert (parsed.base, parsed.short) == ("dont you wander", "wander")


def test_a_bracket_inside_a_word_belongs_to_the_word() -> None:
    assert parse_title("The Gre(A)t Dune").base == "great dune"


def test_what_follows_a_dash_is_the_name_unless_it_speaks_of_a_version() -> None:
    assert parse_title("No Buts - No Maybes").base == "no buts no maybes"
    assert parse_title("1 - 800 - Harbour - Remix").base == "1 800 harbour"


def test_what_follows_a_version_after_a_dash_still_speaks_of_it() -> None:
    parsed = parse_title("Salt - Live - The Harbour Tapes")
    assert (parsed.full, parsed.kinds) == ("salt", {"live"})


def test_a_title_of_version_words_alone_keeps_them_as_its_name() -> None:
    assert parse_title("Live").base == "live"
    assert parse_title("(Intro)").base == "intro"
    assert parse_title("[Untitled Track]").base == "untitled track"


def test_a_version_named_after_its_own_album_is_neutral() -> None:
    assert parse_title("Salt (Fear Of Sand Version)", "Fear Of Sand").kinds == frozenset()
    assert parse_title("Salt (Fear Of Sand Version)", "Greatest Hits").kinds == {"version"}


def test_whose_remix_it_is_is_kept_with_the_marker() -> None:
    (marker,) = classify("Mel Sands Club Mix").markers
    assert (marker.kind, marker.named) == ("remix", {"mel", "sands"})


def test_every_take_has_its_number() -> None:
    assert classify("Take 2").markers != classify("Take 3").markers


@pytest.mark.parametrize(
    ("release", "kind"),
    [
        ("Live", "live"),
        ("Live in Japan 2004", "live"),
        ("Salt & Sand - Live", "live"),
        ("Recollection/Live", "live"),
        ("En Vivo Desde Lima", "live"),
        ("Ao Vivo Em Lisboa", "live"),
        ("In Concert", "live"),
        ("The Lisbon Concert", "live"),
        ("MTV Unplugged", "unplugged"),
        ("The Complete BBC Sessions", "session"),
        ("Karaoke: Country Queens", "karaoke"),
        ("Lullaby Renditions of Mel Sands", "cover"),
        ("Dance Vault Remixes", "remix"),
        ("The Acoustic Session", "acoustic"),
        ("The Demos", "demo"),
        ("Salt (Chopped & Screwed)", "slowed"),
        ("Salt [Instrumental]", "instrumental"),
    ],
)
def test_an_album_says_what_its_tracks_are(release: str, kind: str) -> None:
    assert kind in release_kinds(release)


@pytest.mark.parametrize(
    "release",
    [
        "To Live Alone", "Live Free Or Die", "Where We Live", "Living Room", "Piano Concertos", "Oliver!",
        "Demon Days", "Obsession", "The Chicago Sessions", "A Tribute To Sand", "", None,
    ],
)  # fmt: skip
def test_other_albums_say_nothing(release: str | None) -> None:
    assert release_kinds(release) == frozenset()


@given(TEXT)
def test_any_text_can_be_taken_apart_and_keeps_a_name(text: str) -> None:
    parsed = parse_title(text)
    assert bool(parsed.base) == bool(parsed.text)
    assert parsed.full.startswith(parsed.base)


@given(TEXT, st.sampled_from([" (Album Version)", " - Remastered 2009", " [Explicit]"]))
def test_neutral_words_never_change_the_name(text: str, words: str) -> None:
    name = "salt " + "".join(character for character in text if character.isalnum())
    assert parse_title(name + words).full == parse_title(name).full


@given(st.sampled_from(["Salt", "夜の海", "Montaña"]), st.sampled_from(["live", "LIVE", "Live"]))
def test_a_marker_is_heard_in_any_bracket(name: str, word: str) -> None:
    assert all(
        parse_title(t).kinds == {"live"} for t in (f"{name} ({word})", f"{name} [{word}]", f"{name} - {word}")
    )
