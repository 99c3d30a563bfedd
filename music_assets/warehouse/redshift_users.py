"""Who may do what in a Redshift: the SQL by which its administrator lets others in, once.

The loader owns every table, and its COPY alone reads S3; the daemon sees what is loaded and nothing of it;
readers, a role, see what is published. The administrator is none of them. How a connection is made is in
`redshift_url`. The Redshift Database Developer Guide has the statements
(https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html, r_CREATE_USER.html); they were run on the
stand-in of `music_assets_tests` alone.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from music_assets.tables import LOADS, READERS_SCHEMAS, SCHEMAS
from music_assets.warehouse.errors import WarehouseError
from music_assets.warehouse.redshift_url import SecretEmpty, read_secret, region_of

_IDLE_S = 900  # longer than a transaction leaves its connection alone


@dataclass(frozen=True)
class User:
    """A database user and the password it is to have."""

    name: str
    password: str = field(repr=False)

    def identified(self) -> str:
        """PASSWORD with its MD5 form, which Redshift takes: no log has the password itself."""
        digest = hashlib.md5((self.password + self.name).encode(), usedforsecurity=False).hexdigest()
        return f"PASSWORD 'md5{digest}'"


def user_of(secret: str, name: str) -> User:
    """The user that a secret of Secrets Manager has; one without a value gets this name and a new password.

    `secret` is its ARN. Raises `WarehouseError` as `read_secret` does.
    """
    try:
        found = read_secret(secret)
    except SecretEmpty:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        found = {"username": name, "password": secrets.token_urlsafe(32)}
        client = boto3.client("secretsmanager", region_name=region_of(secret))
        try:
            client.put_secret_value(SecretId=secret, SecretString=json.dumps(found))
        except (BotoCoreError, ClientError) as error:
            raise WarehouseError(f"The secret {secret} cannot be written: {error}") from None
    return User(found["username"], found["password"])


def to_user(user: User, known: bool, quote: Callable[[str], str]) -> str:
    """Make a user, or give one that is there the password of its secret."""
    return f"{'ALTER' if known else 'CREATE'} USER {quote(user.name)} {user.identified()}"


def to_loader(loader: str, database: str, tables: Iterable[str], copy_role: str) -> list[str]:
    """Give the loader the tables, by full name, and COPY by a role (quoted, or `default`) to it alone.

    By default everybody may COPY into a table of their own, and so read what is staged.
    """
    return [
        f"GRANT CREATE ON DATABASE {database} TO {loader}",  # the schema of a later version
        *(f"ALTER SCHEMA {schema} OWNER TO {loader}" for schema in SCHEMAS),
        *(f"ALTER TABLE {table} OWNER TO {loader}" for table in tables),
        # A writer whose machine is gone gives up its turn before those who wait for it give up.
        f"ALTER USER {loader} SESSION TIMEOUT {_IDLE_S}",
        "REVOKE ASSUMEROLE ON ALL FROM PUBLIC FOR ALL",
        f"GRANT ASSUMEROLE ON {copy_role} TO {loader} FOR COPY",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ]


def to_daemon(daemon: str) -> list[str]:
    """Let the daemon read what is loaded, and nothing else."""
    return [
        f"GRANT USAGE ON SCHEMA {LOADS.schema} TO {daemon}",
        f"GRANT SELECT ON {LOADS.fullname} TO {daemon}",
    ]


def to_readers(role: str, loader: str | None) -> list[str]:
    """Let a role read what is published, now and later; `loader` makes the tables, if not who runs this."""
    whose = f" FOR USER {loader}" if loader else ""
    return [
        statement
        for schema in READERS_SCHEMAS
        for statement in (
            f"GRANT USAGE ON SCHEMA {schema} TO ROLE {role}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO ROLE {role}",
            f"ALTER DEFAULT PRIVILEGES{whose} IN SCHEMA {schema} GRANT SELECT ON TABLES TO ROLE {role}",
        )
    ]
