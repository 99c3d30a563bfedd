"""`music-assets sandbox`: the sandbox alone, for several runs or another program to use."""

from __future__ import annotations

import click

from music_assets.cli import data_option
from music_assets.defs.wiring import opened_resources
from music_assets.sandbox.process import serve
from music_assets.settings import Settings


@click.command()
@click.option("--msd", metavar="DIR", help="MSD root whose songs it knows; the generated sample unless set.")
@data_option
@click.option("--port", default=8765, show_default=True, help="Port on loopback.")
@click.option(
    "--mode",
    type=click.Choice(["extended", "development"]),
    default="extended",
    help="The app's access mode.",
    show_default=True,
)
def sandbox(msd: str | None, data: str | None, port: int, mode: str) -> None:
    """Run the sandbox, which stands in for Spotify and the other services, until Ctrl-C.

    \b
    Example:
      music-assets sandbox --port 8765 --mode development
    """
    settings = Settings.from_environment(msd=msd, data=data, spotify="sandbox")
    with opened_resources(settings) as opened:
        catalogue = opened.sandbox.catalogue()
    click.echo(f"The sandbox ({mode} mode) listens at http://127.0.0.1:{port}; Ctrl-C stops it.")
    click.echo(f"Use it with MUSIC_ASSETS_SPOTIFY=sandbox MUSIC_ASSETS_SANDBOX_URL=http://127.0.0.1:{port}")
    serve(catalogue, port=port, mode=mode)
