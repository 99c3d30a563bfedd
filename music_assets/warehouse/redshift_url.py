"""From `redshift+redshift_connector://…` to connections: passwords, IAM, Serverless, Secrets Manager.

The query of the URL holds `redshift_connector`'s own settings by their names
(https://github.com/aws/amazon-redshift-python-driver), and two of ours: `secret`, the ARN of a secret in
Secrets Manager with `username` and `password`, and `statement_timeout`, in seconds. No secret is ever
shown: what prints a URL here prints it without.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import NullPool

from music_assets.warehouse.errors import WarehouseError

# What would stand in clear text where URLs do.
_SECRETS = {"password", "secret_access_key", "session_token", "client_secret", "web_identity_token", "token"}
# Longer than any load or join of the whole MSD should take: what is still running then hangs.
_STATEMENT_TIMEOUT = 3600  # seconds


class RedshiftUrl:
    """Where a Redshift is, and how to get in; nothing is opened yet.

    `is_local` says that it is on this machine, and what is invented may be kept there.

    Raises:
        WarehouseError: the URL names another driver, or a setting that there is not.
    """

    def __init__(self, url: URL, *, is_local: bool) -> None:
        self.is_local = is_local
        if url.drivername != "redshift+redshift_connector":
            raise WarehouseError(
                f"MUSIC_ASSETS_WAREHOUSE begins with {url.drivername}://; Redshift is reached by "
                "redshift+redshift_connector://user:password@host:5439/database"
            )
        query = dict(url.query)
        self._secret = query.pop("secret", None)
        timeout = query.pop("statement_timeout", str(_STATEMENT_TIMEOUT))
        if not (isinstance(timeout, str) and timeout.isdigit()):
            raise WarehouseError(
                "`statement_timeout` in MUSIC_ASSETS_WAREHOUSE takes a whole number of seconds."
            )
        self.statement_timeout = int(timeout)
        self.options = {name: _value(value) for name, value in query.items()}
        import redshift_connector

        for name in self.options:
            if name in _SECRETS:
                raise WarehouseError(
                    f"MUSIC_ASSETS_WAREHOUSE holds {name!r} in its query, where it would be shown: use AWS's "
                    "own settings (AWS_PROFILE, …), `secret=<ARN>`, or user:password@."
                )
            if name not in inspect.signature(redshift_connector.connect).parameters:
                raise WarehouseError(
                    f"{name!r} in the query of MUSIC_ASSETS_WAREHOUSE is no setting of redshift_connector, "
                    "nor `secret` or `statement_timeout`."
                )
        self._url = url.set(query={})

    def __str__(self) -> str:
        place = self._url.host or self.options.get("cluster_identifier") or "by its secret"
        place = self.options.get("serverless_work_group") or place
        return f"Redshift {place}/{self._url.database or ''}"

    __repr__ = __str__

    def engine(self) -> Engine:
        """An engine that opens a connection each time, and asks for its secret then: secrets change."""
        engine = create_engine(
            self._url,
            connect_args={"application_name": "music_assets", **self.options},
            poolclass=NullPool,
            paramstyle="named",
        )

        @event.listens_for(engine, "before_cursor_execute", retval=True)
        def by_name(
            connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
        ) -> tuple[str, Any]:
            """A value that stands in SELECT and in GROUP BY must be one parameter, or they are not the same.

            The dialect doubles each `%` for a driver that is given parameters by place.
            """
            if context is None or context.compiled is None:
                return statement, parameters
            cursor.paramstyle = "named"
            return statement.replace("%%", "%"), parameters

        if self._secret is not None:
            arn = str(self._secret)

            @event.listens_for(engine, "do_connect")
            def add_secret(dialect: Any, record: Any, args: Any, parameters: dict[str, Any]) -> None:
                parameters.update(_secret(arn, parameters))

        @event.listens_for(engine, "handle_error")
        def closed(context: ExceptionContext) -> None:
            """Errors in the driver's own words mean a lost connection, which must not be spoken to again."""
            cause = context.original_exception
            server_spoke = bool(cause.args) and isinstance(cause.args[0], dict)
            dbapi = context.dialect.dbapi
            if dbapi is not None and isinstance(cause, dbapi.Error | ConnectionError):
                context.is_disconnect = not server_spoke

        return engine


def _value(value: Any) -> Any:
    return {"true": True, "false": False}.get(str(value).lower(), value)


def _secret(arn: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """User and password by a secret, and where to connect where the URL does not say."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    parts = arn.split(":")
    region = parts[3] if len(parts) > 6 else None
    try:
        answer = boto3.client("secretsmanager", region_name=region).get_secret_value(SecretId=arn)
        found = json.loads(answer["SecretString"])
        given = {"user": found["username"], "password": found["password"]}
    except (BotoCoreError, ClientError) as error:
        raise WarehouseError(f"The secret {arn} cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError):
        # Without the cause, which may hold what the secret does.
        raise WarehouseError(
            f"The secret {arn} is not a JSON object with `username` and `password`."
        ) from None
    for name, key in (("host", "host"), ("port", "port"), ("database", "dbname")):
        if not parameters.get(name) and found.get(key):
            given[name] = int(found[key]) if name == "port" else found[key]
    return given
