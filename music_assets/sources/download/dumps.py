"""The dumps of open data and the MSD's summary file, from their folders on the web into the downloads.

The newest is found in the folder's listing, and what is fetched is compared with its published checksum,
which is left beside it. A file is resumed, and whole or not there (`http_file`). Reading dumps is in the
sources' packages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import requests
from filelock import FileLock, Timeout

from music_assets.sources.bounded import reason_of
from music_assets.sources.download.http_file import DownloadError, FetchFailed, Progress, fetch, no_progress

_METABRAINZ = "https://data.metabrainz.org/pub/musicbrainz/"
_ARCHIVE = "millionsongdataset_echonest.tar.bz2"
_MAPPING = "msd-mbid-2016-01-results-ab.csv.bz2"
_SUMMARY = "msd_summary_file.h5"
_CANONICAL = re.compile(r"(musicbrainz-canonical-dump-\d{8}-\d{6})/")
_FEATURES = re.compile(r".+-(lowlevel|rhythm|tonal)\.tar\.zst")
_LINK = re.compile(r"""href\s*=\s*["']?([^"'\s>?#]+)""", re.IGNORECASE)
_CHECKSUM = re.compile(r"^([0-9a-fA-F]{64})\s+\*?(\S+)", re.MULTILINE)
_TIMEOUT = (15.0, 60.0)  # seconds
_MAGIC = {".bz2": b"BZh", ".zst": b"\x28\xb5\x2f\xfd", ".h5": b"\x89HDF"}  # what such files begin with


@dataclass(frozen=True)
class DumpSource:
    """A source of dumps: its folder on the web, and in words what a download takes."""

    base_url: str
    size: str


DUMPS = {
    "musicbrainz": DumpSource(
        _METABRAINZ + "canonical_data/",
        "some 2.2 GB; the first run unpacks 7 GB beside its index (about 5 GB), and removes them",
    ),
    "acousticbrainz": DumpSource(
        _METABRAINZ + "acousticbrainz/dumps/acousticbrainz-lowlevel-features-20220623/",
        "2.8 GB; the first run unpacks a file at a time beside its index (under 1 GB), and removes it",
    ),
    "echonest": DumpSource(
        "ftp://ftp.acousticbrainz.org/pub/acousticbrainz/acousticbrainz-labs/download/",
        "480 MB: Spotify ids, and the MusicBrainz ids of 2016; its index takes about 200 MB",
    ),
    # http://millionsongdataset.com/pages/getting-dataset/#subset; no checksum of it has been published.
    "summary": DumpSource(
        "http://millionsongdataset.com/sites/default/files/AdditionalFiles/",
        "300 MB: the metadata of all million songs of the MSD, without tags and arrays",
    ),
}


@dataclass(frozen=True)
class _Wanted:
    """A file to fetch: its address, its place below the downloads, its checksum where one is published."""

    url: str
    place: str
    sha256: str | None = None


def download_dump(
    name: str,
    downloads: Path,
    *,
    base_url: str | None = None,
    progress: Callable[[str], Progress] = lambda name: no_progress,
    tries: int = 5,
    pause: float = 1.0,
) -> list[Path]:
    """Fetch the newest dump of a source (a key of `DUMPS`) into the folder of downloads; its files.

    What is there is not fetched again, what was interrupted is resumed. `base_url` is another folder on the
    web with the same files; `progress` gives what shows the progress of a file, by its name.

    Raises:
        DownloadError: The folder has no dump, a checksum differs, or the disk is too small.
    """
    base = base_url or DUMPS[name].base_url
    base = base if base.endswith("/") else f"{base}/"
    found = []
    try:
        (downloads / name).mkdir(parents=True, exist_ok=True)
        with FileLock(downloads / name / ".download.lock").acquire(timeout=0):
            for file in _wanted(name, base, given=base_url is not None):
                place = downloads / file.place
                place.parent.mkdir(parents=True, exist_ok=True)
                beside = place.with_name(f"{place.name}.sha256")
                if file.sha256 and place.exists() and file.sha256 not in _read(beside):
                    place.unlink()  # the file of this name is another one now
                fetch(
                    file.url,
                    place,
                    sha256=file.sha256,
                    progress=progress(place.name),
                    tries=tries,
                    pause=pause,
                )
                if file.sha256:
                    beside.write_text(f"{file.sha256}  {place.name}\n")
                else:
                    _check_beginning(place, file.url)
                found.append(place)
    except Timeout:
        raise DownloadError(f"Another download of {name} is at work. Wait for it to end.") from None
    except OSError as error:
        raise DownloadError(
            f"{error.filename or downloads} cannot be used: {error.strerror or error}. Free some space or "
            "make it writable, and run the same again, or name another folder with MUSIC_ASSETS_DOWNLOADS."
        ) from error
    return found


def _wanted(name: str, base: str, *, given: bool) -> Iterator[_Wanted]:
    """The files of a source's newest dump."""
    if name == "echonest":
        below = ("", "") if given else ("msdrosetta/", "msdtombid/")
        yield _Wanted(f"{base}{below[0]}{_ARCHIVE}", f"echonest/{_ARCHIVE}")
        yield _Wanted(f"{base}{below[1]}{_MAPPING}", f"musicbrainz/{_MAPPING}")
    elif name == "summary":
        yield _Wanted(base.removesuffix(f"{_SUMMARY}/") + _SUMMARY, f"summary/{_SUMMARY}")
    elif name == "musicbrainz":
        folders = sorted(
            (found[1] for link in _links(base) if (found := _CANONICAL.fullmatch(link))), reverse=True
        )
        for folder in folders:  # the newest may be there only in part, while it is uploaded
            file, url = f"{folder}.tar.zst", f"{base}{folder}/"
            links = _links(url)
            if file in links and f"{file}.sha256" in links:
                yield _Wanted(url + file, f"musicbrainz/{file}", _checksums(f"{url}{file}.sha256")[file])
                return
        raise DownloadError(f"{base} lists no musicbrainz-canonical-dump-…. Name another folder with --url.")
    else:
        links = _links(base)
        files = {kind[1]: link for link in links if (kind := _FEATURES.fullmatch(link))}
        if len(files) < 3:
            raise DownloadError(
                f"{base} lists no …-lowlevel, -rhythm and -tonal.tar.zst. Name another with --url."
            )
        sums = {}
        for link in links:
            if "sha256" in link.lower():
                sums.update(_checksums(base + link))
        for file in files.values():
            yield _Wanted(base + file, f"acousticbrainz/{file}", sums.get(file))


def _check_beginning(place: Path, url: str) -> None:
    """Remove a file without a published checksum that is not of its kind: a page in its place, mostly."""
    begins = _MAGIC[place.suffix]
    with place.open("rb") as opened:
        if opened.read(len(begins)) == begins:
            return
    place.unlink()
    raise DownloadError(
        f"{url} gave something that is not a {place.suffix} file. Run the same again later, or name another "
        "folder with --url."
    )


def _links(url: str) -> Sequence[str]:
    """The names that a folder's page links to, those of folders with `/`; never a path."""
    names = [unquote(unescape(link)).removeprefix("./") for link in _LINK.findall(_text(url))]
    return [name for name in names if "/" not in name[:-1] and name not in (".", "..", "../", "/")]


def _checksums(url: str) -> dict[str, str]:
    """The SHA-256 by file name; of a file with a single one without a name, that of the file it is beside."""
    text = _text(url)
    sums = {name.rpartition("/")[2]: digest.lower() for digest, name in _CHECKSUM.findall(text)}
    alone = re.fullmatch(r"\s*([0-9a-fA-F]{64})\s*", text)
    file = url.rpartition("/")[2].removesuffix(".sha256")
    sums = {file: alone[1].lower()} if alone else sums
    if not sums or (url.endswith(".sha256") and file not in sums):
        raise DownloadError(f"{url} holds no SHA-256 of {file}. Run the same again later.")
    return sums


def _text(url: str) -> str:
    try:
        with requests.get(url, headers={"User-Agent": "music-assets"}, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            return response.text
    except requests.RequestException as error:
        raise FetchFailed(
            f"{url} cannot be read: {reason_of(error)}. Run the same again later, or name another with --url."
        ) from error


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
