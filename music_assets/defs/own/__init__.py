"""Your own assets, jobs, schedules and components: modules in this folder are loaded beside the project's.

`dg scaffold defs dagster.asset my_asset.py` writes one here. docs/extending.md has examples.
"""
