"""The assets, one module per step of the flow: MSD, Spotify, mapping, refresh, staging, tables, report."""
