"""Many who read the published tables in a loop, as a program: `python -m … <threads> <file or URL>`.

Each looks at a state (rows and keys of some tables, by one query) twice in a transaction, every few seconds
until standard input ends. Then a line of JSON: how often they looked, what states they saw, what went wrong.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

EVERY = 20.0  # seconds, at most: they must leave time to those whom they read
# What is counted: all rows, or the values of a column.
COUNTED = {
    "msd.songs": ("*", "DISTINCT track_id"),
    "mapped.songs": ("DISTINCT track_id", "spotify_track_id"),
    "spotify.tracks": ("*", "DISTINCT spotify_track_id"),
    "analytics.songs": ("*", "DISTINCT track_id", "spotify_track_id"),
    "analytics.artists": ("*", "DISTINCT artist_id"),
}
SQL = "SELECT " + ", ".join(
    f"(SELECT count({what}) FROM {table})" for table, counted in COUNTED.items() for what in counted
)
State = tuple[int, ...]


@contextmanager
def looking(place: str) -> Iterator[Any]:
    """What gives states, in one transaction each: of a DuckDB file, opened each time, or of a connection."""
    if "://" not in place:
        import duckdb

        def of_file() -> list[State]:
            with duckdb.connect(place, read_only=True, config={"threads": 1}) as database:
                return [database.begin().execute(SQL).fetchall()[0], database.execute(SQL).fetchall()[0]]

        yield of_file
        return
    import redshift_connector
    from sqlalchemy import make_url

    url = make_url(place)
    asked: dict[str, Any] = {"host": url.host, "port": url.port, "ssl": False, "database": url.database}
    with closing(redshift_connector.connect(user=url.username, password=url.password, **asked)) as connection:

        def of_connection() -> list[State]:
            states = []
            with connection.cursor() as cursor:
                for _ in range(2):
                    cursor.execute(SQL)
                    states.append(tuple(cursor.fetchall()[0]))
            connection.rollback()
            return states

        yield of_connection


def main(threads: int, place: str) -> None:
    ended = threading.Event()
    guard = threading.Lock()
    seen: set[State] = set()
    looks, wrong = [0] * threads, []

    def read(number: int) -> None:
        try:
            with looking(place) as look:
                while not ended.wait(random.uniform(0, EVERY)):
                    one, other = look()
                    with guard:
                        seen.update((one, other))
                    if one != other:
                        raise AssertionError(f"within a transaction {one} became {other}")
                    looks[number] += 1
        except Exception as error:
            wrong.append(f"{type(error).__name__}: {error}")

    readers = [threading.Thread(target=read, args=(number,)) for number in range(threads)]
    for reader in readers:
        reader.start()
    sys.stdin.read()
    ended.set()
    for reader in readers:
        reader.join()
    json.dump({"looks": looks, "seen": sorted(seen), "wrong": wrong}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
