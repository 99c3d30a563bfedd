"""The matcher's version: the same for the same code."""

import re
import subprocess
import sys

from music_assets.matching import matcher_version


def test_the_version_is_a_generation_and_a_short_hash() -> None:
    assert re.fullmatch(r"\d+-[0-9a-f]{10}", matcher_version())


def test_another_process_finds_the_same_version() -> None:
    code = (
        "from music_assets.matching import matcher_version; import sys; sys.stdout.write(matcher_version())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == matcher_version()


def test_the_room_needs_neither_dagster_nor_pandas() -> None:
    code = "import music_assets.matching, sys; sys.exit('dagster' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
