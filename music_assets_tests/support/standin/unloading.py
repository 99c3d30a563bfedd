"""UNLOAD … TO 's3://…': what it says, and its rows as one Parquet file with a manifest on the S3 server.

All values are text in that file, where Redshift writes types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from music_assets_tests.support.standin.copying import ROLE, CopyRefused, place_of
from music_assets_tests.support.standin.sql import for_postgres

_UNLOAD = re.compile(
    r"\s*UNLOAD\s*\(\s*'((?:[^']|'')+)'\s*\)\s*TO\s+'(s3://[^']+)'\s*(.*?);?\s*$", re.I | re.S
)


@dataclass(frozen=True)
class Unload:
    """An UNLOAD statement: which rows, as PostgreSQL has them, and where they go."""

    rows: str
    to: str

    @classmethod
    def parse(cls, sql: str) -> Unload:
        """Raises `CopyRefused` where Redshift would refuse it, or the stand-in does not know it."""
        found = _UNLOAD.match(sql)
        if not found:
            raise CopyRefused(f"syntax error in UNLOAD: {sql[:80]}")
        rows, to, rest = found.groups()
        if not ROLE.search(rest):
            raise CopyRefused("UNLOAD without a valid IAM_ROLE")
        rest = re.sub(r"\bFORMAT\s+(?:AS\s+)?PARQUET\b", " ", ROLE.sub(" ", rest), count=1, flags=re.I)
        if rest.split() != ["MANIFEST"]:
            raise CopyRefused("the stand-in unloads FORMAT PARQUET with a MANIFEST, and nothing else")
        return cls(for_postgres(rows.replace("''", "'")), to)

    def run(self, s3: Any, folder: Path, run: Callable[[str], None]) -> None:
        """Write the rows; `run` runs a statement in the database, outside the session's transaction."""
        if s3.list_objects_v2(**_prefix(self.to)).get("KeyCount"):
            raise CopyRefused(
                "Specified unload destination on S3 is not empty. Consider using ALLOWOVERWRITE"
            )
        text, parquet = folder / f"{uuid4().hex}.csv", folder / f"{uuid4().hex}.parquet"
        try:
            run(f"COPY ({self.rows}) TO '{text}' (FORMAT csv, HEADER, NULL '\\N', FORCE_QUOTE *)")
            duckdb.execute(
                f"COPY (FROM read_csv('{text}', header=true, all_varchar=true, nullstr='\\N', delim=',', "
                f"""quote='"', escape='"', allow_quoted_nulls=false)) TO '{parquet}' (FORMAT parquet)"""
            )
            content = parquet.read_bytes()
        finally:
            text.unlink(missing_ok=True)
            parquet.unlink(missing_ok=True)
        url = f"{self.to}0000_part_00.parquet"
        entry = {"url": url, "meta": {"content_length": len(content)}}
        s3.put_object(**place_of(url), Body=content)
        s3.put_object(**place_of(f"{self.to}manifest"), Body=json.dumps({"entries": [entry]}).encode())


def _prefix(url: str) -> dict[str, str]:
    where = place_of(url)
    return {"Bucket": where["Bucket"], "Prefix": where["Key"]}
