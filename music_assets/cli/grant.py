"""`music-assets grant`: let people read the warehouse."""

from __future__ import annotations

import click

from music_assets.defs.wiring import resources
from music_assets.settings import Settings


@click.command()
@click.argument("role", default="music_assets_readers")
def grant(role: str) -> None:
    """Let ROLE read what is published in a shared warehouse: msd, spotify, mapped and analytics.

    The role is created if it does not exist; running again changes nothing. A local warehouse has a copy for
    its readers instead.

    \b
    Example:
      music-assets grant music_readers
    """
    settings = Settings.from_environment()
    statements = resources(settings)["warehouse"].open().grant(role)
    if not statements:
        click.echo(
            "There is nothing to grant: this warehouse is a file, and its readers have a copy, "
            f"{settings.published}. Whoever may read that file may read all of it."
        )
        return
    for statement in statements:
        click.echo(f"{statement};")
    click.echo(f"Done. Give it to somebody with: GRANT ROLE {role} TO <user>;")
