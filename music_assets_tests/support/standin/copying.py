"""COPY … FROM 's3://…': what it says, and its objects fetched for PostgreSQL to read."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

LONGEST_LINE = 4 * 1024 * 1024  # bytes

_NAME = r'(?:"[^"]+"|\w+)'
_COPY = re.compile(
    rf"\s*COPY\s+({_NAME}(?:\.{_NAME})?)\s*(?:\(([^)]*)\))?\s*FROM\s+'(s3://[^']+)'\s*(.*?);?\s*$",
    re.I | re.S,
)
ROLE = re.compile(r"\bIAM_ROLE\s+(?:DEFAULT\b|'arn:aws[\w-]*:iam::\d{12}:role/[^']+')", re.I)
_JSON = re.compile(r"\b(?:FORMAT\s+)?(?:AS\s+)?JSON\s+(?:AS\s+)?'auto'", re.I)
_OTHERS = re.compile(
    r"\b(?:(?:TIMEFORMAT|DATEFORMAT)\s+(?:AS\s+)?'auto'|(?:COMPUPDATE|STATUPDATE)\s+(?:ON|OFF)|REGION\s+'[\w-]+')",
    re.I,
)


class CopyRefused(Exception):
    """What Redshift would say of a COPY that cannot be done."""


@dataclass(frozen=True)
class Copy:
    """A COPY statement: into which table and columns, from where, and how it is packed."""

    table: str
    columns: tuple[str, ...]
    source: str
    gzip: bool
    manifest: bool

    @classmethod
    def parse(cls, sql: str) -> Copy:
        found = _COPY.match(sql)
        if not found:
            raise CopyRefused(f"syntax error in COPY: {sql[:80]}")
        table, columns, source, rest = found.groups()
        if not ROLE.search(rest):
            raise CopyRefused("COPY without a valid IAM_ROLE")
        if not _JSON.search(rest):
            raise CopyRefused("the stand-in copies FORMAT JSON 'auto' alone")
        flags = {}
        for pattern in (ROLE, _JSON, _OTHERS):
            rest = pattern.sub(" ", rest)
        for flag in ("GZIP", "MANIFEST"):
            rest, flags[flag] = re.subn(rf"\b{flag}\b", " ", rest, flags=re.I)
        if rest.strip():
            raise CopyRefused(f"the stand-in does not know COPY's {rest.strip()!r}")
        names = tuple(name.strip().strip('"') for name in columns.split(",")) if columns else ()
        return cls(table, names, source, bool(flags["GZIP"]), bool(flags["MANIFEST"]))


class Objects:
    """The S3 server's objects, written out where PostgreSQL reads them."""

    def __init__(self, s3: Any, folder: Path) -> None:
        self.s3 = s3
        self.folder = folder

    def fetch(self, copy: Copy) -> Path:
        """The lines of all files of a COPY as one file for `standin.load`.

        Raises:
            CopyRefused: an object is missing, has another size than the manifest says, or is not whole.
        """
        path = self.folder / f"{uuid4().hex}.tsv"
        with path.open("wb") as out:
            for url in self._files(copy):
                content = self._get(url, "Problem reading file")
                if copy.gzip:
                    try:
                        content = gzip.decompress(content)
                    except (OSError, EOFError, zlib.error) as error:
                        raise CopyRefused(f"Error while decompressing {url}: {error}") from None
                for number, line in enumerate(content.splitlines(), start=1):
                    if len(line) > LONGEST_LINE:
                        raise CopyRefused(f"{url}, line {number}: larger than the maximum row size of 4 MB")
                    escaped = line.replace(b"\\", b"\\\\")
                    out.write(b"%s\t%d\t%s\n" % (url.encode(), number, escaped))
        path.chmod(0o644)
        return path

    def _files(self, copy: Copy) -> list[str]:
        if not copy.manifest:
            return [copy.source]
        manifest = json.loads(self._get(copy.source, "Problem reading manifest file"))
        found = []
        for entry in manifest["entries"]:
            url, size = entry["url"], entry.get("meta", {}).get("content_length")
            try:
                there = self.s3.head_object(**place_of(url))["ContentLength"]
            except ClientError as error:
                if entry.get("mandatory"):
                    raise CopyRefused(f"Mandatory url is not present in manifest: {url}") from error
                continue
            if size is not None and size != there:
                raise CopyRefused(
                    f"File {url} has an unexpected length, manifest says {size}, S3 has {there}"
                )
            found.append(url)
        return found

    def _get(self, url: str, what: str) -> bytes:
        try:
            return bytes(self.s3.get_object(**place_of(url))["Body"].read())
        except ClientError as error:
            told = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise CopyRefused(
                f"{what} - S3ServiceException:{told['Message']},Status {status},Error {told['Code']}"
            ) from error


def place_of(url: str) -> dict[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}
