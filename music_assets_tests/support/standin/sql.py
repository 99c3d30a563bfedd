"""Redshift's SQL for PostgreSQL: what is rewritten, and what Redshift would refuse.

What is not known here goes through as it is; that our statements are Redshift's is checked a second time,
by sqlglot's parser, in the tests.
"""

from __future__ import annotations

import re

VERSION = (
    "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), "
    "Redshift 1.0.0"
)

# Functions that run on the leader node alone, which Redshift refuses in a query of a user's table
# (https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions_leader_node_only.html).
_LEADER_NODE_ONLY = re.compile(
    r"(?<![.\w])(?:((?:AGE|CURRENT_SCHEMAS?|GET_?BIT|GET_BYTE|HAS_\w+_PRIVILEGE|NOW|SET_BIT|SET_BYTE|SUBSTR"
    r"|TO_ASCII))\s*\(|(CURRENT_TIME(?:STAMP)?|LOCALTIME(?:STAMP)?)\b)",
    re.I,
)
_OF_USERS_TABLE = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?!pg_|svv_|stv_|information_schema)[\w\"]", re.I
)
# PostgreSQL's functions that Redshift lists as unsupported, or does not know
# (https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-functions.html).
_UNSUPPORTED = (
    r"\b(?!JSON_(?:PARSE|SERIALIZE|TYPEOF|SIZE|EXTRACT_\w+|ARRAY_LENGTH|SERIALIZE_TO_VARBYTE)\b)"
    r"(?:ARRAY_TO_STRING|COL_DESCRIPTION|FORMAT|GENERATE_SUBSCRIPTS|JSONB?_\w+|JUSTIFY_\w+|OBJ_DESCRIPTION"
    r"|PG_GET_\w+|REGEXP_MATCHES|ROW_TO_JSON|STRING_TO_ARRAY|TO_JSONB?|TRANSACTION_TIMESTAMP|TXID_\w+|UNNEST"
    r"|WIDTH_BUCKET|XML\w+)\s*\("
)

# What PostgreSQL takes and Redshift does not.
_REFUSED = {
    _UNSUPPORTED: "functions of PostgreSQL that it lists as unsupported",
    r"\bLISTAGG\s*\([^()]+,\s*(?![\s'])": "a LISTAGG delimiter that is computed",
    r"\bON\s+CONFLICT\b": "ON CONFLICT",
    r"\bRETURNING\b": "RETURNING",
    r"\bDISTINCT\s+ON\b": "DISTINCT ON",
    r"->>?|#>>?|@>": "JSON operators",
    r"\bJSONB?\b": "JSON types",
    r"\b(?:BIG)?SERIAL\b|\bUUID\b|\bBYTEA\b|\bARRAY\s*\[": "types of PostgreSQL",
    r"\bSTRING_AGG\s*\(|\bARRAY_AGG\s*\(": "PostgreSQL's aggregates",
    r"\bFILTER\s*\(\s*WHERE": "FILTER",
    r"\bLATERAL\b": "LATERAL",
    r"\([^()]+,[^()]+\)\s+(?:NOT\s+)?IN\s*\(\s*SELECT\b": "IN with more than one column of a query",
    r"^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\b": "indexes",
    r"\bADD\s+COLUMN\s+IF\b": "ADD COLUMN IF NOT EXISTS",
    r"^\s*ALTER\s+TABLE\b.*\bADD\s+COLUMN\b.*\bADD\s+COLUMN\b": "more than one column an ALTER TABLE",
    # Redshift takes these joins, but not where a SUPER column is in them, and most tables have one.
    r"\b(?:FULL|RIGHT)\s+(?:OUTER\s+)?JOIN\b": "FULL or RIGHT JOIN of SUPER columns",
    # These commit on Redshift, whatever transaction they are in.
    r"^\s*TRUNCATE\b|^\s*ALTER\s+TABLE\b.*\bAPPEND\b": "TRUNCATE and APPEND within a transaction",
    r"^\s*VACUUM\b": "VACUUM within a transaction",
}
_KEYS = [
    r",\s*(?:CONSTRAINT\s+\w+\s+)?(?:PRIMARY\s+KEY|UNIQUE)\s*\([^)]*\)",
    r"\bPRIMARY\s+KEY\b",
    r"\bUNIQUE\b",
]
_LAYOUT = [
    r"\bENCODE\s+\w+",
    r"\bDISTSTYLE\s+\w+",
    r"\bDISTKEY\s*(?:\([^)]*\))?",
    r"\b(?:COMPOUND\s+|INTERLEAVED\s+)?SORTKEY\s*(?:\([^)]*\))?",
]
_VARCHAR = re.compile(r'("\w+"|\w+)\s+VARCHAR\((\d+)\)', re.I)
_LISTAGG = re.compile(
    r"\blistagg\(([^,()]+),\s*('[^']*')\)\s*WITHIN\s+GROUP\s*\(\s*ORDER\s+BY\s+([^()]+)\)", re.I
)
_UNNEST = re.compile(r'\bCROSS\s+JOIN\s+("\w+"\."\w+")\s+AS\s+("\w+")')

_ASSUME_ROLE = re.compile(
    r"\s*(GRANT|REVOKE)\s+ASSUMEROLE\s+ON\s+(?:ALL|DEFAULT|'[^']*')\s+((?:TO|FROM)\s+[\w\"]+)\s+FOR\s+(?:ALL|COPY)",
    re.I,
)


class NotRedshift(Exception):
    """A statement that Redshift would refuse."""


def for_postgres(sql: str) -> str:
    """The statement as PostgreSQL understands it.

    Raises:
        NotRedshift: Redshift would not take it.
    """
    bare = re.sub(r"'(?:[^']|'')*'", "''", sql)
    for pattern, what in _REFUSED.items():
        if re.search(pattern, bare, re.I | re.S):
            raise NotRedshift(f"syntax error: Redshift does not take {what}")
    leader = _LEADER_NODE_ONLY.search(re.sub(r'"[^"]*"', '""', bare))
    if leader and _OF_USERS_TABLE.search(bare):
        name = (leader[1] or leader[2]).upper()
        raise NotRedshift(
            f"Specified types or functions (one per INFO message) not supported on Redshift tables: {name}"
        )
    if re.match(r"\s*CREATE\s+(?:TEMP(?:ORARY)?\s+)?TABLE\b", sql, re.I):
        for pattern in _KEYS + _LAYOUT:
            sql = re.sub(pattern, "", sql, flags=re.I)
        # Redshift counts bytes.
        return _VARCHAR.sub(r"\1 VARCHAR(\2) CHECK (octet_length(\1) <= \2)", sql)
    if re.match(r"\s*SELECT\s+pg_catalog\.version\(\)\s*;?\s*$", sql, re.I):
        return f"SELECT '{VERSION}'::varchar"
    sql = re.sub(r"^\s*SET\s+query_group\s+TO\b", "SET standin.query_group TO", sql, flags=re.I)
    sql = re.sub(
        r"^(\s*(?:GRANT|REVOKE|ALTER\s+DEFAULT)\b.*\b(?:TO|FROM))\s+ROLE\b", r"\1", sql, flags=re.I | re.S
    )
    sql = re.sub(r"\bSESSION\s+TIMEOUT\s+(\d+)", r"SET idle_session_timeout = '\1s'", sql, flags=re.I)
    # Who may COPY by a role is who may run what plays it.
    if assumed := _ASSUME_ROLE.fullmatch(sql):
        return f"{assumed[1]} EXECUTE ON FUNCTION standin.load(regclass, text[], text) {assumed[2]}"
    sql = re.sub(r"^\s*GRANT\s+ROLE\b", "GRANT", sql, flags=re.I)
    for _, one in _UNNEST.findall(sql):  # the elements of a SUPER column, which are read as texts
        sql = re.sub(rf"CAST\({one} AS\b", rf"CAST({one} #>> '{{}}' AS", sql)
        sql = re.sub(rf'CAST\({one}\."(\w+)" AS\b', rf"CAST({one} ->> '\1' AS", sql)
    sql = _UNNEST.sub(r"CROSS JOIN LATERAL jsonb_array_elements(\1) AS \2", sql)
    return _LISTAGG.sub(r"string_agg(\1, \2 ORDER BY \3)", sql)
