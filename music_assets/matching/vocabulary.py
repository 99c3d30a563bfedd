"""The words the matcher knows, as tables: what a bracket may say, how numbers and parts are written.

Belongs here: words and their class, in the languages the MSD holds. Add a word here and every reader knows it.
Not here: particular songs, artists or albums (the matcher knows none), and the code that reads (`titles`,
`artists`, `normalise`).

Phrases are regular expressions over *plain* text: ASCII, lower case, words one space apart, no apostrophes.
"""

from __future__ import annotations

from collections.abc import Mapping

ARTICLES = frozenset({"the", "a", "an"})

ROMAN: Mapping[str, int] = {
    numeral: value
    for value, numeral in enumerate(
        "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split(), start=1
    )
}

NUMBER_WORDS: Mapping[str, int] = {
    word: value
    for value, words in {
        1: "one first un une uno una um uma eins ein ett en primera primeira prima premiere",
        2: "two second deux dos due dois zwei tva",
        3: "three third trois tres tre drei",
        4: "four quatre cuatro quattro quatro vier fyra",
        5: "five cinq cinco cinque funf fem",
        6: "six sechs seis sei sex",
        7: "seven sept siete sette sete sieben",
        8: "eight huit ocho otto oito acht",
        9: "nine neuf nueve nove neun",
        10: "ten dix diez dieci dez zehn",
        11: "eleven",
        12: "twelve",
    }.items()
    for word in words.split()
}

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
    "colour": "color", "favourite": "favorite", "centre": "center", "grey": "gray", "boyz": "boys", "girlz": "girls",
}  # fmt: skip

SOUNDS_LIKE: Mapping[str, str] = {
    **{word: str(number) for number, word in enumerate("one two three four five six seven eight nine ten".split(), 1)},
    "to": "2", "too": "2", "for": "4",
}  # fmt: skip

# --- what a bracket or a dash may say of the version ---------------------------------------------------------

NEUTRAL: Mapping[str, str] = {
    "album": r"(?:the )?(?:full |original |main )?(?:album|lp|ep|cd)(?: (?:version|versione?|mix|cut|edit|vers))?",
    "single": r"(?:7 ?(?:inch|in)? |original )?single (?:version|vers)|single lp version|7 (?:inch )?version|7 inch|single",
    "original": r"(?:the )?original(?: (?:version|versione?|mix|recording|studio version|studio recording|motion"
    r" picture soundtrack|soundtrack))?|versione? originale?|versao original|original ?fassung|main (?:version|mix)"
    r"|(?:the )?studio version|studio|regular(?: version)?|standard version",
    "remaster": r"(?:digital(?:ly)? |24 ?bit |new(?:ly)? |(?:the )?\d{4} )*re ?master(?:ed|ing|s)?(?: (?:version|edition|album"
    r" version|stereo|mono))*|re ?masteris(?:e|ee|es)|remasteri[sz]ad[oa]|rimasterizzat[oa]|(?:digital |24 ?bit )?mastering",
    "sound": r"(?:original )?(?:mono|stereo)(?: (?:version|mix))?|in (?:mono|stereo)|hi ?fi|hd|hq|24 ?bit",
    "wording": r"explicit|clean|dirty|edited|amended|(?:un)?censored|exp|parental advisory",
    "bonus": r"(?:previously )?unreleased(?: (?:track|bonus))?|(?:ltd |limited )?bonus(?: (?:track|tracks|material|song))?"
    r"|hidden track|previously unissued|never released|rarity|cd only|digital single|itunes exclusive",
    "edition": r"(?:\w+ )*(?:edition|reissue)|deluxe|expanded|anniversary|best of(?: \d{4})?",
    "video": r"(?:official )?(?:music |lyric |lyrics )?video|official(?: audio)?|audio|with lyrics",
    "origin": r"(?:love |main |title |opening |end )?(?:theme|song|music)? ?(?:from|de la pelicula|du film|aus|dal film)"
    r" .+|(?:motion picture )?soundtrack(?: version| album version)?|ost|theme|main title|opening titles?|titles",
    "genre": r"(?:soul|r b|rock|pop|jazz|blues|country|folk|reggae|hip hop|rap|world|classical|gospel|latin"
    r"|electronic|topical|progressive|world music|dub instrumental reggae music|spoken word|comedy|metal|punk)"
    r"(?: (?:and )?(?:soul|r b|rock|pop|jazz|blues|country|folk|reggae|hip hop|rap|gospel|latin|music|roll))*",
    "key": r"traditional|trad|anon|live in the studio",
}
"""Says nothing about which recording it is: dropped, and told in the reasons."""

DISTINGUISHING: Mapping[str, str] = {
    "karaoke": r"karaoke|sing ?along|(?:in the|in) style of|(?:as )?made (?:famous|popular) by|performance track"
    r"|premiere performance plus|backing track|(?:with ?out|w o|no|minus) (?:background |lead )?vocals?|playback",
    "cover": r"tribute(?: to)?|originally (?:performed|recorded|sung|by)|original (?:performed )?by|cover(?: version)?"
    r"|lullab(?:y|ies)|renditions?|(?:string quartet|8 ?bit|music box|piano) (?:tribute|cover|version of)|ringtone|sonnerie"
    r"|homenaje a|hommage a|workout mix|as performed by",
    "rerecording": r"re ?record(?:ed|ing)|new (?:version|recording)|nueva version|rehearsal|re ?sung",
    "unplugged": r"unplugged",
    "session": r"(?:bbc|peel|aol|radio \d?|itunes|kexp|kcrw|daytrotter|live lounge|spotify|in|maida vale|evening|xfm)"
    r" sessions?|sessions? (?:at )?aol|(?:the )?sessions? \d*$|live lounge|kcrw|kexp|top gear|bbc",
    "live": r"en (?:vivo|directo|concert|concierto|public|live)|ao vivo|dal vivo|in concert[oi]?|im konzert|directo"
    r"|live|concert|concierto|konsert|koncert|canli|elo|raibu|sound ?check|official bootleg",
    "acoustic": r"acoustic(?:a|o|al|ally)?|acoustique|acustic[oa]|acustica|akustisch|akustik|akustinen|stripped",
    "instrumental": r"instrumental(?:e|es|s)?|instru|instr|instumental|instramental|strumentale|instrumentalversion"
    r"|non vocal",
    "a cappella": r"a ?c+app?ell?as?|vocals? only",
    "demo": r"demos?|(?:home|rough|guide) (?:recording|vocal|mix|demo)|practice session|sketch|work in progress",
    "alternate": r"alt(?:ernat(?:e|ive))?(?: (?:take|mix|version|ending|studio version|lead mix))?|out ?takes?"
    r"|(?:take|tk|takes) \d+|false start|unused version|unfinished|early version|early take",
    "slowed": r"(?:chopped|screwed|slowed)(?: ?(?:and|n|&)? ?(?:chopped|screwed|down|reverb))*|sped up|nightcore",
    "extended": r"extended(?: (?:version|mix|cut|play))?|long version|version longue|(?:12|twelve) ?(?:inch)?"
    r" (?:version|mix|single)|12 inch|maxi(?: (?:version|single|mix))?|full length(?: version)?|complete version",
    "edit": r"(?:radio|single|video|short|club|tv|dj|early fade|7) (?:edit|edited|cut|radio)|radio(?: (?:version|mix))?"
    r"|edit|short version|video (?:version|mix)|early fade|snippets?|excerpt|extract|part jump",
    "remix": r"re ?mix(?:es|ed|e)?|rmx|re ?rub|re ?work(?:ed)?|(?:vocal |club |dub |dance |house |extended )*mix(?: \d+)?"
    r"|club(?: version)?$|dub(?: version)?|mash ?up|bootleg|refix|vip|megamix|rub a dub|clubmix",
    "medley": r"medley|pot pourri|megamix",
    "reprise": r"reprise(?: \d+)?",
    "intro": r"intro|introduction|outro",
    "orchestral": r"orchestral|symphonic|orchestra version|string version|full band",
}
"""Says it is another recording: both sides must say it. The order is the order of reading: longer meanings first."""

LANGUAGES: Mapping[str, str] = {
    "english": r"english|ingles|anglais|anglaise|englisch|inglese|englische",
    "spanish": r"spanish|espanol|espanola|espagnol|espagnole|spanisch|spagnolo|castellano|spanglish",
    "french": r"french|frances|francais|francaise|franzosisch|francese|franzosische",
    "german": r"german|aleman|allemand|allemande|deutsch|deutsche|tedesco|alemao",
    "italian": r"italian|italiano|italiana|italien|italienne|italienisch",
    "portuguese": r"portuguese|portugues|portuguesa|portugais|portugiesisch|portoghese",
    "japanese": r"japanese|japones|japonais|japanisch|nihongo",
    "chinese": r"mandarin|cantonese|chinese|chino",
    "korean": r"korean|coreano",
    "swedish": r"swedish|svensk|svenska",
    "finnish": r"finnish|suomeksi|suomi",
    "russian": r"russian|ruso|russe|po russki",
    "hebrew": r"hebrew|hebreo|ivrit",
    "arabic": r"arabic|arabe",
}
"""A song sung in another language is another recording, where a bracket says "in X", "X version" or only "X"."""

VERSION_WORDS = r"version|versions|versione|versao|vers|versie|fassung|wersja|versio"

GENERIC_MARK_WORDS = frozenset(
    "the a an of by in at on from and with for to de du en el la le version mix remix edit vocal club dance radio"
    " extended original full album lp single house main feat featuring dub rmx remixed 12 7 inch live track".split()
)
"""Words that do not tell one remix or one concert from another."""

# --- credits ---------------------------------------------------------------------------------------------------

FEATURED = r"featuring|feat|ft|duet(?:o)? (?:with|con|w|avec)|duet|w|with|con|avec|mit|med|sung with|produced by|prod"
"""A bracket that begins so names other artists."""

COPYISTS = (
    r"karaoke|tribute|in the style of|made famous|originally performed|cover (?:band|version|versions|all stars|guru"
    r"|kings|crew)|covers|lullab(?:y|ies)|rockabye baby|renditions?|(?:vitamin|string) string quartet|hit crew"
    r"|sing ?along|soundalikes?|sound alikes?|backing tracks?|ringtones?|workout|playback|music box"
)
"""Performers who copy: they agree with a title and never with the recording."""

ENSEMBLES = frozenset(
    "orchestra orchester orchestre orquesta orquestra orchestras quartet quartett quartetto cuarteto quintet quintett"
    " sextet septet octet trio duo band group ensemble choir chorus singers bigband combo gang crew allstars project"
    " experience".split()
)
"""Words by which one performer's name is billed with or without the players."""

ARTIST_ARTICLES = frozenset(
    "the los las les die der das el la le il i gli os as o tha da de het den det dj mc mr mister".split()
)
"""Words before an artist's name that one catalogue writes and another leaves out."""
