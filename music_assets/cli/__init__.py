"""The commands of `music-assets`, one module each: options, messages, exit codes.

What a command does is elsewhere (`runner`, `sandbox`, …); how it looks is in `console`. Heavy imports
happen inside the functions, so that help and errors come at once.
"""

from __future__ import annotations

import click

EXIT_FAILED, EXIT_UNUSABLE, EXIT_INTERRUPTED = 1, 2, 130


class Unusable(click.ClickException):
    """Something named in an option or a setting that cannot be used; shown as one sentence."""

    exit_code = EXIT_UNUSABLE
