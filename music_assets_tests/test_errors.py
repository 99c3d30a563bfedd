"""What a person can act on derives from one base."""

from __future__ import annotations

import importlib
import pkgutil

import click

import music_assets
from music_assets.errors import MusicAssetsError

# Signals between the modules of one package, which never leave it; as are those with an underscore.
INTERNAL = {
    "UnreadableFile",
    "UnsupportedLayout",
    "Retry",
    "Refused",
    "Replaced",
    "UnusableBody",
    "ErrorResponse",
}


def test_every_error_of_the_package_has_the_one_base() -> None:
    for module in pkgutil.walk_packages(music_assets.__path__, "music_assets."):
        if module.name.endswith("__main__"):
            continue
        for name, found in vars(importlib.import_module(module.name)).items():
            if not (isinstance(found, type) and issubclass(found, Exception)):
                continue
            is_ours = found.__module__.startswith("music_assets.")
            if is_ours and name not in INTERNAL and not name.startswith("_"):
                assert issubclass(found, MusicAssetsError | click.ClickException), f"{module.name}.{name}"
