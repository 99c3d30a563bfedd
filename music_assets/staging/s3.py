"""Objects on S3, or on a server with the same API: read, written, removed; listed only to be removed.

A write is seen whole or not at all and carries a checksum that the server compares; the bucket's own rule
encrypts it. Reads are of one object by its name: S3 answers with the last write, whoever made it. Which
objects there are is known to `store`. Credentials are found as boto3 finds them; none is ever held or shown
here.

This is boto3's client and not dagster-aws' `S3Resource`, since lookup, export and purge work without Dagster;
that resource sets neither timeouts nor the size of the pool, and takes secrets as fields.
"""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from music_assets.staging.errors import DamagedFile, StagingError

# Tries of one request, with pauses of up to 1, 2, 4, 8 s between them.
ATTEMPTS = 5
# Seconds without a byte after which a request has failed, and is tried again.
READ_TIMEOUT_S = 60.0
# Requests that may be under way at once.
AT_ONCE = 16
# Objects larger than this are sent in parts, of this size: what breaks off is sent again in part only.
MULTIPART_BYTES = 64 * 1024 * 1024
PART_BYTES = 16 * 1024 * 1024

_ERASED_AT_ONCE = 1000  # what one DeleteObjects takes

# What to do about a refusal, by its code (https://docs.aws.amazon.com: "S3 error responses"): for all codes
# that begin so, the first that does.
_NO_CREDENTIALS = (
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role gives them; "
    "expired ones must be fetched again, and the clock must be right."
)
_ANOTHER_REGION = "The bucket is in another region: set AWS_REGION to the bucket's."
_FEWER_REQUESTS = "Wait a little and run again, with fewer runs at once; what is written stays."
_ADVICE = {
    "NoSuchBucket": "Create the bucket, or put its right name into MUSIC_ASSETS_STAGING.",
    "AccessDenied": (
        "The credentials in use need s3:GetObject, s3:PutObject and s3:DeleteObject on the bucket's "
        "objects, s3:ListBucket on the bucket (without it S3 refuses access to what does not exist), and "
        "the use of its key."
    ),
    "KMS.": "Let the credentials use the bucket's key (kms:GenerateDataKey and kms:Decrypt).",
    **dict.fromkeys(
        (
            *("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestExpired", "RequestTimeTooSkewed"),
            *("SignatureDoesNotMatch", "TokenRefreshRequired"),
        ),
        _NO_CREDENTIALS,
    ),
    **dict.fromkeys(
        ("AuthorizationHeaderMalformed", "IllegalLocationConstraint", "PermanentRedirect"), _ANOTHER_REGION
    ),
    **dict.fromkeys(
        ("SlowDown", "503", "429", "ServiceUnavailable", "TooManyRequests", "RequestLimit", "Throttl"),
        _FEWER_REQUESTS,
    ),
}


class S3:
    """One bucket; `endpoint` is the URL of a server other than AWS's own. Safe to use from several threads.

    Raises:
        StagingError: from every method; it names the object, what S3 answered, and what to do.
    """

    def __init__(self, bucket: str, *, endpoint: str | None = None) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        self.bucket = bucket
        self._place = f"at {endpoint} (MUSIC_ASSETS_S3_ENDPOINT)" if endpoint else "on S3"
        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=10,
            read_timeout=READ_TIMEOUT_S,
            max_pool_connections=AT_ONCE,
            # Servers other than AWS's have no host name for each bucket.
            s3={"addressing_style": "path"} if endpoint else None,
        )
        try:
            self._client: Any = boto3.client("s3", endpoint_url=endpoint, config=config)
        except BotoCoreError as error:  # such as a profile that ~/.aws/config does not have
            raise StagingError(f"s3://{bucket} cannot be reached: {error}. {_NO_CREDENTIALS}") from error

    def get(self, key: str) -> bytes | None:
        """The content of an object; None where there is none of that name."""
        from botocore.exceptions import (
            FlexibleChecksumError,
            IncompleteReadError,
            ReadTimeoutError,
            ResponseStreamingError,
        )

        with self._explained("read", key):
            for _ in range(ATTEMPTS):
                try:
                    answer = self._client.get_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
                except self._client.exceptions.NoSuchKey:
                    return None
                try:
                    return bytes(answer["Body"].read())
                except (
                    FlexibleChecksumError,
                    IncompleteReadError,
                    ReadTimeoutError,
                    ResponseStreamingError,
                ) as error:
                    broken = error
        raise StagingError(
            f"{self.url(key)} did not arrive whole, in {ATTEMPTS} attempts ({type(broken).__name__}). Check "
            f"the network to the server {self._place}, a proxy perhaps, and run again."
        ) from broken

    def put(self, key: str, content: bytes, sha256: str | None = None) -> None:
        """Write an object; the server compares it with `sha256` (hex), where that is known."""
        where = {"Bucket": self.bucket, "Key": key}
        with self._explained("written", key):
            if len(content) > MULTIPART_BYTES:
                from boto3.s3.transfer import TransferConfig

                parts = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
                self._client.upload_fileobj(io.BytesIO(content), **where, Config=parts)
                return
            checksum = {"ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode()} if sha256 else {}
            self._client.put_object(**where, Body=content, **checksum)

    def size(self, key: str) -> int | None:
        """The bytes of an object; None where there is none of that name."""
        from botocore.exceptions import ClientError

        with self._explained("read", key):
            try:
                return int(self._client.head_object(Bucket=self.bucket, Key=key)["ContentLength"])
            except ClientError as error:
                if error.response["Error"]["Code"] == "404":
                    return None
                raise

    def delete(self, key: str) -> None:
        """Remove an object; a missing one is not an error."""
        with self._explained("removed", key):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def url(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def names(self, prefix: str) -> list[str]:
        """The keys of the objects there are that begin so, in order."""
        with self._explained("listed", prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def erase(self, prefix: str, *, leftovers: bool = False, count_only: bool = False) -> int:
        """Remove what begins so permanently: objects, their earlier versions, interrupted uploads.

        `leftovers` leaves the objects there are. Beside those of `delete` this takes s3:ListBucketVersions,
        s3:DeleteObjectVersion, s3:ListBucketMultipartUploads and s3:AbortMultipartUpload. Returns how many
        there were, without delete markers.
        """
        where = {"Bucket": self.bucket, "Prefix": prefix}
        count = 0
        with self._explained("removed permanently", prefix):
            for page in self._client.get_paginator("list_object_versions").paginate(**where):
                versions = [one for one in page.get("Versions", []) if not (leftovers and one["IsLatest"])]
                markers = [
                    one for one in page.get("DeleteMarkers", []) if not (leftovers and one["IsLatest"])
                ]
                count += len(versions)
                if not count_only:
                    self._erase_versions([*versions, *markers])
            for page in self._client.get_paginator("list_multipart_uploads").paginate(**where):
                for upload in page.get("Uploads", []):
                    count += 1
                    if not count_only:
                        named = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                        self._client.abort_multipart_upload(Bucket=self.bucket, **named)
        return count

    def _erase_versions(self, versions: list[dict[str, Any]]) -> None:
        for start in range(0, len(versions), _ERASED_AT_ONCE):
            some = versions[start : start + _ERASED_AT_ONCE]
            named = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in some]
            answer = self._client.delete_objects(Bucket=self.bucket, Delete={"Objects": named, "Quiet": True})
            for refused in answer.get("Errors", []):
                raise StagingError(
                    f"{self.url(refused['Key'])} cannot be removed permanently ({refused['Code']}). The "
                    "credentials in use need s3:DeleteObjectVersion, and the object must not be locked."
                )

    @contextmanager
    def _explained(self, done: str, key: str) -> Iterator[None]:
        """S3's errors with the object, and what to do; `done` is what could not be done to it."""
        from boto3.exceptions import Boto3Error
        from botocore import exceptions as b

        what = f"{self.url(key)} cannot be {done}"
        try:
            yield
        except b.ClientError as error:
            # By its code alone: the server's own text may repeat what it was sent.
            code = str(error.response.get("Error", {}).get("Code", ""))
            advice = (text for start, text in _ADVICE.items() if code.startswith(start))
            fallback = "Check MUSIC_ASSETS_STAGING and MUSIC_ASSETS_S3_ENDPOINT, and run again."
            raise StagingError(
                f"{what}: the server {self._place} answered {code}. {next(advice, fallback)}"
            ) from error
        except (b.NoCredentialsError, b.PartialCredentialsError, b.CredentialRetrievalError) as error:
            raise StagingError(f"{what}: {error}. {_NO_CREDENTIALS}") from error
        except b.ParamValidationError as error:
            raise StagingError(
                f"{what}: {self.bucket!r} is not a bucket name. MUSIC_ASSETS_STAGING takes a folder or "
                "s3://bucket/prefix."
            ) from error
        except (b.HTTPClientError, b.EndpointConnectionError, b.ConnectionError) as error:
            raise StagingError(
                f"{what}: nothing answers {self._place} ({type(error).__name__}). Check the network, and "
                "MUSIC_ASSETS_S3_ENDPOINT if your server is not AWS's, or AWS_REGION if it is."
            ) from error
        except (b.BotoCoreError, Boto3Error) as error:
            raise StagingError(f"{what}: {type(error).__name__}, {error}") from error


class S3Files:
    """Objects of any bucket by their address: what a warehouse's engine is given to read and write with."""

    def __init__(self, *, endpoint: str | None = None) -> None:
        self._endpoint = endpoint
        self._buckets: dict[str, S3] = {}
        self._lock = threading.Lock()

    def read(self, url: str) -> bytes:
        """The object at `s3://bucket/key`; raises `StagingError`, also where there is none."""
        bucket, key = self._found(url)
        content = bucket.get(key)
        if content is None:
            raise DamagedFile(f"{url} is not there: the run that wrote it must be run again.")
        return content

    def write(self, url: str, content: bytes) -> None:
        bucket, key = self._found(url)
        bucket.put(key, content)

    def _found(self, url: str) -> tuple[S3, str]:
        name, _, key = url.removeprefix("s3://").partition("/")
        with self._lock:
            if name not in self._buckets:
                self._buckets[name] = S3(name, endpoint=self._endpoint)
            return self._buckets[name], key
