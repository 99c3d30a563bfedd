"""Which files of MusicBrainz are in a folder of downloads."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from music_assets.sources.dumps import identity

CANONICAL, REDIRECTS = "canonical_musicbrainz_data.csv", "canonical_recording_redirect.csv"
MAPPING = "msd-mbid-2016-01-results-ab.csv.bz2"
FULL = "mbdump.tar.bz2"
_ARCHIVE = "musicbrainz-canonical-dump-*.tar.zst"
_MADE = re.compile(r"(\d{8})-(\d{6})")


@dataclass(frozen=True)
class MusicBrainzFiles:
    """The files in use: the canonical dump (its archive, or the CSVs it unpacks to), the 2016 mapping and the
    full dump, each where it is there."""

    canonical: tuple[Path, ...]
    mapping: Path | None = None
    full: Path | None = None

    @classmethod
    def find(cls, folder: Path) -> MusicBrainzFiles | None:
        """Those of a folder; the newest dump where there are several. None without a canonical dump."""
        archives = sorted(folder.rglob(_ARCHIVE), key=lambda path: path.name)
        if archives:
            canonical: tuple[Path, ...] = (archives[-1],)
        else:
            unpacked = sorted(folder.rglob(CANONICAL))[-1:]
            redirects = [path.with_name(REDIRECTS) for path in unpacked]
            canonical = (*unpacked, *(path for path in redirects if path.is_file()))
        if not canonical:
            return None
        mapping, full = (next(iter(sorted(folder.rglob(name))), None) for name in (MAPPING, FULL))
        return cls(canonical, mapping, full)

    @property
    def identity(self) -> str:
        """What changes when other files are in use."""
        return identity([*self.canonical, *filter(None, (self.mapping, self.full))])

    @property
    def made_at(self) -> datetime:
        """When the canonical dump was made (UTC), by its name; when the file was, where no name says it."""
        for part in reversed(self.canonical[0].parts):
            if found := _MADE.search(part):
                with suppress(ValueError):  # digits that are no time
                    return datetime.strptime(" ".join(found.groups()), "%Y%m%d %H%M%S").replace(tzinfo=UTC)
        return datetime.fromtimestamp(self.canonical[0].stat().st_mtime, UTC).replace(microsecond=0)
