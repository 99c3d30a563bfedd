"""Staged files: gzip JSON Lines per kind and partition, in a folder or on S3; encoded, validated, stored.

How they are loaded is in `warehouse`, what must be in them is declared in `tables`.
"""
