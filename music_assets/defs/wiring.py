"""Every resource and IO manager by its key, as the settings have it. What each does is in its own module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster import build_resources

from music_assets.defs.dumps import DumpsResource
from music_assets.defs.io_managers import JsonLinesIOManager, WarehouseIOManager
from music_assets.defs.resources import (
    CompanionResource,
    CorrectionsResource,
    LedgerResource,
    MsdResource,
    RefreshResource,
    ReportResource,
    SandboxResource,
    SpotifyResource,
    StagingResource,
    WarehouseResource,
)
from music_assets.defs.source_resources import ResolutionResource, SourcesResource
from music_assets.settings import Settings
from music_assets.warehouse.connect import give


def resources(settings: Settings) -> dict[str, Any]:
    """Every resource and IO manager by its key.

    Those that are opened for a run (`ledger` to `resolution`) are configured at launch: Dagster makes one of
    each and hands it to all that depend on it, where it would give each a copy of one configured here.
    """
    data = str(settings.data)
    staging = StagingResource(url=settings.staging, s3_endpoint=settings.aws.s3_endpoint)
    warehouse = WarehouseResource(
        url=give(settings.warehouse),
        published=str(settings.published),
        **settings.aws.model_dump(include={"s3_endpoint", "redshift_iam_role"}),
    )
    msd = MsdResource(path=settings.msd, sample=str(settings.data / "sample_msd"))
    corrections = CorrectionsResource(**settings.corrections.model_dump())
    ledger = LedgerResource.configure_at_launch(url=settings.ledger, source=settings.ledger_source)
    sandbox = SandboxResource.configure_at_launch(
        **settings.sandbox.model_dump(), data=data, mode=settings.spotify.mode, msd=msd
    )
    spotify = SpotifyResource.configure_at_launch(
        **settings.spotify.model_dump(), ledger=ledger, sandbox=sandbox
    )
    sources = SourcesResource.configure_at_launch(
        **settings.sources.model_dump(), data=data, downloads=str(settings.dumps), spotify=spotify
    )
    return {
        "msd": msd,
        "dumps": DumpsResource.configure_at_launch(indexes=f"{data}/indexes", sources=sources),
        "corrections": corrections,
        "companion": CompanionResource(
            folder=str(settings.downloads / "companion"), indexes=f"{data}/indexes"
        ),
        "ledger": ledger,
        "sandbox": sandbox,
        "spotify": spotify,
        "sources": sources,
        "resolution": ResolutionResource.configure_at_launch(
            **settings.resolution.model_dump(),
            data=data,
            spotify=spotify,
            sources=sources,
            corrections=corrections,
            staging=staging,
        ),
        "refresh": RefreshResource(**settings.refresh.model_dump()),
        "staging": staging,
        "warehouse": warehouse,
        "report_page": ReportResource(path=str(settings.report)),
        "json_lines": JsonLinesIOManager(staging=staging),
        "warehouse_tables": WarehouseIOManager(warehouse=warehouse),
    }


@contextmanager
def opened_resources(settings: Settings) -> Iterator[Any]:
    """The same outside a run, as attributes: `opened.ledger.open()`. What is opened is closed at the end."""
    with build_resources(resources(settings)) as opened:
        yield opened
