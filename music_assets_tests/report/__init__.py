"""Tests of `music_assets.report`."""
