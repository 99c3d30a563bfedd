"""`music-assets sandbox`: the Spotify to try things with, alone."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--msd", metavar="DIR", help="MSD root the catalogue is made of; the generated sample unless set."
)
@click.option("--data", metavar="DIR", help="Folder for the catalogue; `data` unless set.")
@click.option("--port", default=8765, show_default=True, help="Port on loopback.")
@click.option(
    "--mode",
    type=click.Choice(["extended", "development"]),
    default="extended",
    show_default=True,
    help="Which of Spotify's access modes it plays.",
)
def sandbox(msd: str | None, data: str | None, port: int, mode: str) -> None:
    """Run the sandbox Spotify alone, until Ctrl-C.

    \b
    Example:
      music-assets sandbox --port 8765 --mode development
    """
    from music_assets.defs.wiring import opened_resources
    from music_assets.sandbox.process import serve
    from music_assets.settings import Settings

    settings = Settings.from_environment(msd=msd, data=data, spotify="sandbox")
    with opened_resources(settings) as opened:
        catalogue = opened.sandbox.catalogue()
    click.echo(f"The sandbox Spotify ({mode} mode) answers at http://127.0.0.1:{port}/v1/; Ctrl-C ends it.")
    serve(catalogue, port=port, mode=mode)
