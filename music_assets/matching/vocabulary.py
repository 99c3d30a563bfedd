"""The words the matcher knows, as tables: what a bracket may say, how numbers and parts are written.

Belongs here: words and their class, in the languages the MSD holds. Add a word here and every reader knows
it. Not here: particular songs, artists or albums (the matcher knows none), and the code that reads (`titles`,
`artists`, `normalise`).

Phrases are *plain* text, comma-separated: ASCII, lower case, no punctuation. `#` stands for any number.
"""

from __future__ import annotations

from collections.abc import Mapping

Phrase = tuple[str, ...]


def phrases(text: str) -> frozenset[Phrase]:
    """The phrases of a comma-separated list, each as its words."""
    return frozenset(tuple(phrase.split()) for phrase in text.split(",") if phrase.strip())


def table(text: str) -> Mapping[str, frozenset[Phrase]]:
    """A table with one row per line, "kind: phrases"; an indented line goes on with the row above."""
    rows = text.strip().replace("\n ", " ").split("\n")
    return {kind: phrases(listed) for kind, _, listed in (row.partition(":") for row in rows)}


# --- numbers and spelling --------------------------------------------------------------------------------

ARTICLES = frozenset({"the", "a", "an"})


def _numbered(words: str, start: int = 1) -> dict[str, int]:
    return {word: value for value, word in enumerate(words.split(), start)}


ROMAN = _numbered("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx")

_ENGLISH = _numbered(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
NUMBER_WORDS: Mapping[str, int] = {
    **_ENGLISH,
    **_numbered("un deux trois quatre cinq six sept huit neuf dix"),
    **_numbered("uno dos tres cuatro cinco seis siete ocho nueve diez"),
    **_numbered("uno due tre quattro cinque sei sette otto nove dieci"),
    **_numbered("um dois tres quatro cinco seis sete oito nove dez"),
    **_numbered("eins zwei drei vier funf sechs sieben acht neun zehn"),
    **_numbered("ett tva tre fyra fem sex"),
    **_numbered("first second third"),
    **dict.fromkeys("une una uma ein en primera primeira prima premiere".split(), 1),
}
"""Numbers in words; read as numbers only after a word such as "part"."""

PART_WORDS = ("part", "parts", "pt", "pts", "parte", "partie", "teil", "del", "deel", "osa", "czesc", "chast")
"""Words before the number of a part. They count only with a number after them."""

COUNTED = frozenset({"part", "volume", "act", "book", "chapter", "movement", "symphony", "opus", "suite"})
"""After these, in normalised text, a lone "I" or "two" is a number."""

ABBREVIATIONS: Mapping[str, str] = {
    "pt": "part", "pts": "part", "parts": "part", "vol": "volume", "vols": "volume", "nr": "no", "num": "no",
    "mvt": "movement", "op": "opus", "st": "saint", "mt": "mount", "mr": "mister", "dr": "doctor",
    "feat": "featuring", "ft": "featuring", "vs": "versus", "orch": "orchestra", "jnr": "jr", "junior": "jr",
}  # fmt: skip

RESPELLINGS: Mapping[str, str] = {
    "n": "and", "u": "you", "ya": "you", "ye": "you", "ur": "your", "thru": "through", "luv": "love",
    "nite": "night", "til": "till", "until": "till", "cuz": "cause", "cos": "cause", "coz": "cause",
    "wanna": "want to", "gonna": "going to", "gotta": "got to", "tha": "the", "ok": "okay", "o": "oh",
    "colour": "color", "favourite": "favorite", "centre": "center", "grey": "gray", "boyz": "boys",
    "girlz": "girls",
}  # fmt: skip

SOUNDS_LIKE: Mapping[str, str] = {
    **{word: str(value) for word, value in _ENGLISH.items()},
    **dict(
        to="2",
        too="2",
        youve="you",
        ive="i",
        weve="we",
        theyve="they",
        hundred="00",
        thousand="000",
        **{"for": "4"},
    ),
}

TENS = _numbered("twenty thirty forty fifty sixty seventy eighty ninety", start=2)

ORDINALS = _numbered("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")

# --- what a bracket or a dash may say of the version -----------------------------------------------------

NEUTRAL = phrases("""
    album version, album mix, album cut, album edit, album vers, lp version, lp mix, lp edit, ep version, cd
    version, single version, single vers, 7 version, 7 inch, original version, original mix, original
    recording, versione originale, version originale, version original, versao original, originalversion,
    originalfassung, main version, main mix, studio version, standard version, remaster, remastered,
    remastering, remasters, # remaster, # remastered, # digital remaster, # digitally remastered, remaster #,
    remastered #, remastered in #, digital remaster #, digitally remastered #, # remastering, re mastered, re
    master, re mastering, # re mastered, # re mastering, remasterise, remasterisee, remasterise en #,
    remasterizado, remasterizada, remasterizado en #, remasterizado em #, rimasterizzato, 24 bit mastering,
    24bit mastering, 24 bit digitally remastered, mono version, stereo version, mono mix, stereo mix, # stereo
    mix, # mono mix, explicit version, clean version, edited version, amended version, censored version, dirty
    version, bonus track, bonus tracks, hidden track, bonus song, bonus material, previously unreleased,
    previously unissued, unreleased track, special edition, limited edition, deluxe edition, expanded edition,
    anniversary edition, official video, music video, official audio, lyric video, soundtrack version, motion
    picture version, deluxe version, street version, single master, album master, clean edit, explicit edit,
    original edit, uncut, digital version, motion picture soundtrack, ost
""")
"""Says nothing about which recording it is, whatever stands beside it ("Fear Itself Album Version")."""

NEUTRAL_ALONE = phrases("""
    album, lp, ep, cd, single, ver, vers, original, studio, regular, version, explicit, clean, dirty, edited,
    amended, censored, uncensored, exp, parental advisory, mono, stereo, bonus, unreleased, never released,
    rare, rarity, cd only, edition, reissue, reissued, deluxe, expanded, anniversary, best of, video, audio,
    hd, hq, official, with lyrics, theme, main theme, main title, opening title, opening titles, end titles,
    titles, soundtrack, traditional, trad, anon, soul, r b, rock, pop, jazz, blues, country, folk, reggae, hip
    hop, rap, world, world music, classical, gospel, latin, electronic, topical, spoken word, comedy, metal,
    punk, roots, rock and roll, rock n roll, reggae music, radio album, the original, soul and r b, b side,
    non album track, #, s, new, digital, digitally
""")
"""Says nothing about the recording where a bracket holds such words only: wording, shelves, genres, years."""

ORIGIN = phrases("""
    from, theme from, love theme from, main theme from, title song from, song from, music from, aus, dal film,
    de la pelicula, du film, tema de, prod, prod by, produced by, by, composed by, written by, dedicated to, a
    k a, aka
""")
"""A bracket that begins so tells where the song comes from, or who made it."""

DISTINGUISHING = table("""
karaoke: karaoke, sing along, singalong, in the style of, in style of, made famous by, as made famous by, made
    popular by, as made popular by, performance track, performance tracks, premiere performance plus, backing
    track, without background vocals, w o background vocals, without vocals, no vocals, minus vocals, without
    lead vocals, no lead vocals, playback
own cover: cover, original by, originally by, originally recorded by, originally sung by
cover: tribute, originally performed by, lullaby,
    rendition, renditions of, 8 bit, music box, string quartet tribute, ringtone, sonnerie, homenaje a,
    hommage a, as performed by, workout mix
re-recording: re recorded, rerecorded, re recording, rerecording, new version, new recording, nueva version,
    new studio recording, neue version, neuaufnahme, nouvelle version
unplugged: unplugged, mtv unplugged
session: bbc session, bbc sessions, peel session, peel sessions, john peel session, aol session, aol sessions,
    sessions aol, session aol, radio session, radio 1 session, itunes session, itunes sessions, kexp session,
    kcrw, kexp, daytrotter session, live lounge, live lounge session, spotify session, spotify sessions,
    spotify singles, maida vale session, top gear, bbc, radio sessions, studio session, in session, acoustic
    session
live: live, live recording, en vivo, directo, en public, ao vivo, dal vivo, in concerto, im konzert, bbc in
    concert, concierto, konsert, koncert, w koncercie, na zywo, nazivo, uzivo, canli, elo, sound check,
    soundcheck, raibu, zhu chang, concert
acoustic: acoustic, acoustic mix, acoustica, acoustico, acoustique, acustico, acustica, versao acustica,
    versione acustica, akustisch, akustik, akustinen, akustisk, acousticly, acoustically, stripped, stripped
    down
instrumental: instrumental, instrumental mix, instrumentale, instrumentals, instru, instr, inst, instumental,
    instramental, strumentale, versione strumentale, instrumentalversion, non vocal
a cappella: acapella, a cappella, a capella, accapella, acappella, accappella, acapela, vocals only, vocal
    only
demo: demo, demos, home demo, early demo, home recording, rough mix, rough demo, guide vocal, practice
    session, rehearsal, rehearsal session, work in progress, sketch, demoversion, maqueta
alternate: alternate, alternative, alt, alternate take, alternate mix, alternative mix, alternative take,
    alternate ending, alt take, alt mix, outtake, outtakes, out take, take #, tk #, takes #, false start,
    unused version, unfinished, early version, early take, early mix
slowed: chopped, screwed, slowed, slowed reverb, slowed and reverb, slowed down, sped up, nightcore
extended: extended, extended mix, extended cut, extended play, extended dance mix, extended club mix, long
    version, version longue, lange version, 12 version, 12 mix, 12 single, 12 inch, 12 inch mix, maxi, full
    length, complete version, version larga
edit: edit, short edit, tv edit, radio version, radio mix, radio cut, radio, short version, version courte,
    kurzversion, video version, video mix, early fade, snippet, snippets, excerpt, extract, 7 mix, single cut
remix: remix, remixed, remixes, remixe, rmx, re mix, rerub, re rub, rework, reworked, re work, mix, clubmix,
    mash up, mashup, bootleg mix, refix, vip mix, megamix, rub a dub mix, dub version, club version, dance
    version, mixed by, bootleg remix
medley: medley, pot pourri, potpourri
reprise: reprise
intro: intro, introduction, outro, interlude
spoken: commentary, interview, track by track, voice memo, voice note
orchestral: orchestral, symphonic, orchestra version, with orchestra, string version, full band, big band
    version
""")
"""Says it is another recording: both sides must say it. The longest phrase that fits is the one read."""

VERSION_PHRASES = frozenset().union(*DISTINGUISHING.values())

DISTINGUISHING_LAST: Mapping[str, str] = {"club": "remix", "dub": "remix", "bootleg": "remix", "vip": "remix"}
"""Words that name a version only at the end of a bracket: "(X Club)", not "(Club Y)"."""

VERSION_WORDS = frozenset(
    "version versions versione versao ver vers versie fassung wersja versio variation".split()
)
"""With words beside it that are in no table, a version of its own: "(Salsa Version)"."""

VERB_BEFORE_LIVE = frozenset(
    "to i we you they who he she it people dont cant will ill well must can could would let just only long"
    " where how gotta wanna gonna never not u youll theyll may might should did does do".split()
)
VERB_AFTER_LIVE = phrases("""
    and let, and learn, and die, and love, and be, for, forever, together, alone, free, fast, your, my, our,
    without, again, life, now, love, to, it, through, by, like, wire, this, that, with me, with you, with it,
    as, another, long, well, before, or, off, wild, inside, tomorrow, today, while, till, until, every, each,
    then, laugh, more, one, me, is, on my, on in, in my, in your, in me, in the moment, in a, in peace, in
    love, in sin, in harmony, in dreams, in fear, in hope, a, so, die, strong, true, here
""")
"""Around these "live" is the verb: "Live and Let Die", "The Way We Live"; else it is a performance."""

LANGUAGES = table("""
english: english, anglais, anglaise, englisch, englische, ingles, inglese
spanish: spanish, castellano, espagnol, espagnole, espanol, espanola, spagnolo, spanglish, spanisch
french: french, francais, francaise, frances, francese, franzosisch
german: german, aleman, alemao, allemand, allemande, deutsch, deutsche, tedesco
italian: italian, italiana, italiano, italien, italienisch, italienne
portuguese: portuguese, portoghese, portugais, portugiesisch, portugues, portuguesa
japanese: japanese, japanisch, japonais, japones, nihongo
chinese: chinese, cantonese, chino, mandarin
korean: korean, coreano
swedish: swedish, svensk, svenska
finnish: finnish, suomeksi, suomi
russian: russian, ruso, russe
hebrew: hebrew, hebreo, ivrit
arabic: arabic, arabe
greek: greek, ellinika
hindi: hindi
""")
"""A song sung in another language is another recording, where a bracket says "in X", "X version" or only
"X"."""

GENERIC_MARK_WORDS = frozenset(
    "the a an of by in at on from and with for to de du en el la le les los y s mix remix edit vocal club"
    " dance radio extended original full album lp single house main feat featuring dub rmx remixed live"
    " track recorded inch 12 7 8 24".split()
)
"""Words that do not tell one remix or one concert from another."""

NO_SONG = frozenset(
    "intro introduction introduccion outro interlude interludio skit untitled prelude prologue epilogue"
    " opening ending intermission segue hidden bonus silence".split()
)
"""Titles of these words, with or without a number, name no song: many releases have one."""

NO_GUEST_WORDS = tuple(
    "you your my me i its it him us them this that in on of or but no not without love who when what where"
    " how someone somebody everybody everything nothing".split()
)
"""In a bracket that begins "with" these show that it is not a list of guests."""

COMPOSERS = frozenset(
    "albinoni bach bartok beethoven bellini berlioz bernstein bizet brahms britten bruckner chopin copland"
    " corelli debussy delibes donizetti dowland dvorak elgar faure franck gershwin gluck gounod grieg handel"
    " haydn holst janacek liszt mahler mascagni massenet mendelssohn monteverdi mozart mussorgsky offenbach"
    " pachelbel paganini palestrina prokofiev puccini purcell rachmaninov rachmaninoff ravel rodrigo"
    " rossini satie scarlatti schoenberg schubert schumann shostakovich sibelius smetana strauss stravinsky"
    " tallis tchaikovsky telemann verdi villa-lobos vivaldi wagner weber".split()
)
"""Last names that one catalogue puts in front of a title, or credits as an artist, and another leaves out."""

# --- what an album's name says of all its tracks ---------------------------------------------------------

RELEASE_KINDS = table("""
live: live, livetime, en vivo, en directo, directo, en concert, en concierto, ao vivo, dal vivo, in concert,
    im konzert, live concert, concert #, official bootleg, na zywo, canli, on tour, on stage, storytellers,
    austin city limits, at the fillmore, at fillmore, at budokan, at carnegie hall, at the royal albert hall,
    at the hollywood bowl, at red rocks, at wembley, at madison square garden, at montreux, at the apollo, at
    the olympia, a l olympia, au zenith
session: at the bbc, bbc session, bbc sessions, bbc radio sessions, peel session, peel sessions, aol sessions,
    sessions aol, radio sessions, live lounge, spotify sessions, itunes session
unplugged: unplugged
karaoke: karaoke, in the style of, made famous by, performance tracks, backing tracks
cover: lullaby renditions, lullaby rendition, lullaby versions, instrumental renditions, ringtones, music box
    versions
remix: remix, remixes, remixed, remixe, rmx, re mix, dance mixes, club mixes, urban mixes, house mixes, dub
    mixes, mixes
acoustic: acoustic, acustico, acustica, acoustique, akustik, akustisch
demo: demo, demos, outtakes, rehearsals
instrumental: instrumentals, instrumental version, instrumental versions
slowed: chopped and screwed, chopped screwed, screwed and chopped, slowed and reverb
""")

RELEASE_KINDS_LAST: Mapping[str, str] = {
    **dict.fromkeys(("concert", "konzert", "konsert"), "live"),
    **dict.fromkeys(("instrumental", "instrumentals"), "instrumental"),
}
"""Words that say so only at the end of the name: "The Lisbon Concert", "Salt [Instrumental]"."""

IMPLIED_BY_RELEASE = frozenset({"live", "session", "unplugged", "karaoke", "cover", "slowed"})
"""Kinds that an album's name gives to each of its tracks; the other kinds only raise a doubt."""

COMPILATION = phrases("""
    best of, the best, very best, greatest, hits, essential, anthology, collection, collections, gold, finest,
    classics, complete, definitive, ultimate, masters, singles, retrospective, legend, treasures, favorites,
    favourites, lounge, love songs, ballads, 60s, 70s, 80s, 90s, 60 s, 70 s, 80 s, 90 s, various, box, box
    set, triple set, now that, number 1s, no 1s, number 1 s, no 1 s, soundtrack, chartbusters, songbook,
    story, years, archive, archives, remember, compilation, sampler, presents
""")
"""An album whose name has one of these brings recordings together that came out elsewhere."""

# --- credits ---------------------------------------------------------------------------------------------

FEATURED = tuple("featuring,feat,ft,duet with,duet w,duet,dueto con,with,con,avec,mit,med,w".split(","))
"""A bracket that begins so names other artists."""

COPYISTS = phrases("""
    karaoke, tribute, tributes, in the style of, made famous, originally performed, cover band, covers,
    lullaby, lullabies, rendition, renditions, sing along, singalong, soundalikes, sound alikes, backing
    tracks, backing track, ringtone, ringtones, workout, playback, music box, cover version, cover versions
""")
"""Performers who copy: they agree with a title and never with the recording."""

ENSEMBLES = frozenset(
    "orchestra orchester orchestre orquesta orquestra orchestras quartet quartett quartetto cuarteto quintet"
    " quintett sextet septet octet trio duo band group ensemble choir chorus singers combo gang crew allstars"
    " project experience".split()
)
"""Words by which one performer's name is billed with or without the players."""

ARTIST_ARTICLES = frozenset(
    "the los las les die der das el la le il i gli os as o tha da de het den dj mc ms mrs sir dame".split()
)
"""Words before an artist's name that one catalogue writes and another leaves out."""

RENAMED: Mapping[str, str] = {
    former.strip(): present.strip()
    for row in """
chicks: dixie chicks; lady a: lady antebellum; yasiin bey: mos def; yusuf: cat stevens, yusuf islam, yusuf cat
stevens; snoop dogg: snoop doggy dogg, snoop lion; diddy: puff daddy, p diddy, puffy, sean combs, puff daddy
and the family; kanye west: ye; alabama 3: a3; charlatans: charlatans uk; suede: london suede; beat: english
beat; yazoo: yaz; bush: bush x; squeeze: uk squeeze; t rex: tyrannosaurus rex, trex; dinosaur jr: dinosaur;
bow wow: lil bow wow; 2pac: tupac, tupac shakur, makaveli, 2 pac; notorious big: biggie smalls, biggie; mf
doom: doom, metal face doom; odb: ol dirty bastard, old dirty bastard; abdullah ibrahim: dollar brand; john
mellencamp: john cougar, john cougar mellencamp; wendy carlos: walter carlos; melanie c: melanie chisholm, mel
c; anohni: antony and the johnsons; preoccupations: viet cong; sananda maitreya: terence trent darby; labelle:
patti labelle and the bluebelles; death from above 1979: death from above; ghostface killah: ghostface;
rainbow: ritchie blackmores rainbow, blackmores rainbow; jackson 5: jacksons, jackson five; prince: artist
formerly known as prince; common: common sense; electric light orchestra: elo; orchestral manoeuvres in the
dark: omd; underground kingz: ugk; jorge ben jor: jorge ben; oh sees: thee oh sees; rhapsody of fire:
rhapsody; supreme ntm: ntm; mc hammer: hammer
""".replace("\n", " ").split(";")
    for present, _, former_names in (row.partition(":"),)
    for former in former_names.split(",")
}
"""Artists known by another name, normalised; the sources are in docs/matching.md. All others are found by
evidence: see `releases`."""
