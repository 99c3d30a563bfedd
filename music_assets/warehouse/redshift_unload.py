"""Tables of Redshift as Parquet files on S3, by UNLOAD, for exports.

The Redshift Database Developer Guide has the statement (https://docs.aws.amazon.com/redshift/latest/dg/,
"UNLOAD"). It was run on the stand-in of `music_assets_tests`, which reads it and writes such files; not on a
cluster.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection
from sqlalchemy.exc import DBAPIError

from music_assets.tables import Super
from music_assets.warehouse.errors import WarehouseError
from music_assets.warehouse.manifest import Files


def unload(
    connection: Connection, columns: Sequence[Column[Any]], to: str, files: Files, iam_role: str = "default"
) -> list[bytes]:
    """The rows of these columns of one table, as the contents of Parquet files.

    Lists and maps come as their JSON text. The files are written below `to` (`s3://…/`) by the role, which
    needs s3:PutObject there, and read from there; they stay.

    Raises:
        WarehouseError: Redshift refuses; the message says why, and what it needs.
    """
    prepare = connection.dialect.identifier_preparer
    name, table = prepare.format_column, prepare.format_table(columns[0].table)
    shown = (
        f"JSON_SERIALIZE({name(one)}) AS {name(one)}" if isinstance(one.type, Super) else name(one)
        for one in columns
    )
    rows = f"SELECT {', '.join(shown)} FROM {table}"
    role = "default" if iam_role == "default" else f"'{iam_role}'"
    # As literal text: through the driver's parameters it is a syntax error, as COPY is.
    try:
        connection.exec_driver_sql(f"UNLOAD ('{rows}') TO '{to}' IAM_ROLE {role} FORMAT AS PARQUET MANIFEST")
    except DBAPIError as error:
        reported = error.orig.args[0] if error.orig is not None and error.orig.args else error.orig
        message = reported.get("M") if isinstance(reported, dict) else reported
        raise WarehouseError(
            f"Redshift cannot unload {table} to {to} by the role {iam_role}: {message}. The role needs "
            "s3:PutObject there, and the user SELECT on the table and, where it is managed, ASSUMEROLE FOR "
            "UNLOAD."
        ) from error
    entries = json.loads(files.read(f"{to}manifest"))["entries"]
    return [files.read(entry["url"]) for entry in entries]
