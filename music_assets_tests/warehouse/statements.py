"""Whether statements are Redshift's: read by a second parser, and free of what Redshift has not.

The stand-in is PostgreSQL underneath and would take much that a cluster refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import sqlglot
from sqlglot import exp

# Of these sqlglot reads the first word alone.
OPAQUE = {"ALTER", "ANALYZE", "BEGIN", "CREATE", "GRANT", "REVOKE", "LOCK", "SET", "SHOW"}
# Refused, or run on the leader node alone and so refused on tables of users
# (https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions_leader_node_only.html).
LACKING = re.compile(
    r"\b(?:SUBSTR|NOW|AGE|STRING_AGG|ARRAY_AGG|JSON_AGG|TO_JSON|UNNEST)\s*\(|\bFILTER\s*\(|\bON\s+CONFLICT\b"
    r"|\bRETURNING\b|\bDISTINCT\s+ON\b|\b(?:FULL|RIGHT)\s+(?:OUTER\s+)?JOIN\b|\bQUALIFY\b|\bCREATE\s+INDEX\b",
    re.IGNORECASE,
)


def assert_redshifts(statements: Iterable[str]) -> None:
    """Each statement parses in sqlglot's dialect of Redshift, and uses nothing that is lacking there."""
    sent = set(statements)
    comments = sorted(one for one in sent if one.startswith("COMMENT"))
    for statement in sent - set(comments[20:]):  # all alike, and many
        parsed = sqlglot.parse_one(statement, read="redshift")
        if isinstance(parsed, exp.Command):
            assert statement.split()[0].upper() in OPAQUE, statement
        found = LACKING.search(re.sub(r"'[^']*'", "''", statement))
        assert found is None, f"{found and found[0]}: {statement}"
