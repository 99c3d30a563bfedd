"""From `redshift+redshift_connector://…` to connections: passwords, IAM, Serverless, Secrets Manager.

The URL's query has the options of the driver, https://github.com/aws/amazon-redshift-python-driver, and two
of ours: `secret`, the ARN of a secret in Secrets Manager with `username` and `password`, and
`statement_timeout`, in seconds. The text of a `RedshiftUrl` shows no secret.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import NullPool

from music_assets.warehouse.errors import WarehouseError

# Longer than any load or join of the whole MSD should take: what is still running then hangs.
_STATEMENT_TIMEOUT = "3600"  # seconds
_LITERALS = {"true": True, "false": False}


class SecretEmpty(WarehouseError):
    """A secret is not there, or has no value yet."""


class RedshiftUrl:
    """Where a Redshift is, and how to connect to it; nothing is opened yet.

    Raises:
        WarehouseError: the URL names another driver, shows a secret, or its time limit is not a number.
    """

    def __init__(self, url: URL) -> None:
        options = {name: _LITERALS.get(str(value).lower(), str(value)) for name, value in url.query.items()}
        if url.drivername != "redshift+redshift_connector":
            raise WarehouseError(
                f"MUSIC_ASSETS_WAREHOUSE begins with {url.drivername}://; Redshift is reached by "
                "redshift+redshift_connector://user:password@host:5439/database"
            )
        for name in options:
            if name.endswith(("password", "secret_access_key", "token", "client_secret")):
                raise WarehouseError(
                    f"MUSIC_ASSETS_WAREHOUSE has {name!r} in its query, where it would be shown: use AWS's "
                    "own settings (AWS_PROFILE, …), `secret=<ARN>`, or user:password@."
                )
        self.secret = options.pop("secret", None)
        timeout = str(options.pop("statement_timeout", _STATEMENT_TIMEOUT))
        if not timeout.isdigit():
            raise WarehouseError("`statement_timeout` in MUSIC_ASSETS_WAREHOUSE takes whole seconds.")
        self.statement_timeout = int(timeout)
        self.options = options
        self.url = url.set(query={})

    def __repr__(self) -> str:
        names = ("serverless_work_group", "cluster_identifier")
        place = next((self.options[name] for name in names if name in self.options), self.url.host)
        return f"Redshift {place or 'by its secret'}/{self.url.database or ''}"

    def engine(self) -> Engine:
        """An engine that opens a connection each time, and reads its secret then: secrets change."""
        options = {"application_name": "music_assets", **self.options}
        engine = create_engine(self.url, connect_args=options, poolclass=NullPool, paramstyle="named")
        event.listen(engine, "before_cursor_execute", _with_named_parameters, retval=True)
        event.listen(engine, "handle_error", _notice_a_lost_connection)
        if self.secret is not None:
            event.listen(engine, "do_connect", self._add_secret)
        return engine

    def _add_secret(self, dialect: Any, record: Any, args: Any, parameters: dict[str, Any]) -> None:
        """User and password by the secret, and where to connect where the URL does not say."""
        found = read_secret(str(self.secret))
        parameters.update(user=found["username"], password=found["password"])
        for name, key in (("host", "host"), ("port", "port"), ("database", "dbname")):
            if not parameters.get(name) and found.get(key):
                parameters[name] = int(found[key]) if name == "port" else found[key]


def region_of(arn: str) -> str | None:
    """The region in an ARN; None for a name."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 6 else None


def read_secret(arn: str) -> dict[str, Any]:
    """A secret of AWS Secrets Manager that has a database user: at least `username` and `password`.

    Raises:
        SecretEmpty: it is not there, or has no value yet.
        WarehouseError: it cannot be read, or has no such content, which is not shown.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("secretsmanager", region_name=region_of(arn))
        found = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
        return {**found, "username": str(found["username"]), "password": str(found["password"])}
    except (BotoCoreError, ClientError) as error:
        missing = getattr(error, "response", {}).get("Error", {}).get("Code") == "ResourceNotFoundException"
        kind = SecretEmpty if missing else WarehouseError
        raise kind(f"The secret {arn} cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError):
        # Without the cause, which may hold what the secret does.
        message = f"The secret {arn} is not a JSON object with `username` and `password`."
        raise WarehouseError(message) from None


def _with_named_parameters(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> tuple[str, Any]:
    """A value in both SELECT and GROUP BY must be one parameter, or Redshift takes it for two.

    The dialect doubles each `%` for a driver that is given parameters by place.
    """
    if context is None or context.compiled is None:
        return statement, parameters
    cursor.paramstyle = "named"
    return statement.replace("%%", "%"), parameters


def _notice_a_lost_connection(context: ExceptionContext) -> None:
    """An error in the driver's own words, not the server's, means that the connection is of no more use."""
    cause, dbapi = context.original_exception, context.dialect.dbapi
    if dbapi is not None and isinstance(cause, dbapi.Error | ConnectionError):
        context.is_disconnect = not (bool(cause.args) and isinstance(cause.args[0], dict))
