"""Small disks, to be full or read-only; where this user may mount none, the test is skipped."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def mounted(folder: Path, options: str) -> None:
    """Mount a disk in memory at an empty folder, by the options of tmpfs: `size=3m`."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs to mount a small disk, as root can")


def remount(folder: Path, options: str) -> None:
    """Change the options of such a disk: `ro`, `rw`, another size."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)
