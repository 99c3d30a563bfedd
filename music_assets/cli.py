"""`music-assets`: the command line. Options, exit codes, and nothing else.

Heavy imports happen inside the commands, so that help and errors come at once.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

EXIT_FAILED, EXIT_UNUSABLE, EXIT_INTERRUPTED = 1, 2, 130


class _Unusable(click.ClickException):
    """Something named in an option or a setting that cannot be used."""

    exit_code = EXIT_UNUSABLE


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="music-assets")
def cli() -> None:
    """Join the Million Song Dataset with Spotify, and publish tables to query.

    Settings are read from the environment and from a file `.env` in this folder; `.env.example` names them.
    """
    from dotenv import load_dotenv

    load_dotenv(Path(".env"))


@cli.command()
@click.option("--msd", metavar="DIR", help="MSD root (the folder with A/ to Z/), or one HDF5 file of songs.")
@click.option("--partitions", metavar="SPEC", help="AB, AA...AZ, A*, or several with commas.")
@click.option("--data", metavar="DIR", help="Folder for everything this makes; `data` unless set.")
def run(msd: str | None, partitions: str | None, data: str | None) -> None:
    """Run the main job: MSD files in, query-ready tables out.

    What is there already is kept: running again costs seconds and no request. Without --msd a generated
    sample is used, without Spotify's credentials a sandbox.

    \b
    Example:
      music-assets run --msd ~/MillionSongSubset --partitions 'A*'
    """
    from rich.console import Console

    from music_assets.console import SANDBOX_BANNER, progress_shown, show_summary
    from music_assets.deployment import SettingError, Settings
    from music_assets.partitions import PartitionsError
    from music_assets.runner import RunError
    from music_assets.runner import run as run_job
    from music_assets.sources.msd import MsdRootError

    console = Console(stderr=False, soft_wrap=True)
    try:
        settings = Settings.from_environment(msd=msd, data=data)
        if settings.spotify == "sandbox":
            console.print(SANDBOX_BANNER + "\n")
        with progress_shown(console):
            summary = run_job(settings, partitions)
    except (SettingError, PartitionsError, MsdRootError, RunError) as error:
        raise _Unusable(str(error)) from None
    show_summary(console, summary, settings)
    if summary.interrupted:
        sys.exit(EXIT_INTERRUPTED)
    if summary.failed:
        sys.exit(EXIT_FAILED)


@cli.command()
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
    from music_assets.deployment import SettingError, Settings, resources
    from music_assets.sandbox.process import PortInUse, serve
    from music_assets.sources.msd import MsdRootError

    try:
        settings = Settings.from_environment(msd=msd, data=data, spotify="sandbox")
        catalogue = resources(settings)["spotify"].sandbox_catalogue()
        click.echo(
            f"The sandbox Spotify ({mode} mode) answers at http://127.0.0.1:{port}/v1/; Ctrl-C ends it."
        )
        serve(catalogue, port=port, mode=mode)
    except (SettingError, MsdRootError, PortInUse) as error:
        raise _Unusable(str(error)) from None


@cli.command()
@click.option("--data", metavar="DIR", help="The data folder of the runs to look at; `data` unless set.")
@click.option("--port", default=3000, show_default=True, help="Port on loopback.")
def ui(data: str | None, port: int) -> None:
    """Open Dagster's UI on the storage that `music-assets run` filled.

    \b
    Example:
      music-assets ui --port 3001
    """
    import os

    from music_assets.deployment import SettingError, Settings
    from music_assets.runner import prepare_dagster_home
    from music_assets.sandbox.process import PortInUse, check_port_is_free

    try:
        settings = Settings.from_environment(data=data)
        check_port_is_free(port)
        prepare_dagster_home(settings.dagster_home)
    except (SettingError, PortInUse) as error:
        raise _Unusable(str(error)) from None
    tools = Path(sys.executable).parent
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(settings.dagster_home),
        "MUSIC_ASSETS_DATA": str(settings.data),
        "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    os.execve(tools / "dg", ["dg", "dev", "--port", str(port)], environment)


def main() -> None:
    """The console script."""
    cli()


if __name__ == "__main__":
    main()
