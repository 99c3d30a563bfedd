"""Texts and names made to break what they pass through arrive in the tables as they are, and act nowhere.

They are in every text of MSD files, in the names of folders and files, and, as the sandbox invents its
answers from the songs, in what the sources answer. What each command does with one text is tested with it;
here all texts go the whole way, and commands run in a terminal of their own.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from dagster import AssetKey, DagsterInstance

from music_assets.settings import Settings
from music_assets_tests.campaigns.world import settings_for
from music_assets_tests.support.msd_songs import song, song_path, terms, write_in_place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MARK = "0wned"
TEXTS = {
    "SQL": f"x'); DROP TABLE msd.songs; CREATE TABLE {MARK}(x INT); --",
    "SQL of a list": f"'] || (SELECT '{MARK}') || ['",
    "a parameter": "100% %s %(x)s :x ? $1 {} {0.__class__}",
    "Jinja": "{{ 7 * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}" + MARK,
    "HTML": f"<script>alert('{MARK}')</script><img src=x onerror=alert(1)>",
    "Markdown": f"[{MARK}](javascript:alert(1)) ![x](http://127.0.0.1:9/{MARK}.png) | a | b",
    "a shell": f"$(touch {MARK}) `touch {MARK}`; touch {MARK} & touch {MARK} | cat",
    "a formula": f'=HYPERLINK("http://127.0.0.1:9/{MARK}","x")',
    "other formulas": "@SUM(1+1)*cmd|' /C calc'!A0",
    "a minus": "-2+3+cmd|' /C calc'!A0",
    "a path": f"../../../../{MARK}",
    "an absolute path": f"/tmp/{MARK}\\..\\C:\\{MARK}",
    "ANSI": f"\x1b]0;{MARK}\x07\x1b[2J\x1b[31m",
    "eight bits": f"\x9b2J\x90{MARK}\x9c",
    "lines": f"one\r\nError: {MARK}\rx\ttwo",
    "right to left": f"\u202egpj.{MARK}\u2066x",
    "rich": f"[bold red]{MARK}[/] [link=http://127.0.0.1:9]x[/link] [/nothing]",
    "JSON": '{"a": [1, "\\u0000"]}\\',
    "a marker": "\\N NULL null NaN None",
    "nothing to see": "\u200b\ufeff \u00ad",
    "letters joined": "Z\u0351\u036b\u0343a\u0302\u0308lgo \U0001f468\u200d\U0001f467 \U00010348",
    "a long one": "a'\"\\%" * 150,
}
# What must not reach a terminal; what rich itself sends begins otherwise.
STEERING = ("\x1b]0;", "\x1b[2J\x1b[31m", "\x9b", "\x90", "\x9c", "\u202e", "\u2066", "\rx\ttwo")
# Of folders; without `?`, after which Dagster's own storage, as it is opened here, takes options.
NAME = "it's $(touch 0wned) {x} 100% \u202eb\x1b]0;c\x07 [red]=*"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, dict[str, str]]]:
    """A main job over songs of these texts, in folders of such a name; titles by track id."""
    folder = tmp_path_factory.mktemp("hostile") / NAME
    titles = {f"TRA{at % 26 + 65:c}AAA128F{at:07X}": text for at, text in enumerate(TEXTS.values())}
    songs = [
        song(
            id_,
            title=text,
            artist_name=f"{text} & Co",
            release=text,
            artist_location=text,
            terms=terms(text[:60]),
            artist_id=f"AR{at:016d}",
        )
        for at, (id_, text) in enumerate(titles.items())
    ]
    write_in_place(folder / "msd", *songs)
    bad = song_path(folder / "msd", "TRAAAAA128F00000FF").with_name(f"{NAME}.h5")
    bad.write_bytes(b"no HDF5")
    settings = settings_for(folder / "data", "", msd=str(folder / "msd"))
    yield settings, titles


def in_a_terminal(settings: Settings, *command: str, expected: int = 0) -> str:
    """What a command of `music-assets` shows in a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 4000, 0, 0))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUSIC_ASSETS")}
    environment |= {"MUSIC_ASSETS_MSD": str(settings.msd), "MUSIC_ASSETS_DATA": str(settings.data)}
    environment |= {"MUSIC_ASSETS_" + NAME.replace("=", ""): NAME, "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "music_assets.cli", *command],
        cwd=settings.data.parent,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        close_fds=True,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 1 << 16)
        except OSError:  # the terminal's other side is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert process.wait() == expected, shown.decode(errors="replace")
    return shown.decode()


def test_every_text_goes_the_whole_way_and_acts_nowhere(place: tuple[Settings, dict[str, str]]) -> None:
    settings, titles = place
    shown = {"run": in_a_terminal(settings, "run")}
    by_name = dict(zip(TEXTS, titles, strict=True))
    (settings.data.parent / "list.csv").write_text("\n".join(titles))
    everything = "SELECT title, artist_name, release FROM analytics.songs"
    commands: dict[str, tuple[str, ...]] = {
        **{f"explain {name}": ("explain", by_name[name]) for name in ("ANSI", "right to left", "rich")},
        "trace": ("trace", by_name["ANSI"]),
        "explain --json": ("explain", "--json", by_name["right to left"]),
        "trace --json": ("trace", "--json", by_name["right to left"]),
        "query": ("query", "--all", everything),
        "query --csv": ("query", "--csv", everything),
        "query --json": ("query", "--json", everything),
        "run --out": ("run", "--tracks", "list.csv", "--out", "out.csv"),
        "status": ("status",),
        "status --json": ("status", "--json"),
        "plan": ("plan",),
        "export": ("export", "--format", "csv", "--only", "joined", "--out", f"{NAME} exported"),
        "purge": ("purge", "--dry-run"),
    }
    for name, command in commands.items():
        shown[name] = in_a_terminal(settings, *command)
    shown["an error"] = in_a_terminal(settings, "query", f'SELECT * FROM "{NAME}"', expected=2)
    shown["doctor"] = in_a_terminal(settings, "doctor", expected=1)  # there is no such setting
    shown["no id"] = in_a_terminal(settings, "explain", NAME, expected=2)
    shown["no such option"] = in_a_terminal(settings, "explain", f"--{NAME}", expected=2)
    shown["no such command"] = in_a_terminal(settings, NAME, expected=2)
    steered = {name: [one for one in STEERING if one in text] for name, text in shown.items()}
    assert {name: found for name, found in steered.items() if found} == {}

    with duckdb.connect(str(settings.published), read_only=True) as database:
        found = dict(database.execute("SELECT track_id, title FROM msd.songs").fetchall())
        tables = {row[0] for row in database.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert found == titles and MARK not in tables
    plain = subprocess.run(
        [sys.executable, "-m", "music_assets.cli", "query", "--csv", f"{everything} ORDER BY track_id"],
        env={**os.environ, "MUSIC_ASSETS_DATA": str(settings.data)},
        capture_output=True,
        text=False,
        check=True,
    ).stdout.decode()
    expected = [titles[id_] for id_ in sorted(titles)]
    for content in (plain, (settings.data.parent / "out.csv").read_bytes().decode()):
        rows = list(csv.DictReader(io.StringIO(content, newline="")))
        assert sorted(row["title"] for row in rows) == sorted(expected)
    page = (settings.data / "report.html").read_text()
    assert not [one for one in ("<script>alert", "<img src=x", 'href="javascript') if one in page]
    assert not list(settings.data.parent.rglob(f"{MARK}*")) and not Path(f"/tmp/{MARK}").exists()
    _check_metadata(settings)


def _check_metadata(settings: Settings) -> None:
    """Dagster's UI draws Markdown, with the HTML in it."""
    with DagsterInstance.from_config(str(settings.dagster_home), "run.yaml") as instance:
        for key in ("msd_songs", "mapped_songs"):
            for record in instance.fetch_materializations(AssetKey(key), limit=100).records:
                assert record.asset_materialization is not None
                for value in record.asset_materialization.metadata.values():
                    if type(value).__name__ == "MarkdownMetadataValue":
                        text = str(value.value)
                        assert "<script" not in text and "<img" not in text and "](" not in text, text
