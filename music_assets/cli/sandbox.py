"""`music-assets sandbox`: the sandbox alone, for several runs or another program to use."""

from __future__ import annotations

import click

from music_assets.cli import data_option, interruptible_import
from music_assets.sandbox.process import listen, serve
from music_assets.sandbox.spotify.behaviours import BEHAVIOURS
from music_assets.settings import Settings


@click.command()
@click.option("--msd", metavar="DIR", help="MSD root whose songs it knows; the generated sample unless set.")
@data_option
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8765, show_default=True, help="Port on loopback."
)
@click.option(
    "--mode",
    type=click.Choice(["extended", "development"]),
    default="extended",
    help="The app's access mode.",
    show_default=True,
)
@click.option(
    "--behaviour",
    "behaviours",
    metavar="NAME[=N]",
    multiple=True,
    help=f"A way to misbehave, as Spotify was seen to: {', '.join(BEHAVIOURS)}. May be repeated.",
)
def sandbox(msd: str | None, data: str | None, port: int, mode: str, behaviours: tuple[str, ...]) -> None:
    """Run the sandbox, which stands in for Spotify and the other services, until Ctrl-C.

    \b
    Example:
      music-assets sandbox --port 8765 --mode development --behaviour junk=0.5
    """
    with interruptible_import():
        from music_assets.defs.wiring import opened_resources

    on = dict(map(_behaviour, behaviours))
    settings = Settings.from_environment(msd=msd, data=data, spotify="sandbox")
    with opened_resources(settings) as opened:
        catalogue = opened.sandbox.catalogue()
    listener = listen(port)
    click.echo(f"The sandbox ({mode} mode) listens at http://127.0.0.1:{port}; Ctrl-C stops it.")
    click.echo(f"Use it with MUSIC_ASSETS_SPOTIFY=sandbox MUSIC_ASSETS_SANDBOX_URL=http://127.0.0.1:{port}")
    click.echo("MUSIC_ASSETS_SPOTIFY=off, with the same URL, uses the sources without a key alone.")
    serve(catalogue, listener, mode=mode, behaviours=on)


def _behaviour(given: str) -> tuple[str, float | None]:
    name, _, value = given.partition("=")
    if name not in BEHAVIOURS:
        raise click.BadParameter(f"There is no behaviour {name!r}. Give one of {', '.join(BEHAVIOURS)}.")
    try:
        return name, float(value) if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a number. Give {name}=N.") from None
