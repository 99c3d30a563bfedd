"""`music-assets doctor --online`: does each source still answer in the shapes that this project relies on?

The sources without a key were built from documents and could not be tried live, so a person with a network
runs this once. Each source in use gets a few harmless requests about well-known ids; what differs from what
its package reads is a finding. Responses can be recorded, as fixtures; nothing is cached. The checks of this
machine are in `doctor`.
"""

from __future__ import annotations

import csv
import io
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import zstandard

from music_assets.cli.console import counted
from music_assets.cli.doctor import NOTE, OK, PROBLEM, Finding
from music_assets.defs.wiring import opened_resources
from music_assets.settings import Settings
from music_assets.sources.download.dumps import DUMPS
from music_assets.sources.http import make_session
from music_assets.sources.ledger import open_ledger
from music_assets.sources.listenbrainz import LABS, LISTENBRAINZ
from music_assets.sources.reccobeats import RECCOBEATS
from music_assets.sources.spotify import SpotifySettings
from music_assets.sources.spotify.client import SpotifyClient

if TYPE_CHECKING:
    import requests

Record = dict[str, Any]
# Where each source is, by its name in MUSIC_ASSETS_SKIP_SOURCES. The Echo Nest archive is not on HTTP.
REAL = {
    "reccobeats": RECCOBEATS.base_url,
    "listenbrainz": LISTENBRAINZ.base_url,
    "labs": LABS.base_url,
    **{name: dump.base_url for name, dump in DUMPS.items() if name in ("musicbrainz", "acousticbrainz")},
}
BY_SANDBOX = "the sandbox answered as expected"  # nobody takes that for the service
_TIMEOUT_S = 30.0
_HEAD_BYTES = 1 << 17  # of a dump: enough for its first members and the header of its table
_RECORDED_HEADERS = ("content-type", "content-length", "retry-after", "server")
_TEXT, _NUMBER, _MAYBE = str, (int, float), type(None)
# What the packages of `sources` read of a response: a type, several, or what a list or an object holds.
TRACKS = {
    "content": [
        {
            "href": _TEXT,
            "trackTitle": _TEXT,
            "durationMs": _NUMBER,
            "artists": [{"name": _TEXT, "href": _TEXT}],
            "isrc": (_TEXT, _MAYBE),
            "popularity": (int, _MAYBE),
        }
    ]
}
ARTISTS = {"content": [{"id": _TEXT, "name": _TEXT, "href": _TEXT}]}
_SCALED = "acousticness danceability energy instrumentalness liveness loudness speechiness tempo valence"
FEATURES = {
    "content": [{"href": _TEXT, "isrc": (_TEXT, _MAYBE), "key": (int, _MAYBE), "mode": (int, _MAYBE)}]
}
FEATURES["content"][0].update(dict.fromkeys(_SCALED.split(), (*_NUMBER, _MAYBE)))
_COUNTS = {"total_listen_count": (int, _MAYBE), "total_user_count": (int, _MAYBE)}
_NAMES = ("artist_name", "release_name", "track_name")
IDS = [dict.fromkeys(_NAMES, _TEXT) | {"spotify_track_ids": [_TEXT]}]
HITS = {
    "tracks": {
        "total": int,
        "items": [
            {
                "id": _TEXT,
                "name": _TEXT,
                "duration_ms": int,
                "artists": [{"id": _TEXT, "name": _TEXT}],
                "album": {"id": _TEXT, "name": _TEXT, "release_date": _TEXT, "album_type": _TEXT},
                "external_ids": {"isrc": _TEXT},
            }
        ],
    }
}
CANONICAL = "artist_mbids artist_credit_name release_mbid release_name recording_mbid recording_name score"
ANALYSED = {
    "lowlevel": "mbid average_loudness",
    "rhythm": "mbid bpm danceability",
    "tonal": "mbid key_key key_scale",
}


@dataclass(frozen=True)
class Known:
    """Ids and names that every service should know: a song of 2003, and one of 1994."""

    spotify_id: str = "3n3Ppam7vgaVa1iaRUc9Lp"
    isrc: str = "USIR20400274"
    artist_name: str = "The Killers"
    release_name: str = "Hot Fuss"
    track_name: str = "Mr. Brightside"
    recording_mbid: str = "e97f805a-ab48-4c52-855e-07049142113d"
    artist_mbid: str = "8f6bd1e4-fbe1-4f50-aa9b-94c450ec0f11"


class Answer(NamedTuple):
    """A response as it came: its bytes, and its JSON where it is some."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    json: Any


def examine_sources(settings: Settings, recorded: list[Record]) -> Iterator[Finding]:
    """Try each source in use, the sandbox's where these settings have it; responses go to `recorded`."""
    made = Sources(REAL, recorded=recorded)
    with ExitStack() as opened:
        if settings.is_sandbox:
            at = opened.enter_context(opened_resources(settings)).sandbox.address()
            with closing(make_session(at.base_url, ())) as session:
                known = Known(**session.get(at.examples_url, timeout=_TIMEOUT_S).json())
            made = Sources(at.source_urls, known, recorded, rates=(), answers=BY_SANDBOX)
        used = {
            name: url for name, url in made.urls.items() if name in _PROBES and settings.sources.uses(name)
        }
        silent = 0
        for finding in replace(made, urls=used).examine():
            silent += finding.state == NOTE
            yield finding
        if settings.sources.uses("echonest"):
            yield Finding("echonest", OK, "not tried: no service, but an archive on an FTP server")
        if silent:
            message = f"{silent} of {counted(len(used), 'source')} did not answer"
            yield Finding("sources", PROBLEM if silent == len(used) else NOTE, message)


def examine_spotify(settings: SpotifySettings, recorded: list[Record]) -> Iterator[Finding]:
    """Search for one song, and see whether the hit has the fields that a candidate is compared by.

    Raises:
        SpotifyError: Spotify cannot be used, for a reason that the message names.
    """
    query: dict[str, Any] = {"q": f"{Known.artist_name} {Known.track_name}", "type": "track", "limit": 1}
    with spotify_client(settings) as client:
        found = client.get("search", **query)
    request = {"method": "GET", "path": "search", "params": query}
    recorded.append({"source": "spotify", "request": request, "status": 200, "headers": {}, "body": found})
    if different := list(differences(found, HITS)):
        yield Finding(
            "Spotify's search", PROBLEM, "; ".join(different), "Report it with what --record writes."
        )
    else:
        yield Finding("Spotify's search", OK, "1 request, answered as expected")


@contextmanager
def spotify_client(settings: SpotifySettings) -> Iterator[SpotifyClient]:
    """A client with a ledger of its own, which caches nothing; it sends each request once."""
    with (
        TemporaryDirectory() as folder,
        closing(open_ledger(Path(folder) / "ledger.sqlite", source=settings.source)) as ledger,
        closing(SpotifyClient(replace(settings, retries=0, longest_wait=0.0), ledger)) as client,
    ):
        yield client


@dataclass
class Sources:
    """The sources at these addresses, by their names in MUSIC_ASSETS_SKIP_SOURCES.

    `recorded` collects every request with its response, without any header of ours.
    """

    urls: Mapping[str, str]
    known: Known = Known()
    recorded: list[Record] = field(default_factory=list)
    rates: Sequence[tuple[int, float]] = ((1, 1.0),)  # requests, seconds
    answers: str = "answered as expected"
    sent: int = 0
    _session: requests.Session | None = None

    def examine(self) -> Iterator[Finding]:
        """Each source in turn; whatever happens to one is a finding."""
        for source, probe in _PROBES.items():
            if (url := self.urls.get(source)) is None:
                continue
            before = self.sent
            with closing(make_session(url, self.rates)) as self._session:
                try:
                    differences = list(probe(self, source))
                except OSError as error:  # those of requests are among them
                    advice = f"Try later. Runs go on without it; MUSIC_ASSETS_SKIP_SOURCES={source} skips it."
                    yield Finding(source, NOTE, f"no response from {url} ({type(error).__name__})", advice)
                    continue
            sent_text = counted(self.sent - before, "request")
            if differences:
                advice = (
                    f"Report it with the file that --record writes. MUSIC_ASSETS_SKIP_SOURCES={source} "
                    "runs without this source until then."
                )
                yield Finding(source, PROBLEM, f"{sent_text}: {'; '.join(differences)}", advice)
            else:
                yield Finding(source, OK, f"{sent_text}, {self.answers}")

    def send(self, source: str, path: str, body: Any = None, **how: Any) -> Answer:
        """One request: a POST of `body` where there is one; `head` for the beginning of a file."""
        assert self._session is not None
        self.sent += 1
        url = f"{self.urls[source].rstrip('/')}/{path}"
        head = how.pop("head", False)
        parameters = dict(how)
        headers = {"Range": f"bytes=0-{_HEAD_BYTES - 1}"} if head else {}
        method = "GET" if body is None else "POST"
        if head:  # of a file only this is read here, and not all of it by the session
            how["hooks"] = {"response": [lambda response, **_: response]}
        with self._session.request(
            method, url, json=body, headers=headers, timeout=_TIMEOUT_S, stream=True, **how
        ) as response:
            content = response.raw.read(_HEAD_BYTES, decode_content=not head) if head else response.content
        answer = Answer(response.status_code, response.headers, content, None)
        with suppress(ValueError):
            answer = answer._replace(json=None if head else response.json())
        shown = answer.json if answer.json is not None else _text(content)
        self.recorded.append(
            {
                "source": source,
                "request": {"method": method, "path": path, **parameters}
                | ({} if body is None else {"json": body}),
                "status": answer.status,
                "headers": {
                    name: text
                    for name, text in response.headers.items()
                    if name.lower() in _RECORDED_HEADERS or name.lower().startswith("x-ratelimit")
                },
                "body": f"{len(content):,} bytes of a file" if head and answer.status < 300 else shown,
            }
        )
        return answer


# -- what is requested of each source; each probe yields what differs


def _reccobeats(sources: Sources, source: str) -> Iterator[str]:
    known = sources.known
    tracks = sources.send(source, "track", params={"ids": f"{known.spotify_id},{known.isrc}"})
    problems = list(_differences("track", tracks, TRACKS))
    yield from problems or _artists(sources, source, tracks.json["content"][0]["artists"][0])
    features = sources.send(source, "audio-features", params={"ids": known.spotify_id})
    yield from _differences("audio-features", features, FEATURES)
    refused = sources.send(source, "track", params={"ids": ""})
    if refused.status != 400:
        yield f"track: no ids were answered with {refused.status}, not 400"


def _artists(sources: Sources, source: str, artist: Any) -> Iterator[str]:
    """An artist of a track: by its Spotify id, by its name, and the list of its tracks."""
    page = {"page": "0", "size": "50"}
    found = sources.send(source, "artist/search", params={"searchText": artist["name"], **page})
    yield from _differences("artist/search", found, ARTISTS)
    named = sources.send(source, "artist", params={"ids": artist["href"].rpartition("/")[2]})
    problems = list(_differences("artist", named, ARTISTS))
    yield from problems
    if not problems:
        listed = sources.send(source, f"artist/{named.json['content'][0]['id']}/track", params=page)
        yield from _differences("artist/{id}/track", listed, TRACKS)


def _listenbrainz(sources: Sources, source: str) -> Iterator[str]:
    for entity, mbid in (("recording", sources.known.recording_mbid), ("artist", sources.known.artist_mbid)):
        answer = sources.send(source, f"popularity/{entity}", {f"{entity}_mbids": [mbid]})
        yield from _differences(f"popularity/{entity}", answer, [{f"{entity}_mbid": _TEXT, **_COUNTS}])


def _labs(sources: Sources, source: str) -> Iterator[str]:
    names = {name: getattr(sources.known, name) for name in _NAMES}
    answer = sources.send(source, "spotify-id-from-metadata/json", [names])
    yield from _differences("spotify-id-from-metadata", answer, IDS)


def _musicbrainz(sources: Sources, source: str) -> Iterator[str]:
    listing = sources.send(source, "")
    names = re.findall(r'href="(?:[^"]*/)?(musicbrainz-canonical-dump-\d{8}-\d{6})/"', _text(listing.content))
    if not names:
        yield f"the listing ({listing.status}) names no canonical dump"
        return
    path = f"{max(names)}/{max(names)}.tar.zst"
    checksum = sources.send(source, f"{path}.sha256")
    if not re.match(rb"[0-9a-f]{64}\b", checksum.content):
        yield f"{path}.sha256 ({checksum.status}) does not begin with a checksum"
    yield from _columns(sources.send(source, path, head=True), path, CANONICAL)


def _acousticbrainz(sources: Sources, source: str) -> Iterator[str]:
    sums = _text(sources.send(source, "sha256sums").content)
    for kind, columns in ANALYSED.items():
        name = re.search(rf"[\w.-]+-{kind}\.tar\.zst", sums)
        if name is None:
            yield f"sha256sums names no {kind} archive"
        else:
            yield from _columns(sources.send(source, name[0], head=True), name[0], columns)


_PROBES: dict[str, Callable[[Sources, str], Iterator[str]]] = {
    "reccobeats": _reccobeats,
    "listenbrainz": _listenbrainz,
    "labs": _labs,
    "musicbrainz": _musicbrainz,
    "acousticbrainz": _acousticbrainz,
}


# -- comparing


def _differences(path: str, answer: Answer, shape: Any) -> Iterator[str]:
    if answer.status != 200:
        yield f"{path}: answered with {answer.status}"
    elif answer.json is None:
        yield f"{path}: the answer is not JSON"
    else:
        yield from (f"{path}: {difference}" for difference in differences(answer.json, shape))


def differences(value: Any, shape: Any, where: str = "") -> Iterator[str]:
    """How a JSON value differs from a shape: what is missing, and what is of another type."""
    name = where or "the answer"
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{name} is {_kind(value)}, not a list"
        elif not value and not where.endswith("_ids"):
            yield f"{name} is empty"
        for place, each in enumerate(value[:3] if isinstance(value, list) else ()):
            yield from differences(each, shape[0], f"{where}[{place}]")
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{name} is {_kind(value)}, not an object"
            return
        for key, of in shape.items():
            at = f"{where}.{key}" if where else key
            if key in value:
                yield from differences(value[key], of, at)
            else:
                yield f"{at} is missing"
    elif not isinstance(value, shape) or isinstance(value, bool):
        yield f"{name} is {_kind(value)}"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "a boolean", _MAYBE: "null"}
    return kinds.get(type(value), "a number")


def _columns(answer: Answer, path: str, wanted: str) -> Iterator[str]:
    """What is missing of the columns of the first table in a `.tar.zst`, by its beginning."""
    try:
        members = _members(zstandard.ZstdDecompressor().decompressobj().decompress(answer.content))
    except zstandard.ZstdError:
        yield f"{path} ({answer.status}) is not zstd"
        return
    tables = [content for name, content in members.items() if name.endswith(".csv")]
    if not tables:
        yield f"{path} does not begin with a table, but with {', '.join(members) or 'nothing known'}"
        return
    header = next(csv.reader(io.StringIO(_text(tables[0]).partition("\n")[0])), [])
    if missing := [name for name in wanted.split() if name not in header]:
        yield f"{path} has no column {', '.join(missing)}"


def _members(content: bytes) -> dict[str, bytes]:
    """The first members of a tar file of which only the beginning is there, as far as that goes."""
    found: dict[str, bytes] = {}
    with suppress(tarfile.TarError, EOFError), tarfile.open(fileobj=io.BytesIO(content), mode="r|") as tar:
        for member in tar:
            start = member.offset_data
            found[member.name] = content[start : start + member.size]
    return found


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
