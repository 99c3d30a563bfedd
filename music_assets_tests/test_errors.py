"""What a person can act on derives from one base."""

from __future__ import annotations

import importlib
import pkgutil

import click

import music_assets
from music_assets.errors import MusicAssetsError

# Signals between the modules of one package, which never leave it.
INTERNAL = {"UnreadableFile", "UnsupportedLayout", "_TokenExpired", "_Interrupted", "Retry"}


def test_every_error_of_the_package_has_the_one_base() -> None:
    for module in pkgutil.walk_packages(music_assets.__path__, "music_assets."):
        if module.name.endswith("__main__"):
            continue
        for name, found in vars(importlib.import_module(module.name)).items():
            if not (isinstance(found, type) and issubclass(found, Exception)):
                continue
            if found.__module__.startswith("music_assets.") and name not in INTERNAL:
                assert issubclass(found, MusicAssetsError | click.ClickException), f"{module.name}.{name}"
