"""The settings as people read them: `.env.example`, docs/settings.md, warnings of unknown variables.

All of it comes from the declarations in `settings`. `python -m music_assets.cli.settings_reference` writes
both files below the current folder.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from music_assets.settings import PREFIX, declared_settings

_COMMAND = "python -m music_assets.cli.settings_reference"
_WIDTH = 110
_EXAMPLE = f"""\
# Settings. Copy to `.env` and uncomment what you need: everything runs with none of them.
# Generated from music_assets/settings.py: change it there, then run
# `{_COMMAND}`.
"""
_CREDENTIALS = """
# Spotify's credentials, from https://developer.spotify.com/dashboard. Never commit them.
# SPOTIPY_CLIENT_ID=
# SPOTIPY_CLIENT_SECRET=
"""
_PAGE = f"""\
# Settings

Everything runs with no setting at all. Settings are environment variables, or lines of a file `.env` in the
folder where a command runs ([.env.example](../.env.example) has them all); options of the command line win
over them. `SPOTIPY_CLIENT_ID` and `SPOTIPY_CLIENT_SECRET` are Spotify's credentials.

This page is generated from `music_assets/settings.py`: change it there, then run
`{_COMMAND}`.

| variable | unset | meaning |
|---|---|---|
"""


def env_example() -> str:
    """`.env.example`: every setting with its meaning, commented out."""
    blocks = [_EXAMPLE]
    for variable, field in declared_settings().items():
        sentence = f"{field.description} Unset: {_unset(field)}."
        comment = textwrap.indent(textwrap.fill(sentence, _WIDTH - 2, break_on_hyphens=False), "# ")
        blocks.append(f"\n{comment}\n# {variable}={_example(field)}\n")
        if variable == PREFIX + "SPOTIFY":
            blocks.append(_CREDENTIALS)
    return "".join(blocks)


def settings_page() -> str:
    """docs/settings.md: the settings as a table."""
    rows = (
        f"| `{variable}` | {_unset(field)} | {field.description} |\n"
        for variable, field in declared_settings().items()
    )
    return _PAGE + "".join(rows)


FILES = {Path(".env.example"): env_example, Path("docs/settings.md"): settings_page}


def _unset(field: FieldInfo) -> str:
    """What holds where the setting is unset."""
    return _extra(field, "unset") or ("not used" if field.default is None else f"`{field.default}`")


def _example(field: FieldInfo) -> str:
    return _extra(field, "example") or str(field.default)


def _extra(field: FieldInfo, name: str) -> str:
    extra: Any = field.json_schema_extra
    return str(extra[name])


# Settings of earlier versions, and what holds in their place.
_DROPPED = {
    "ALERT_SNS": "a failed run is reported to MUSIC_ASSETS_ALERT_WEBHOOK",
    "ARTIST_GETS": "artists are not fetched one by one in development mode",
    "ASK_BY_RELEASE": "songs of one release are always resolved together",
    "QUERIES": "up to two differently worded queries are tried for a song",
    "READERS": "one process per core reads the MSD",
    "REFRESH_REQUESTS": "MUSIC_ASSETS_REFRESH_SHARE=0 turns the refresh off",
    "RELEASES_EVERY_DAYS": "an artist's releases are listed every 30 days",
    "S3_SSE": "the bucket's own default encryption applies",
    "VERIFY_IDS": "ids from elsewhere are always verified",
}


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each `MUSIC_ASSETS_…` variable that is not a setting, with what to set instead."""
    known = list(declared_settings())
    sentences = []
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in known:
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        hint = f"did you mean {near[0]}?" if near else "see .env.example for those there are."
        if replaced := _DROPPED.get(name.removeprefix(PREFIX)):
            hint = f"{replaced}."
        sentences.append(f"{name} is not a setting; {hint}")
    return sentences


if __name__ == "__main__":
    for path, text in FILES.items():
        path.write_text(text(), encoding="utf-8")
