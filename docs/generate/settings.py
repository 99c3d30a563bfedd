"""`.env.example` and docs/settings.md: every declared setting."""

from __future__ import annotations

import textwrap
from typing import Any

from pydantic.fields import FieldInfo

from music_assets.settings import PREFIX, declared_settings

_COMMAND = "make docs"
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


def _unset(field: FieldInfo) -> str:
    """What holds where the setting is unset."""
    return _extra(field, "unset") or ("not used" if field.default is None else f"`{field.default}`")


def _example(field: FieldInfo) -> str:
    return _extra(field, "example") or str(field.default)


def _extra(field: FieldInfo, name: str) -> str:
    extra: Any = field.json_schema_extra
    return str(extra[name])
