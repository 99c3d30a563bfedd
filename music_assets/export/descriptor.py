"""`datapackage.json` of an export: what each file and column is, from the declared tables.

A Data Package of version 2 (https://datapackage.org), which `frictionless validate` reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Double, Integer

from music_assets.export.data_files import DataFile, owners_of
from music_assets.tables import Super
from music_assets.tables.terms import TERMS

_TYPES = (
    (Super, "array"),
    (BigInteger, "integer"),
    (Integer, "integer"),
    (Double, "number"),
    (Boolean, "boolean"),
    (DateTime, "datetime"),
    (Date, "date"),
)
_MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def descriptor(
    name: str,
    title: str,
    version: str,
    matchers: Sequence[str],
    files: Sequence[DataFile],
    notes: Sequence[str],
) -> dict[str, Any]:
    """The package's description: `notes` are sentences about the whole, such as that rows are invented."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": name,
        "title": title,
        "description": " ".join([f"{title}, exported by Music Assets.", *notes]),
        "version": version,
        "matcherVersions": list(matchers),
        **_terms(owners_of(files)),
        "resources": [_resource(file) for file in files],
    }


def _resource(file: DataFile) -> dict[str, Any]:
    form = file.name.rpartition(".")[2]
    keys = [column for column in file.chosen.columns if column.info["key"]]
    schema: dict[str, Any] = {"fields": [_field(column, form) for column in file.chosen.columns]}
    if form == "csv":
        schema["missingValues"] = [""]
    if not any(column.nullable for column in keys):
        schema["primaryKey"] = [str(column.name) for column in keys]
    fetched = {"fetched": {"from": file.fetched[0], "to": file.fetched[1]}} if file.fetched else {}
    return {
        "name": file.chosen.table.fullname,
        "type": "table",
        "path": file.name,
        "description": file.description,
        "format": form,
        "mediatype": _MEDIA[form],
        **({"encoding": "utf-8"} if form == "csv" else {}),
        **({"bytes": file.bytes} if form == "csv" else {}),  # frictionless counts them of text alone
        "hash": f"sha256:{file.sha256}",
        "rows": file.rows,
        "fingerprint": file.fingerprint,
        "valuesFrom": list(file.sources),
        **fetched,
        **_terms(file.chosen.owners),
        "schema": schema,
    }


def _field(column: Column[Any], form: str) -> dict[str, Any]:
    """A column: `source` is whose terms apply to it, `nullMeaning` why a row has no value.

    Readers of Parquet that use pandas, as frictionless does, have integers with missing values as floats.
    """
    info = column.info
    type_ = next((name for of, name in _TYPES if isinstance(column.type, of)), "string")
    field: dict[str, Any] = {
        "name": str(column.name),
        "type": "number" if type_ == "integer" and column.nullable and form == "parquet" else type_,
        "description": column.comment or "",
        "source": info["source"],
    }
    if info["unit"]:
        field["unit"] = info["unit"]
    if info["low"] is not None or info["high"] is not None:
        field["expectedRange"] = [info["low"], info["high"]]
    if column.nullable:
        field["nullMeaning"] = info["null"]
    else:
        field["constraints"] = {"required": True}
    return field


def _terms(owners: Iterable[str]) -> dict[str, Any]:
    terms = [TERMS[owner] for owner in owners]
    return {
        "licenses": [{"name": one.licence, "title": one.title, "path": one.url} for one in terms],
        "sources": [{"title": one.title, "path": one.url} for one in terms],
    }
