"""How an MSD song becomes tracks on the sandbox's Spotify.

Most songs are there, as a service would list them today; beside them stand tracks that look like them and are
not; some are missing. Everything follows from the song's own values, by hash, so neither order nor neighbours
matter. The rates are invented, and not tuned to a matcher. Artists and albums are made in `entities`, names
and ids in `names`; `catalogue` stores them.
"""

from __future__ import annotations

import random
import re

from music_assets.sandbox.invented import invented
from music_assets.sandbox.spotify.entities import (
    Album,
    Artist,
    Song,
    Track,
    artist,
    clip,
    compilation,
    own_album,
)
from music_assets.sandbox.spotify.names import (
    BRACKET,
    VERSION,
    dice_of,
    fold,
    signs,
    split_artists,
    split_title,
    spotify_id,
    without_accents,
)

MISSING = 0.08  # of the songs are not on Spotify at all
MISSING_WITHOUT_TRACE = 0.5  # of those leave no twin either
ELSEWHERE = 12  # percent of the songs are not on their release, but on another edition or a compilation
DELUXE = 20  # percent of the albums have a deluxe edition beside them
_COUNTRIES = "US GB DE FR SE NL ES BR CA AU IT JP".split()
_UNKNOWN = Song("", "", "", "", 0.0)


def same_recording_key(song: Song) -> str:
    """What two MSD tracks of one recording share (with nearly equal durations): the MSD has duplicates."""
    title, _ = split_title(signs(song.title))
    return f"{fold(split_artists(song.artist_name)[0])}|{fold(title)}"


def tracks_of(song: Song) -> list[Track]:
    """Every track that this song brings to the sandbox, the right ones first."""
    rng = random.Random(song.track_id)
    missing = rng.random() < MISSING
    if missing and rng.random() < MISSING_WITHOUT_TRACE:
        return []
    return _Maker(song, rng).make(missing)


class _Maker:
    """The tracks of one song, with the dice of that song."""

    def __init__(self, song: Song, rng: random.Random) -> None:
        self.song, self.rng = song, rng
        self.tracks: list[Track] = []
        self.title, self.featured = split_title(signs(song.title))
        names = split_artists(song.artist_name)
        hot = song.artist_hotttnesss if song.artist_hotttnesss is not None else 0.3
        self.artists = [artist(name, hot if i == 0 else 0.3) for i, name in enumerate(names)]
        self.year = song.year or 1965 + dice_of("year", self.artists[0].id, fold(song.release)) % 45
        hot = song.song_hotttnesss if song.song_hotttnesss is not None else rng.random() * 0.5
        self.popularity = clip(15 + 60 * hot + rng.gauss(0, 6), 0, 100)
        self.version = VERSION.search(self.title)
        self.base = BRACKET.sub("", self.title) or self.title
        self.ms = song.duration * 1000

    def make(self, missing: bool) -> list[Track]:
        own = own_album(self.artists[0], signs(self.song.release) or self.title, self.year)
        if not missing:
            self._right(own)
        self._other_takes(own)
        self._karaoke()
        self._remix()
        self._others()
        return self.tracks

    def _other_takes(self, own: Album) -> None:
        """The artist's own other recordings: live, and the studio's where the song is live."""
        rng, base, main = self.rng, self.base, self.artists[:1]
        if rng.random() < 0.4:
            place = rng.choice(invented()["concert_halls"])
            name = rng.choice((f"{base} - Live", f"{base} - Live at {place}", f"{base} (Live)"))
            album = own_album(main[0], f"Live at {place}", self.year + rng.randint(1, 9))
            ms = self.ms * rng.uniform(0.92, 1.25)
            self._add(name, main, album, ms, self.popularity - rng.randint(5, 30))
        if self.version and rng.random() < 0.6:  # the take that is none of that
            self._add(base, main, own, self.ms * rng.uniform(0.8, 1.1), self.popularity + rng.randint(-5, 15))

    def _karaoke(self) -> None:
        """The backing track, by those who record them by the thousand; some do not even say so."""
        rng, base = self.rng, self.base
        if rng.random() < 0.25:
            singer, of = artist(rng.choice(invented()["karaoke_singers"]), 0.1), self.artists[0].name
            in_style, performed = (
                f"(In the Style of {of}) [Karaoke Version]",
                f"(Originally Performed by {of})",
            )
            version = rng.choice(("(Karaoke Version)", in_style, performed, ""))
            album = own_album(singer, f"Sing {of}", 2005 + rng.randint(0, 15))
            self._add(f"{base} {version}", [singer], album, self.ms + rng.gauss(0, 2000), rng.randint(0, 12))

    def _remix(self) -> None:
        rng, base, main = self.rng, self.base, self.artists[:1]
        if rng.random() < 0.3:
            remixer = artist(rng.choice(invented()["remixers"]), 0.3)
            name = rng.choice((f"{base} - {remixer.name} Remix", f"{base} ({remixer.name} Remix)"))
            album = own_album(main[0], f"{base} (Remixes)", self.year + 1, "single")
            credited = [*main, remixer] if rng.random() < 0.5 else main
            ms = self.ms * rng.uniform(0.8, 1.6)
            self._add(name, credited, album, ms, self.popularity - rng.randint(0, 25))

    def _others(self) -> None:
        """Other artists: a cover, and other songs that only share the title."""
        rng, base = self.rng, self.base
        if rng.random() < 0.4:
            other = artist(rng.choice(invented()["other_artists"]), 0.3)
            album = own_album(other, rng.choice(("Covers", "Songs We Love", "Other People's Songs")), 2012)
            self._add(base, [other], album, self.ms * rng.uniform(0.85, 1.2), rng.randint(0, 45))
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            other = artist(rng.choice(invented()["other_artists"]), 0.4)
            album = own_album(other, rng.choice((base, "Debut", "Second Sight")), rng.randint(1970, 2022))
            ms = rng.uniform(120_000, 320_000)
            self._add(base, [other], album, ms, rng.randint(0, 70), stranger=True)

    def _right(self, own: Album) -> None:
        """The song itself, and its copies: the same recording under the same ISRC."""
        rng = self.rng
        name, credited = self._as_listed()
        deluxe = own_album(self.artists[0], f"{signs(self.song.release)} (Deluxe Edition)", self.year + 10)
        home = self._home(own, deluxe)
        off = rng.gauss(0, 900) if rng.random() < 0.9 else rng.uniform(-3000, 3000)
        ms = self.ms + clip(off, -3000, 3000)
        right = [self._add(name, credited, home, ms, self.popularity)]
        if rng.random() < 0.5:
            album = compilation(rng)
            ms_there = ms + rng.gauss(0, 300)
            right.append(self._add(self.title, credited, album, ms_there, self.popularity - 10))
        # An edition has all of an album's songs, so whether there is one follows from the album.
        if home is not deluxe and dice_of("deluxe", own.id) % 100 < DELUXE:
            ms_there = ms + rng.gauss(0, 300)
            right.append(self._add(name, credited, deluxe, ms_there, self.popularity - 4))
        for track in right:
            track.right, track.isrc = True, right[0].isrc

    def _home(self, own: Album, deluxe: Album) -> Album:
        """The album a song is on: its release, but for some songs that only another edition has today."""
        dice = dice_of("edition", self.song.track_id) % 100
        if dice < ELSEWHERE // 2:
            return deluxe
        return compilation(self.rng) if dice < ELSEWHERE else own

    def _as_listed(self) -> tuple[str, list[Artist]]:
        """The title and the artists as Spotify lists them."""
        rng, name = self.rng, self.title
        credited = [*self.artists, *(artist(who, 0.3) for who in self.featured)]
        if self.featured and rng.random() < 0.6:
            name += f" (feat. {' & '.join(self.featured)})"
        if rng.random() < 0.5:
            name = BRACKET.sub(lambda m: f" - {m[1]}" if VERSION.search(m[1]) else m[0], name)
        if rng.random() < 0.5:
            name = re.sub(r"\bpart (?=\d|[ivx]+\b)", "Pt. ", name, flags=re.IGNORECASE)
        if rng.random() < 0.1:
            name = name.replace("'", "’")
        if rng.random() < 0.3:
            name = without_accents(name)
        if rng.random() < 0.05:
            name = name.replace("&", "and") if "&" in name else re.sub(r"\band\b", "&", name)
        if rng.random() < 0.04:
            name = re.sub(r"[!?.,]", "", name)
        case = rng.random()
        if case < 0.02:
            name = name.upper()
        elif case < 0.08:
            name = name[:1] + name[1:].lower()
        if rng.random() < 0.15 and not self.version:
            year = rng.randint(max(1998, min(self.year + 5, 2020)), 2023)
            name += rng.choice(
                (f" - {year} Remaster", f" - Remastered {year}", " - Remastered", " (Remastered)")
            )
        elif rng.random() < 0.04:
            name += rng.choice((" (Album Version)", " - Single Version", " - Mono", " - Bonus Track"))
        return name, list({each.id: each for each in credited}.values())

    def _add(
        self,
        name: str,
        artists: list[Artist],
        album: Album,
        ms: float,
        popularity: float,
        stranger: bool = False,
    ) -> Track:
        rng, own = self.rng, _UNKNOWN if stranger else self.song
        serial = rng.getrandbits(40)
        country, registrant = _COUNTRIES[serial % 12], spotify_id("isrc", str(serial))[:3].upper()
        tempo = own.tempo or 70 + serial % 100
        loudness = own.loudness if own.loudness is not None else -9.0
        track = Track(
            id=spotify_id("track", self.song.track_id, str(len(self.tracks))),
            right=False,
            name=" ".join(name.split()),
            artists=artists,
            album=album,
            isrc=f"{country}{registrant}{album.release_date[2:4]}{serial // 12 % 100_000:05d}",
            duration_ms=max(1000, round(ms)),
            popularity=round(clip(popularity, 0, 100)),
            number=1 + serial % album.total_tracks,
            key=own.key if own.key is not None else serial % 12,
            mode=own.mode if own.mode is not None else serial // 12 % 2,
            tempo=round(tempo * rng.uniform(0.99, 1.01), 3),
            loudness=round(loudness + rng.uniform(-1, 1), 3),
            time_signature=own.time_signature or 4,
        )
        self.tracks.append(track)
        return track
