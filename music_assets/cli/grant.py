"""`music-assets grant`: say who may do what in a shared warehouse."""

from __future__ import annotations

import click

from music_assets.cli import interruptible_import
from music_assets.settings import Settings
from music_assets.warehouse.redshift_users import user_of


@click.command()
@click.argument("role", default="music_assets_readers")
@click.option(
    "--loader", metavar="SECRET", help="ARN of the secret of the user that loads; an empty one is filled."
)
@click.option("--daemon", metavar="SECRET", help="The same for the user that only sees what is loaded.")
def grant(role: str, loader: str | None, daemon: str | None) -> None:
    """Let ROLE read what is published in a shared warehouse: msd, spotify, mapped and analytics.

    With --loader, which takes an administrator, tables and COPY become that user's alone. Users and the role
    are created if they do not exist; running again changes nothing but passwords, to those of the secrets.
    A local warehouse has a copy for its readers instead.

    \b
    Examples:
      music-assets grant music_readers
      music-assets grant --loader arn:aws:… --daemon arn:aws:…
    """
    with interruptible_import():
        from music_assets.defs.wiring import resources

    settings = Settings.from_environment()
    warehouse = resources(settings)["warehouse"].open()
    statements = warehouse.grant(
        role,
        user_of(loader, "music_loader") if loader else None,
        user_of(daemon, "music_daemon") if daemon else None,
    )
    if not statements:
        click.echo(
            "There is nothing to grant: this warehouse is a file, and its readers have a copy, "
            f"{settings.published}. Whoever may read that file may read all of it."
        )
        return
    for statement in statements:
        click.echo(f"{statement};")
    click.echo(f"Done. Give it to somebody with: GRANT ROLE {role} TO <user>;")
