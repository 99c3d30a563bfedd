"""README.md of an export: what is in it, how it is read, and what one may do with it."""

from __future__ import annotations

from collections.abc import Sequence

from music_assets.export.data_files import DataFile, owners_of
from music_assets.tables.terms import TERMS

_CSV = """\
The CSV files are UTF-8 with a header (RFC 4180); nothing between two commas is a missing value; times are in
UTC. Text is exact: a title that begins with `=`, `+`, `-` or `@` is written as it is, for programs. A
spreadsheet may take it for a formula: import such columns as text.
"""

_READ = {
    "csv": ('pd.read_csv("{name}")', 'read.csv("{name}")'),
    "parquet": ('pd.read_parquet("{name}")', 'arrow::read_parquet("{name}")'),
}


def readme(
    title: str,
    version: str,
    matchers: Sequence[str],
    files: Sequence[DataFile],
    tables_left_out: Sequence[str],
    notes: Sequence[str],
) -> str:
    """The page, in Markdown."""
    form = files[0].name.rpartition(".")[2]
    python, r = (one.format(name=files[0].name) for one in _READ[form])
    left_out = [f"- `{name}`, as a whole" for name in tables_left_out]
    left_out += [
        f"- of `{file.chosen.table.fullname}`: {', '.join(f'`{name}`' for name in file.chosen.left_out)}"
        for file in files
        if file.chosen.left_out
    ]
    parts = [
        f"# {title}\n",
        f"Version {version}. It names the rows: an export of the same rows has the same version in either "
        f"format. Matcher: {', '.join(matchers) or 'none'}.\n",
        *(f"**{note}**\n" for note in notes),
        "| file | what | rows | values from |",
        "|---|---|---|---|",
        *(
            f"| `{file.name}` | {file.description} | {file.rows:,} | {', '.join(file.sources)} |"
            for file in files
        ),
        "\n`datapackage.json` (<https://datapackage.org>) describes every column: meaning, unit, range, when "
        "it is missing, whose it is. Lists are JSON text. `sha256sum -c SHA256SUMS` compares checksums.\n",
        f"## Reading it\n\n```python\nimport pandas as pd\n\ntable = {python}\n```\n",
        f"```r\ntable <- {r}\n```\n",
        *([_CSV] if form == "csv" else []),
        "## Terms\n\nThe `source` of a column in `datapackage.json` is one of:\n",
        *(f"- **{owner}**: {TERMS[owner].summary} <{TERMS[owner].url}>" for owner in owners_of(files)),
        *(["\nLeft out, as Spotify's terms do not allow publishing it:\n", *left_out] if left_out else []),
        "\n## Citing it\n\n`CITATION.cff` and `CITATION.bib` name this version, and the works it is made of.",
    ]
    return "\n".join(parts) + "\n"
