"""`make docs`: write the pages that are generated from declarations in the code."""

from pathlib import Path

from docs.generate import PAGES

for path, page in PAGES.items():
    Path(path).write_text(page(), encoding="utf-8")
    print(f"Wrote {path}.")
