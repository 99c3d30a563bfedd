"""What can go wrong with a warehouse, named for the person who can act."""

from __future__ import annotations

from music_assets.errors import MusicAssetsError


class WarehouseError(MusicAssetsError):
    """A warehouse could not do something; the message says which, where, and what to do."""


class WarehouseInUse(WarehouseError):
    """Somebody else holds the warehouse; the message names them."""


class SandboxRefused(WarehouseError):
    """Invented rows were about to reach a warehouse that others may read."""


class WarehouseInterrupted(WarehouseError):
    """Another writer, or a connection that was lost, ended a transaction: tried again, it may go through."""
