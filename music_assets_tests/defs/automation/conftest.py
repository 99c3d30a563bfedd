"""Fixtures of the tests of automation."""

from collections.abc import Iterator

import pytest

from music_assets_tests.support.webhook import Listener, listening


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as one:
        yield one
