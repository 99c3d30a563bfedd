"""What must be true of what is made, and what is worth a look.

`tables` has the checks of the published tables, made from their declarations; `partitions` those of a run's
partitions. A check that blocks keeps readers from wrong tables: they go on with the copy they have. All
others warn. Each description says what to do. What must be true of a file before it is loaded is in
`music_assets.staging.validation`.
"""

from dagster import AssetChecksDefinition

from music_assets.defs.checks.partitions import few_files_are_set_aside, rescoring_keeps_matches
from music_assets.defs.checks.rules import REFERENCES
from music_assets.defs.checks.tables import OTHERS_LOAD, are_torn, referred_to, table_checks
from music_assets.tables import PUBLISHED

__all__ = ["OTHERS_LOAD", "REFERENCES", "are_torn", "build_checks", "referred_to"]


def build_checks(retention_days: int) -> list[AssetChecksDefinition]:
    """All checks; Spotify's values older than `retention_days` are warned of."""
    tables = [table_checks(table, retention_days) for table in PUBLISHED.values()]
    return [few_files_are_set_aside, rescoring_keeps_matches, *tables]
