"""`python -m music_assets.cli`: the command line, where the script is not installed."""

from music_assets.cli.main import main

main()
