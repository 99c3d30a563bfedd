"""A DynamoDB table as the ledger needs it: reading and writing items that are not lost on the way.

What belongs here is boto3: batches, what DynamoDB left undone and wants asked again, errors by our names.
What the items mean is in `dynamodb` and `lease`.

The table, which Terraform makes in production and `create_table` elsewhere:

- partition key `key` (S), no sort key; on-demand capacity;
- one global secondary index, `by_age`: partition key `kind` (S), sort key `moment` (N), projection
  KEYS_ONLY;
- no other attribute is declared. Point-in-time recovery is wise: an answer that is lost is asked again.

A process needs `dynamodb:BatchGetItem`, `BatchWriteItem`, `UpdateItem`, `DeleteItem`, `Query` and `Scan`
on the table and on `index/by_age`.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from music_assets.sources.ledger.errors import LedgerUnusable

Item = dict[str, Any]  # attribute -> {type: value}, as DynamoDB's client has it

INDEX = "by_age"
_GET, _WRITE = 100, 25  # what one BatchGetItem, one BatchWriteItem takes
_TRIES = 9  # in a row in which DynamoDB does nothing of a batch; waits of 0.1 s to 12.8 s between them
_CONNECTIONS = 16

_ADVICE = {
    "ResourceNotFoundException": "Make the table (Terraform does, and `create_table`), or correct its "
    "name or region in MUSIC_ASSETS_LEDGER.",
    "AccessDeniedException": "Let this process's role use the table that MUSIC_ASSETS_LEDGER names, and "
    "its index (see the actions in music_assets/sources/ledger/table.py).",
    "ValidationException": "MUSIC_ASSETS_LEDGER may name a table made for something else: its partition key "
    "must be `key` (S), and it needs the index `by_age`.",
    "NoRegionError": "Name the region in MUSIC_ASSETS_LEDGER (dynamodb://table?region=eu-west-1) or in "
    "AWS_DEFAULT_REGION.",
    "throttled": "Set the table that MUSIC_ASSETS_LEDGER names to on-demand capacity, or raise its limits; "
    "then run again. What was answered is kept.",
    "credentials": "Give this process a role, or AWS credentials that are still valid; MUSIC_ASSETS_LEDGER "
    "names the table and holds no credentials.",
    "": "Check the table and the region in MUSIC_ASSETS_LEDGER, and the network; then run again. What was "
    "answered is kept.",
}
_SAME_ADVICE = {
    "ProvisionedThroughputExceededException": "throttled",
    "ThrottlingException": "throttled",
    "RequestLimitExceeded": "throttled",
    "UnrecognizedClientException": "credentials",
    "InvalidSignatureException": "credentials",
    "ExpiredTokenException": "credentials",
    "NoCredentialsError": "credentials",
    "PartialCredentialsError": "credentials",
    "CredentialRetrievalError": "credentials",
    "TokenRetrievalError": "credentials",
    "SSOTokenLoadError": "credentials",
    "UnauthorizedSSOTokenError": "credentials",
}


class Table:
    """One table; safe to use from several threads. Every method raises `LedgerUnusable`."""

    def __init__(
        self, name: str, *, region: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        import boto3
        from botocore.config import Config

        self.name = name
        self._sleep = sleep
        self.where = f"DynamoDB table {name!r}" + (f" in {region}" if region else "")
        config = Config(connect_timeout=5, read_timeout=10, max_pool_connections=_CONNECTIONS)
        with self._or_unusable():
            self.client = boto3.session.Session().client("dynamodb", region_name=region, config=config)

    def get(self, keys: Iterable[str]) -> dict[str, Item]:
        """The items there are under these keys, as last written."""
        found: dict[str, Item] = {}

        def ask(wanted: list[Any]) -> list[Any]:
            answer = self.client.batch_get_item(
                RequestItems={self.name: {"Keys": wanted, "ConsistentRead": True}}
            )
            found.update((item["key"]["S"], item) for item in answer["Responses"].get(self.name, []))
            undone: list[Any] = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            return undone

        for some in _chunks([{"key": {"S": key}} for key in dict.fromkeys(keys)], _GET):
            self._until_done(ask, some)
        return found

    def put(self, items: Iterable[Item]) -> None:
        """Write these items, in place of those of the same key; of several of one key, the last."""

        def write(wanted: list[Any]) -> list[Any]:
            answer = self.client.batch_write_item(RequestItems={self.name: wanted})
            undone: list[Any] = answer.get("UnprocessedItems", {}).get(self.name, [])
            return undone

        by_key = {item["key"]["S"]: {"PutRequest": {"Item": item}} for item in items}
        for some in _chunks(list(by_key.values()), _WRITE):
            self._until_done(write, some)

    def update(
        self,
        key: str,
        expression: str,
        condition: str | None = None,
        *,
        names: Mapping[str, str] | None = None,
        **values: Any,
    ) -> bool:
        """Update an item, unless the condition fails; says whether that was done.

        In all expressions here `#x` is the attribute `x` (or the one `names` says), and `:x` the value given
        for it, a text or a number.
        """
        more = {} if condition is None else {"ConditionExpression": condition}
        return self._unless(
            self.client.update_item,
            Key={"key": {"S": key}},
            UpdateExpression=expression,
            **more,
            **_filled(f"{expression} {condition}", values, names),
        )

    def delete(self, key: str, condition: str, **values: Any) -> bool:
        """Delete an item, unless the condition fails; says whether that was done."""
        filled = _filled(condition, values)
        return self._unless(
            self.client.delete_item, Key={"key": {"S": key}}, ConditionExpression=condition, **filled
        )

    def query(self, condition: str, limit: int | None = None, **values: Any) -> Iterator[Item]:
        """What the index has on this condition, by `moment`; what was written this second may be missing."""
        pages = {"PageSize": min(limit, 1000), "MaxItems": limit} if limit else {}
        filled = _filled(condition, values)
        yield from self._pages("query", pages, IndexName=INDEX, KeyConditionExpression=condition, **filled)

    def scan(self, condition: str, *, index: str | None = None, **values: Any) -> Iterator[Item]:
        """Every item of the table on this condition (its key alone), or of the index (all it has)."""
        what: dict[str, Any] = {"IndexName": index} if index else {"ConsistentRead": True}
        if not index:
            what |= {"ProjectionExpression": "#key"}
        filled = _filled(f"{condition} {'' if index else '#key'}", values)
        yield from self._pages("scan", {}, FilterExpression=condition, **what, **filled)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _pages(self, operation: str, pages: Mapping[str, Any], **request: Any) -> Iterator[Item]:
        with self._or_unusable():
            paginator = self.client.get_paginator(operation)
            for page in paginator.paginate(TableName=self.name, PaginationConfig=pages, **request):
                yield from page["Items"]

    def _unless(self, call: Callable[..., Any], **request: Any) -> bool:
        with self._or_unusable():
            try:
                call(TableName=self.name, **request)
            except self.client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _until_done(self, call: Callable[[list[Any]], list[Any]], requests: list[Any]) -> None:
        """Ask for what DynamoDB left undone again, more slowly while it does nothing at all."""
        idle = 0
        while True:
            with self._or_unusable():
                left = call(requests)
            if not left:
                return
            idle = idle + 1 if len(left) == len(requests) else 0
            if idle == _TRIES:
                raise LedgerUnusable(self.where, "it is throttled", _ADVICE["throttled"])
            requests = left
            self._sleep(0.05 * 2**idle * random.uniform(0.5, 1.5))

    @contextlib.contextmanager
    def _or_unusable(self) -> Iterator[None]:
        """Name what AWS has against the request. Its messages hold no credentials."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            said = error.response["Error"]
            raise unusable(self.where, str(said.get("Code")), str(said.get("Message"))) from error
        except BotoCoreError as error:
            raise unusable(self.where, type(error).__name__, str(error)) from error


def create_table(table: Table) -> None:
    """Make the table, on-demand, and wait until it can be used; for tests, and where no Terraform runs."""
    with table._or_unusable():
        table.client.create_table(
            TableName=table.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "key", "AttributeType": "S"},
                {"AttributeName": "kind", "AttributeType": "S"},
                {"AttributeName": "moment", "AttributeType": "N"},
            ],
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": INDEX,
                    "KeySchema": [
                        {"AttributeName": "kind", "KeyType": "HASH"},
                        {"AttributeName": "moment", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        table.client.get_waiter("table_exists").wait(TableName=table.name)


def unusable(where: str, code: str, said: str) -> LedgerUnusable:
    """The error for what AWS (its code) or boto3 (its class) reports, with what to do about it."""
    advice = _ADVICE.get(_SAME_ADVICE.get(code, code), _ADVICE[""])
    return LedgerUnusable(where, f"{code}: {said.rstrip('.')}", advice)


def typed(value: str | int | float | bytes) -> dict[str, Any]:
    """A value in DynamoDB's form."""
    if isinstance(value, bytes):
        return {"B": value}
    return {"S": value} if isinstance(value, str) else {"N": repr(value)}


def _filled(
    expressions: str, values: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The names and values that expressions use; every name is given so, since many words are reserved."""
    said = {f"#{name}": (names or {}).get(name, name) for name in re.findall(r"#(\w+)", expressions)}
    filled: dict[str, Any] = {"ExpressionAttributeNames": said} if said else {}
    if values:
        filled["ExpressionAttributeValues"] = {f":{name}": typed(value) for name, value in values.items()}
    return filled


def _chunks(things: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
