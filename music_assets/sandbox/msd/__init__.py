"""The sandbox's small MSD: `songs` (what is in it) and `writer` (files as the MSD has them)."""
