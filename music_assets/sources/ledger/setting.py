"""Where a ledger is kept, by setting: what `MUSIC_ASSETS_LEDGER` may say."""

from __future__ import annotations

import os
import re
from urllib.parse import parse_qs, urlsplit

from music_assets.sources.ledger.dynamodb import DynamoDBLedger
from music_assets.sources.ledger.errors import LedgerUnusable
from music_assets.sources.ledger.ledger import Ledger
from music_assets.sources.ledger.sqlite import SqliteLedger
from music_assets.sources.ledger.table import Table

_FORMS = (
    "MUSIC_ASSETS_LEDGER is a file's path, sqlite:///path, or dynamodb://table?region=eu-west-1 "
    "(and nothing of credentials: those come from AWS's own settings or the process's role)."
)


def open_ledger(setting: str | os.PathLike[str], *, source: str, read_only: bool = False) -> Ledger:
    """The ledger that is kept where the setting says, for answers of one `source`.

    With `read_only` a file is opened for reading alone, and must be there.

    Raises:
        LedgerUnusable: the setting has none of the forms, or the ledger cannot be used.
    """
    text = os.fspath(setting)
    scheme, separator, _ = text.partition("://")
    if not separator:
        return SqliteLedger(text, source=source, read_only=read_only)
    if scheme == "sqlite" and len(path := text.removeprefix("sqlite:///")) < len(text) and path:
        return SqliteLedger(path, source=source, read_only=read_only)
    return DynamoDBLedger(table_of(text), source=source)


def table_of(setting: str) -> Table:
    """The table a setting of the form `dynamodb://table?region=…` names; it need not exist yet."""
    parts = urlsplit(setting)
    try:
        options = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        options = {"": []}
    if (
        parts.scheme != "dynamodb"
        or not re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", parts.netloc)
        or parts.path.strip("/")
        or not options.keys() <= {"region"}
    ):
        # Not shown: it may hold a password, by mistake.
        raise LedgerUnusable(f"at {parts.scheme}://…", "the setting has none of the known forms", _FORMS)
    return Table(parts.netloc, region=options["region"][0] if options else None)
