"""The kinds of pairs on which an earlier matcher failed, with invented names: what is accepted, what is not.

Each row: the song's title, artist, release and length; the candidate's title, artists, album and length;
whether it is to be accepted. `test_labelled_pairs` holds the matcher against real pairs of the same kinds.
"""

from __future__ import annotations

import pytest

from music_assets.matching import Candidate, Song, compare

Row = tuple[
    str, str, str | None, float | None, str, tuple[str, ...], str | None, float | None, bool
]  # fmt: skip
O = ("Orchid",)  # noqa: E741

KINDS: dict[str, list[Row]] = {
    "part beside a remaster in one segment": [
        ("Sand (Part 2)", "Orchid", None, 250, "Sand - Pt. 2 / Remastered 2002", O, None, 251, True),
        ("Sand (Part II / 1999 Remaster)", "Orchid", "Sand", 250, "Sand - Pt. 2", O, "Sand", 250.4, True),
        ("Sand (Pt. 3 / Live)", "Orchid", None, 250, "Sand - Part 3 / Live", O, None, 250.4, True),
        ("Sand (Part 1 / 2000 Remaster)", "Orchid", "A", 250, "Sand - Pt. 2 / 2011 Remaster", O, "A", 250,
         False),
        ("Sand - Part One / Mono", "Orchid", "A", 250, "Sand - Part Three / Mono", O, "A", 250, False),
        ("Sand (Pt. 1 / Live)", "Orchid", None, 250, "Sand - Pt. 1 / Remastered 2002", O, None, 255, False),
    ],
    "part on one side": [
        ("Sand (Part 1)", "Orchid", "Dunes", 250, "Sand", O, "Dunes", 250.3, True),
        ("Sand (Part 1)", "Orchid", "Dunes", 250, "Sand", O, "Dunes", 254, False),
        ("Sand", "Orchid", None, None, "Sand, Pt. 2", O, None, None, False),
    ],
    "a name that holds feat or ft.": [
        ("Salt", "20 Ft. Sailor", None, 140, "Salt", ("20",), None, 140, False),
        ("Salt", "20 Ft. Sailor", None, 140, "Salt", ("20 Ft. Sailor",), None, 140, True),
        ("Salt", "Little Feat & Sons", "Salt", 240, "Salt", ("Little Feat & Sons",), "Salt", 240, True),
        ("Salt", "Little Feat feat. Ada", "Salt", 240, "Salt (feat. Ada)", ("Little Feat",), "Salt", 240,
         True),
    ],
    "two Latin spellings of one letter": [
        ("Salz", "Die Aengste", None, 186, "Salz", ("Die Ängste",), None, 186, True),
        ("Maedchen am Fluss", "Orchid", None, None, "Mädchen am Fluß", O, None, None, True),
        ("Soeren Og Aase", "Orchid", None, 200, "Søren og Åse", O, None, 200, True),
        ("Für Lou", "Koeln Trio", None, None, "Fuer Lou", ("Köln Trio",), None, None, True),
        ("Blue", "Blue", None, 200, "Blue", ("Blu",), None, 200, False),
    ],
    "starred letters": [
        ("Sh*t Happens", "Orchid", None, 201, "Shit Happens", O, None, 201, True),
        ("F**k The Sea", "Orchid", "A", 201, "Fuck The Sea", O, "A", 201, True),
        ("Damn Sea", "Orchid", None, None, "D**n Sea", O, None, None, True),
        ("F**k The Sea", "Orchid", "A", 201, "Fuck The Land", O, "A", 201, False),
        ("F**k The Sea", "Orchid", "A", 201, "Find The Sea", O, "A", 201, False),
    ],
    "numbers in words and digits": [
        ("45 Miles", "Orchid", None, None, "Forty-Five Miles", O, None, None, True),
        ("Boat Number Seven", "Orchid", None, None, "Boat No. 7", O, None, None, True),
        ("Boats Nos. 1 & 2", "Orchid", None, None, "Boats No. 1 and 2", O, None, None, True),
        ("First Of May", "Orchid", None, 200, "1st of May", O, None, 200, True),
        ("Twenty First Boat", "Orchid", None, 200, "21st Boat", O, None, 200, True),
        ("Nineteen Ninety-Nine", "Orchid", None, 200, "1999", O, None, 200, True),
        ("25 Miles", "Orchid", None, 199, "Twenty-Six Miles", O, None, 199, False),
        ("First Of May", "Orchid", None, 200, "2nd of May", O, None, 200, False),
    ],
    "a bracket that explains an artist's name": [
        ("Salt", "++ (Plus Plus)", "Sea", 200, "Salt", ("++",), "Sea", 200, True),
        ("Salt", "ABC", "Sea", 200, "Salt", ("ABC (Ada Ben Cleo)",), "Gold", 200.5, True),
        ("Salt", "Orchid (UK)", None, None, "Salt", O, None, None, False),
    ],
    "composer in front of the title": [
        ("Handel: Alcina: Ah! mio cor", "Ada Winter", "Arias", 264, "Alcina: Ah! mio cor",
         ("George Frideric Handel", "Ada Winter"), "x", 264, True),
        ("Prelude in E", "Ada Winter", "Arias", 264, "Bach: Prelude in E", ("Ada Winter",), "Arias", 264,
         True),
        ("Bach: Prelude in E", "Ada Winter", "Arias", 264, "Chopin: Prelude in E", ("Ada Winter",), "x",
         264, False),
        ("Boat: Sail", "Orchid", None, None, "Sail", O, None, None, False),
    ],
    "catalogue number on one side": [
        ("Fantasia in G BWV 572", "Ada Winter", "Bach", 171, "Fantasia in G", ("Ada Winter",), "x", 171,
         True),
        ("Sonata in A, K. 331", "Ada Winter", "Mozart", 171, "Sonata in A", ("Ada Winter",), "x", 171, True),
        ("Sonata_ Op. 27 No. 2", "Ada Winter", "A", 171, "Sonata, Op. 27, No. 2", ("Ada Winter",), "A",
         171, True),
        ("Fantasia BWV 570", "Ada Winter", "A", 171, "Fantasia BWV 572", ("Ada Winter",), "A", 171, False),
        ("Sonata Op. 1", "Ada Winter", "A", 171, "Sonata Op. 2", ("Ada Winter",), "A", 171, False),
    ],
    "a numbered release is another release": [
        ("Salt (Original)", "Orchid", "Night Ferry I", 284.6, "Salt", O, "Night Ferry II", 283.5, False),
        ("Salt", "Orchid", "Dunes Vol. 1", 200, "Salt", O, "Dunes, Volume Two", 201.5, False),
        ("Salt", "Orchid", "Dunes Vol. 1", 200, "Salt", O, "Dunes, Volume 1", 201.5, True),
    ],
    "titles that name no song": [
        ("Intro", "Orchid", "Sand", 79, "Intro", O, "Sea", 79.5, False),
        ("Skit #2", "Orchid", "Sand", 79, "Skit 2", O, "Sea", 79, False),
        ("Untitled", "Orchid", "Sand", 79, "Untitled", O, None, 79, False),
        ("Interlude", "Orchid", "Sand", 79, "Interlude", O, "Sand", 79.4, True),
        ("Hidden Track", "Orchid", "Sand", 79, "Hidden Track", O, "Sand", 79.4, True),
        ("Intro (The Ferry)", "Orchid", "Sand", 79, "Intro (The Ferry)", O, "Sea", 79, True),
    ],
    "the performer's own cover": [
        ("Salt (Big Tuna Cover)", "Orchid", "EP", 205, "Salt", O, "EP", 205.2, True),
        ("Salt", "Orchid", "EP", 205, "Salt - Cover Version", O, "Gold", 205.1, True),
        ("Salt", "Orchid", "EP", 205, "Salt - Cover Version", O, "Gold", 209, False),
        ("Salt", "Orchid", None, 205, "Salt (In the Style of Orchid)", ("Karaoke Kings",), None, 205, False),
    ],
    "letters the MSD lost": [
        ("?o?e", "Orchid", "A", 229.1, "Море", O, "A", 229, True),
        ("Z?a Noc", "Orchid", "A", 229.1, "Zła Noc", O, "A", 229, True),
        ("????", "Orchid", "A", 229.1, "Море", O, "A", 229, False),
        ("Why?", "Orchid", "A", 229.1, "Whyé", O, "B", 233.5, False),
    ],
    "version named after its own single": [
        ("Salt (Piano Version)", "Orchid", "Salt (Piano Version)", 200, "Salt", O, "Salt", 204.5, False),
        ("Salt (Ferry Version)", "Orchid", "Salt (Ferry Version)", 200, "Salt", O, "Sea", 200, False),
        ("Salt (Night Ferry Version)", "Orchid", "Night Ferry", 200, "Salt", O, "Night Ferry", 200, True),
        ("Salt (Harbour Version)", "Orchid", "Sea - Harbour Version", 200, "Salt", O, "Sea", 202, True),
    ],
    "a language": [
        ("Salt", "Orchid", None, 188, "Salt (Japanese Ver.)", O, None, 188, False),
        ("Salt (Korean ver.)", "Orchid", None, 188, "Salt", O, None, 188, False),
        ("Salt (Japanese Version)", "Orchid", None, 188, "Salt (Japanese Ver.)", O, None, 188, True),
        ("Salt", "Orchid", None, 188, "Salt (inst)", O, None, 188, False),
        ("Salt (Inst. Ver.)", "Orchid", None, 188, "Salt - Instrumental", O, None, 188, True),
    ],
    "one of a joint credit, no length": [
        ("Salt", "Orchid / Big Tuna", None, None, "Salt", O, "Sea", None, False),
        ("Salt", "Orchid", None, None, "Salt", ("Orchid", "Big Tuna"), "Sea", None, False),
        ("Salt", "Orchid / Big Tuna", None, None, "Salt", ("Big Tuna", "Orchid"), "Sea", None, True),
        ("Salt", "Orchid / Big Tuna", "Sea", 200, "Salt", O, "Sea", 200.2, True),
        ("Salt", "Ada Winter / Big Tuna", None, 200, "Salt", ("Ada Winter", "Ben Stone"), None, 201.5, False),
    ],
    "renamed artist": [
        ("Salt", "Dixie Chicks", "Sea", 224, "Salt", ("The Chicks",), "Sea", 224.2, True),
        ("Salt", "Lady Antebellum", None, None, "Salt", ("Lady A",), None, None, True),
        ("Salt", "Puff Daddy", "Sea", 224, "Salt", ("Diddy",), "Gold", 224.2, True),
        ("Salt", "Orchid", "Sea", 224, "Salt", ("The Orchard",), "Sea", 224, False),
    ],
    "duet with": [
        ("Salt", "Ada Winter Duet With Ben Stone", "Sea", 271, "Salt", ("Ada Winter", "Ben Stone"), "Sea",
         271, True),
        ("Salt (Duet With Ben Stone)", "Ada Winter", None, None, "Salt", ("Ada Winter", "Ben Stone"), None,
         None, True),
    ],
    "main and guest swapped": [
        ("Salt", "Ada Winter feat. Ben Stone", "Sea", 200, "Salt", ("Ben Stone", "Ada Winter"), "Sea", 200,
         True),
        ("Salt (feat. Ada Winter)", "Ben Stone", None, 200, "Salt (feat. Ben Stone)", ("Ada Winter",),
         None, 200, True),
    ],
    "leader and group": [
        ("Salt", "Squalls", None, None, "Salt", ("Ada Winter & The Squalls",), None, None, True),
        ("Salt", "Ada Winter & The Squalls", "Sea", 200, "Salt", ("The Squalls",), "Gold", 200.4, True),
        ("Salt", "Ada Winter", "Sea", 200, "Salt", ("Ada Winter Group",), "Sand", 212.0, False),
    ],
    "with what is no guest": [
        ("Salt (With Flowers In My Hair)", "Orchid", None, None, "Salt (with Flowers in My Hair)", O, None,
         None, True),
        ("Salt (With Or Without You)", "Orchid", "A", 200, "Salt", O, "A", 200, True),
        ("Salt (With Big Tuna)", "Orchid", None, None, "Salt (feat. Big Tuna)", O, None, None, True),
    ],
    "remix or edit on one side": [
        ("Salt", "Orchid", "Sea", 263.2, "Salt - Murder Remix", O, "Sea", 262.0, True),
        ("Salt", "Orchid", "Sea", 263.2, "Salt - Murder Remix", O, "The Remixes", 263.2, False),
        ("Salt", "Orchid", "Sea", 263.2, "Salt - Murder Remix", O, "Sea (The Remixes)", 263.2, False),
        ("Salt (Radio Edit)", "Orchid", "Sea", 183.5, "Salt", O, "Gold", 183.6, True),
        ("Salt (Radio Edit)", "Orchid", "Sea", 183.5, "Salt", O, "Gold", 187.6, False),
        ("Salt (Radio Edit)", "Orchid", None, None, "Salt", O, None, None, False),
        ("Salt (Extended Version)", "Orchid", "Sea", 363.5, "Salt", O, "Sea", 363.9, True),
        ("Salt (Kooba Remix Edit)", "Orchid", "Sea", 263, "Salt (Zelda Remix)", O, "Gold", 263.3, False),
        ("Salt", "Orchid", None, None, "Salt (Kooba Funk Variation)", O, None, None, False),
    ],
    "two concerts, two remixes": [
        ("Salt (Live at Oslo Hall)", "Orchid", None, None, "Salt - Live at Lima Hall", O, None, None, False),
        ("Salt (Live in Oslo 1999)", "Orchid", None, None, "Salt - Live in Oslo 2004", O, None, None, False),
        ("Salt (Live in Oslo)", "Orchid", None, None, "Salt - Live in Oslo 2004", O, None, None, True),
        ("Salt (Kooba Remix)", "Orchid", None, 300, "Salt - Kooba & Zelda Remix", O, None, 300, False),
        ("Salt (Kooba Remix)", "Orchid", None, 300, "Salt - Kuuba Remix", O, None, 300, False),
        ("Salt (Mel Sands Remix)", "Orchid", None, 300, "Salt - Mel Sands Remix", O, None, 300, True),
        ("Salt (Mel Sands Remix)", "Orchid", None, 300, "Salt - Mel Sandes Remix", O, None, 300, False),
    ],
    "a bracket in front, a bare year": [
        ("Salt", "Orchid", "Sea", 200, "[Commentary] Salt", O, "Sea", 200, False),
        ("(Live) Salt", "Orchid", None, None, "Salt - Live", O, None, None, True),
        ("Salt (1972)", "Orchid", "Sea", 200, "Salt", O, "Sand", 202.5, False),
        ("Salt (1972)", "Orchid", "Sea", 200, "Salt", O, "Gold", 200.2, True),
    ],
    "lengths as they are": [
        ("Salt", "Orchid", "Sea", 200, "Salt", O, "Sand", 202.5, True),
        ("Salt", "Orchid", "Sea", 200, "Salt", O, "Sand", 205.1, False),
        ("Salt", "Orchid", "Sea", 200, "Salt", O, "Sea", 206.1, True),
        ("Salt", "Orchid", "Sea", 200, "Salt", O, "Greatest Hits", 206.1, True),
        ("Salt", "Orchid", "Sea", 200, "Salt", O, "Greatest Hits", 210.5, False),
    ],
    "a title that goes on": [
        ("Loving You Just A Little", "Orchid", "Sea", 200, "Loving You Just A Little More", O, "Sea",
         200.4, True),
        ("Loving You Just A Little", "Orchid", None, None, "Loving You Just A Little More", O, None, None,
         False),
        ("The Night Ferry Song", "Orchid", "Sea", 200, "The Night Ferry Song Reprise", O, "Sea", 200.4,
         False),
        ("The Night Ferry Song", "Orchid", "Sea", 200, "The Night Ferry Song 2", O, "Sea", 200.4, False),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "row"),
    [(kind, row) for kind, rows in KINDS.items() for row in rows],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]} | {value[4]}",
)
def test_pairs_of_a_kind(kind: str, row: Row) -> None:
    title, artist, release, length, track, names, album, track_length, accepted = row
    song = Song(title, artist, release, length)
    comparison = compare(song, Candidate("id", track, names, album, track_length))
    assert comparison.accepted is accepted, (kind, comparison)
