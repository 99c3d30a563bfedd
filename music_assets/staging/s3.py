"""Objects on S3, or on a server that speaks its language: read, written, removed; listed only to be removed.

A write is seen whole or not at all, carries a checksum the server holds it against, and is encrypted
as `MUSIC_ASSETS_S3_SSE` says. Reads are of one object by its name: S3 answers with the last write,
whoever made it. Here too: S3's errors in the words of `errors`. Which objects there are is `store`'s
matter. Credentials are found as boto3 finds them; none is ever held or shown here.
"""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from music_assets.staging.errors import (
    BrokenTransfer,
    DamagedFile,
    NoBucket,
    NotAllowed,
    StagingError,
    Throttled,
    Unreachable,
    WrongCredentials,
)

# Tries of one request, with pauses of up to 1, 2, 4, 8 s between them.
ATTEMPTS = 5
# Requests that may be under way at once.
AT_ONCE = 16
# Objects larger than this are sent in parts, of this size: what breaks off is sent again in part only.
MULTIPART_BYTES = 64 * 1024 * 1024
PART_BYTES = 16 * 1024 * 1024

_CREDENTIALS = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
_ERASED_AT_ONCE = 1000  # what one DeleteObjects takes
_REGION = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}
_THROTTLED = {"503", "429", "RequestLimitExceeded", "ServiceUnavailable", "SlowDown", "TooManyRequests"}


class S3:
    """One bucket. `endpoint` is a server other than AWS's own (its URL), `sse` as in the setting.

    Safe to use from several threads at once.

    Raises:
        StagingError: of the methods, one of its kinds in `errors`; `ValueError` for an `sse` that is none.
    """

    def __init__(self, bucket: str, *, endpoint: str | None = None, sse: str | None = None) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        self.bucket = bucket
        self._encryption = encryption(sse)
        self._place = f"at {endpoint} (MUSIC_ASSETS_S3_ENDPOINT)" if endpoint else "on S3"
        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=AT_ONCE,
            # Servers other than AWS's have no host name for each bucket.
            s3={"addressing_style": "path"} if endpoint else None,
        )
        try:
            self._client: Any = boto3.client("s3", endpoint_url=endpoint, config=config)
        except BotoCoreError as error:  # such as a profile that ~/.aws/config does not have
            raise self._credentials(f"s3://{bucket}", str(error)) from error

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
        raise BrokenTransfer(
            f"{self.url(key)} did not arrive whole, in {ATTEMPTS} tries ({type(broken).__name__}): look at "
            f"the way to the server {self._place}, a proxy perhaps, and run again."
        ) from broken

    def put(self, key: str, content: bytes, sha256: str | None = None) -> None:
        """Write an object; `sha256` (hex), where it is known, is what the server holds it against."""
        where = {"Bucket": self.bucket, "Key": key}
        with self._explained("written", key):
            if len(content) > MULTIPART_BYTES:
                from boto3.s3.transfer import TransferConfig

                parts = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
                self._client.upload_fileobj(
                    io.BytesIO(content), **where, ExtraArgs=self._encryption, Config=parts
                )
                return
            checksum = {"ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode()} if sha256 else {}
            self._client.put_object(**where, Body=content, **checksum, **self._encryption)

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
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
        """Remove what begins so for good: objects, their earlier versions, uploads that were cut short.

        `leftovers` leaves the objects there are. Beside those of `delete` this takes s3:ListBucketVersions,
        s3:DeleteObjectVersion, s3:ListBucketMultipartUploads and s3:AbortMultipartUpload. Says how many there
        were, without the signs that S3 sets for what was deleted.
        """
        where = {"Bucket": self.bucket, "Prefix": prefix}
        count = 0
        with self._explained("removed for good", prefix):
            for page in self._client.get_paginator("list_object_versions").paginate(**where):
                versions = [one for one in page.get("Versions", []) if not (leftovers and one["IsLatest"])]
                signs = [one for one in page.get("DeleteMarkers", []) if not (leftovers and one["IsLatest"])]
                count += len(versions)
                if not count_only:
                    self._erase_versions([*versions, *signs])
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
                raise NotAllowed(
                    f"{self.url(refused['Key'])} cannot be removed for good ({refused['Code']}): the "
                    "credentials in use need s3:DeleteObjectVersion, and no lock may hold the object."
                )

    @contextmanager
    def _explained(self, done: str, key: str) -> Iterator[None]:
        """S3's errors, in words of ours; `done` is what could not be done to the object."""
        from boto3.exceptions import Boto3Error
        from botocore import exceptions as b

        said = f"{self.url(key)} cannot be {done}"
        try:
            yield
        except b.ClientError as error:
            raise self._refused(said, error) from error
        except (b.NoCredentialsError, b.PartialCredentialsError, b.CredentialRetrievalError) as error:
            raise self._credentials(said, str(error)) from error
        except b.ParamValidationError as error:
            raise NoBucket(
                f"{said}: {self.bucket!r} can be no bucket's name. MUSIC_ASSETS_STAGING takes a folder or "
                "s3://bucket/prefix."
            ) from error
        except (b.HTTPClientError, b.EndpointConnectionError, b.ConnectionError) as error:
            raise Unreachable(
                f"{said}: nothing answers {self._place} ({type(error).__name__}). Check the network, and "
                "MUSIC_ASSETS_S3_ENDPOINT if your server is not AWS's, or AWS_REGION if it is."
            ) from error
        except (b.BotoCoreError, Boto3Error) as error:
            raise StagingError(f"{said}: {type(error).__name__}, {error}") from error

    def _refused(self, said: str, error: Any) -> StagingError:
        """What the server answered, by its code: its own text may repeat what it was sent."""
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "NoSuchBucket":
            return NoBucket(
                f"{said}: there is no bucket {self.bucket!r} {self._place}. Create it, or put its right name "
                "into MUSIC_ASSETS_STAGING."
            )
        if code in _CREDENTIALS:
            return self._credentials(said, code)
        if code.startswith(("KMS.", "ServerSideEncryption")):
            return NotAllowed(
                f"{said}: the key that MUSIC_ASSETS_S3_SSE names cannot be used ({code}). Name another, or "
                "let the credentials use it (kms:GenerateDataKey, kms:Decrypt)."
            )
        if code in ("AccessDenied", "403", "AllAccessDisabled", "Forbidden"):
            return NotAllowed(
                f"{said}: not allowed {self._place}. The credentials in use need s3:GetObject, s3:PutObject "
                f"and s3:DeleteObject on {self.bucket}/*, s3:ListBucket on {self.bucket} (without it S3 "
                'says "not allowed" of what does not exist), and the use of the key of MUSIC_ASSETS_S3_SSE, '
                "if there is one."
            )
        if code in _THROTTLED or "Throttl" in code:
            return Throttled(
                f"{said}: the server {self._place} asks for fewer requests ({code}) and did so {ATTEMPTS} "
                "times. Wait a little and run again, with fewer runs at once; what is written is kept."
            )
        if code in _REGION:
            return NoBucket(
                f"{said}: the bucket lies in another region than the one asked ({code}). Set AWS_REGION to "
                "the bucket's."
            )
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
        return StagingError(
            f"{said}: the server {self._place} answered {code or status}. Check MUSIC_ASSETS_STAGING, "
            "MUSIC_ASSETS_S3_ENDPOINT and MUSIC_ASSETS_S3_SSE, and run again."
        )

    def _credentials(self, said: str, why: str) -> WrongCredentials:
        return WrongCredentials(
            f"{said}: no good AWS credentials ({why}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or run where a role gives them; expired ones must be fetched anew, and "
            "the clock must be right."
        )


class S3Files:
    """Objects of any bucket by their address: what a warehouse's engine is given to read and write with."""

    def __init__(self, *, endpoint: str | None = None, sse: str | None = None) -> None:
        self._options = {"endpoint": endpoint, "sse": sse}
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
                self._buckets[name] = S3(name, **self._options)
            return self._buckets[name], key


def encryption(sse: str | None) -> dict[str, Any]:
    """What S3 is told of server-side encryption: for None, `AES256`, `aws:kms` or `aws:kms:<key id>`.

    Raises:
        ValueError: it is none of these.
    """
    if not sse:
        return {}
    if sse == "AES256":
        return {"ServerSideEncryption": "AES256"}
    kind, _, key = sse.removeprefix("aws:").partition(":")
    if not sse.startswith("aws:") or kind != "kms":
        raise ValueError(f"{sse!r}: it takes AES256, aws:kms, or aws:kms:<key id>")
    # A key for the bucket, kept by S3 for a while: KMS is asked, and paid, once for many objects.
    named = {"SSEKMSKeyId": key} if key else {}
    return {"ServerSideEncryption": "aws:kms", "BucketKeyEnabled": True, **named}


def checked_endpoint(url: str) -> str:
    """An endpoint's URL, if it is one.

    Raises:
        ValueError: it is no http(s) address, or holds a user or a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it takes the URL of an S3 server, such as http://localhost:8333")
    if parts.username or parts.password:
        raise ValueError(
            "it must not hold a user or password: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return url
