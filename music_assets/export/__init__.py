"""Published tables as files that others can use: data, description, terms, citation, checksums.

Here: `export`, which writes the folder. What it has of which table is in `selection`, from where in `tables`,
the data files are in `data_files`, their description in `descriptor` and `readme`, what to cite in
`references`. A single query as a file is `music-assets query --parquet`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from music_assets.export.data_files import LISTED, DataFile, write_table
from music_assets.export.descriptor import descriptor
from music_assets.export.readme import readme
from music_assets.export.references import as_bibtex, as_cff, references, software
from music_assets.export.selection import CHOICES, Chosen, choose
from music_assets.export.tables import ExportFailed, opened

if TYPE_CHECKING:
    import pandas as pd

    from music_assets.export.tables import Unload

__all__ = ["ExportFailed", "Exported", "export"]

_SUMS = "SHA256SUMS"
_INVENTED = "Values from `sandbox` are invented, to try the project with: they are not for any study."
_SELECTION = "It is a selection: what is about {songs:,} of the songs in the tables, by the list {name}."
_RESTRICTED = (
    "It has content of Spotify's: it is for your own use, must not be published or used to train models, and "
    "has to be deleted when you no longer need it."
)


@dataclass(frozen=True)
class Exported:
    """What was written: the folder's data files, the tables left out as a whole, the data's version."""

    folder: Path
    version: str
    files: tuple[DataFile, ...]
    tables_left_out: tuple[str, ...]
    invented: bool


def export(
    warehouse: str | Path,
    out: Path,
    *,
    form: str = "parquet",
    only: str = "open",
    with_spotify: bool = False,
    listed: pd.DataFrame | None = None,
    list_name: str = "",
    unload: Unload | None = None,
) -> Exported:
    """Write a choice of the published tables (`CHOICES`) into a folder, all of it or nothing.

    The same state gives the same bytes. An earlier export in the folder is replaced.

    Args:
        warehouse: a DuckDB file or Redshift's URL, as `lookup` takes it.
        form: `parquet` or `csv`.
        with_spotify: with the columns whose terms do not allow publishing them.
        listed: only what is about these songs: a frame with the columns of `LISTED`, one row per song.
        list_name: what the texts call that list.
        unload: how Redshift's tables become files; needed for Redshift alone.

    Raises:
        ExportFailed, LookupFailed: the tables cannot be read, or the folder has other files or cannot be
            written.
    """
    chosen, tables_left_out = choose(only, with_spotify=with_spotify)
    earlier = _earlier_files(out)
    fresh = out / f".unfinished-{os.getpid()}"
    try:
        with opened(warehouse, chosen, unload) as (database, matchers):
            fresh.mkdir(parents=True)
            files = _data(database, chosen, form, fresh, listed)
        exported = Exported(
            out,
            _version(files),
            tuple(files),
            tuple(tables_left_out),
            any("sandbox" in file.sources for file in files),
        )
        selection = [] if listed is None else [_SELECTION.format(songs=len(listed), name=list_name)]
        _describe(exported, only, with_spotify, matchers, selection, fresh)
        for file in earlier:
            file.unlink(missing_ok=True)
        for file in fresh.iterdir():
            os.replace(file, out / file.name)
        for left in out.glob(".unfinished-*"):  # of exports that were killed
            shutil.rmtree(left, ignore_errors=True)
    except OSError as error:
        raise ExportFailed(
            f"{out} cannot be written: {error.strerror or error}. Name another with --out."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return exported


def _data(
    database: Any, chosen: Sequence[Chosen], form: str, folder: Path, listed: pd.DataFrame | None
) -> list[DataFile]:
    database.execute("SET threads = 1")  # more would write the same rows as other bytes
    if listed is not None:
        database.register("of_list", listed[list(LISTED)].astype("string"))
        database.execute("CREATE TEMP TABLE listed AS FROM of_list")
    return [write_table(database, one, form, folder, listed=listed is not None) for one in chosen]


def _version(files: Sequence[DataFile]) -> str:
    """By Semantic Versioning: this software's, and which rows it is of."""
    digest = hashlib.sha256("".join(file.fingerprint for file in files).encode()).hexdigest()
    return f"{version('music-assets')}+{digest[:12]}"


def _describe(
    exported: Exported,
    only: str,
    with_spotify: bool,
    matchers: Sequence[str],
    selection: list[str],
    folder: Path,
) -> None:
    title, files = CHOICES[only][0] + ": a selection" * len(selection), exported.files
    notes = selection + [_INVENTED] * exported.invented + [_RESTRICTED] * with_spotify
    name = f"music-assets-{only}" + "-with-spotify" * with_spotify + "-selection" * len(selection)
    described = descriptor(name, title, exported.version, matchers, files, notes)
    used = references(owner for file in files for owner in file.chosen.owners)
    texts = {
        "datapackage.json": json.dumps(described, indent=2, ensure_ascii=False) + "\n",
        "README.md": readme(title, exported.version, matchers, files, exported.tables_left_out, notes),
        "CITATION.cff": as_cff(f"{title} (Music Assets)", exported.version, used),
        "CITATION.bib": "\n".join(
            as_bibtex(one, **({"note": f"Data version {exported.version}"} if one == software() else {}))
            for one in used
        ),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    sums = {file.name: file.sha256 for file in files}
    sums |= {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    lines = [f"{digest}  {name}\n" for name, digest in sorted(sums.items())]
    (folder / _SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def _earlier_files(out: Path) -> list[Path]:
    """The files of an earlier export in the folder, which are to be replaced.

    Raises:
        ExportFailed: there is something else.
    """
    if not out.exists():
        return []
    if not out.is_dir():
        raise ExportFailed(f"{out} is a file. Name a folder with --out.")
    there = [path for path in out.iterdir() if not path.name.startswith(".unfinished-")]
    listed = {_SUMS} if (out / _SUMS).is_file() else set()
    if listed:
        lines = (out / _SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
        listed |= {line.partition("  ")[2] for line in lines}
    if foreign := sorted(path.name for path in there if path.name not in listed):
        raise ExportFailed(
            f"{out} has files that are of no earlier export: {', '.join(foreign[:3])}. Name an empty or new "
            "folder with --out."
        )
    return there
