"""What settings take: the types of their values, each checked, with what a message says of it.

Which settings there are is declared in `settings`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator


def _text(pattern: str, takes: str) -> Any:
    """A text of this form. (Dagster loses the value of a `Literal` that is configured at launch.)"""

    def check(value: str) -> str:
        if value is not None and not re.fullmatch(pattern, value):
            raise ValueError(f"it takes {takes}")
        return value

    return AfterValidator(check)


def _path(path: Any) -> Any:
    """A path made absolute; an address is left as it is."""
    return path if path is None or "://" in str(path) else type(path)(Path(path).expanduser().absolute())


def _limit(value: Any) -> Any:
    if value in (None, "none"):
        return None
    if not str(value).isdecimal() or int(value) == 0:
        raise ValueError("it takes a number from 1, or `none`")
    return value


def _time_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError("it takes a name such as Europe/Berlin, or UTC") from None


def _job_tags(text: Any) -> Any:
    """Tags by job, from a JSON object of objects of text; none from an empty text."""
    try:
        tags = json.loads(text or "{}") if isinstance(text, str) else text
        if all(isinstance(tag, str) for job in tags.values() for tag in job.values()):
            return tags
    except (ValueError, AttributeError):
        pass
    raise ValueError('it takes a JSON object of tags by job, all text: {"ask": {"ecs/cpu": "256"}}')


Source = Annotated[str, _text("api|sandbox|off", "`api`, `sandbox` or `off`")]
Mode = Annotated[str, _text("auto|development|extended", "`auto`, `development` or `extended`")]
Country = Annotated[str | None, _text("[A-Z]{2}", "an ISO country code, such as DE")]
Limit = Annotated[int | None, BeforeValidator(_limit)]
File = Annotated[str | None, AfterValidator(_path)]
Folder = Annotated[Path, AfterValidator(_path)]
FileOrUrl = Annotated[str, AfterValidator(_path)]
Staging = Annotated[
    str, _text(r"s3://.*[^/].*|(?!.*://).+", "a folder, or s3://bucket/prefix"), AfterValidator(_path)
]
Warehouse = Annotated[
    str, _text(r"[\w+]+://.*", "a SQLAlchemy URL; a DuckDB file is duckdb:////absolute/path.duckdb")
]
WebAddress = Annotated[str | None, _text(r"https?://[^/].*", "a URL that begins with https:// or http://")]
S3Endpoint = Annotated[
    str | None, _text(r"https?://[^/@]+/?", "a URL such as http://localhost:8333, without user or password")
]
TimeOfDay = Annotated[str, _text(r"([01]\d|2[0-3]):[0-5]\d", "a time of day, such as 03:00")]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
JobTags = Annotated[dict[str, dict[str, str]], BeforeValidator(_job_tags)]
