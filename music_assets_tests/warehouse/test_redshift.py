"""The Redshift engine's own, on the stand-in: turns, retries, secrets, and what it says where it cannot."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from dagster import DagsterInstance, build_asset_check_context, materialize
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from music_assets.cli.erase import Purge
from music_assets.cli.main import cli
from music_assets.cli.trace import trace_row
from music_assets.definitions import build_defs
from music_assets.defs.assets.report import report
from music_assets.defs.automation.facts import Loads
from music_assets.defs.checks.rules import blocking_rules, warnings
from music_assets.defs.checks.tables import table_checks
from music_assets.defs.resources import WarehouseResource
from music_assets.defs.wiring import resources
from music_assets.lookup import LookupFailed, lookup
from music_assets.settings import Settings
from music_assets.staging.s3 import S3Files
from music_assets.staging.store import StagingStore
from music_assets.tables import LOADS, PUBLISHED, STAGED, STAGED_BY_DAY, key_columns
from music_assets.warehouse.connect import open_warehouse, without_password
from music_assets.warehouse.errors import WarehouseError, WarehouseInterrupted, WarehouseInUse
from music_assets.warehouse.published import query
from music_assets.warehouse.redshift import RedshiftWarehouse
from music_assets.warehouse.redshift_url import RedshiftUrl
from music_assets.warehouse.redshift_users import User
from music_assets.warehouse.refresh_queries import artists_to_list, stale_artists, stale_tracks
from music_assets_tests.support.staged_rows import OnS3, Place, row
from music_assets_tests.support.standin import PASSWORD, USER, Standin
from music_assets_tests.warehouse.statements import assert_redshifts

KIND = "artist_votes"
BEGIN = "redshift+redshift_connector://"
ROLE = "arn:aws:iam::123456789012:role/reads-staging"
Redshift = Place[RedshiftWarehouse]


def vote(artist: str, votes: int = 1) -> dict[str, Any]:
    return row(KIND, artist_id=artist, spotify_artist_id="s", votes=votes, source="sandbox")


def votes(place: Redshift) -> list[tuple[Any, ...]]:
    return place.rows(STAGED[KIND], "slice", "artist_id", "votes")


def url_of(place: Redshift) -> Any:
    return place.warehouse._url.url.update_query_dict({"ssl": "false"})


def warehouse_at(url: Any, standin: Standin, **options: Any) -> Any:
    shown = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    found = open_warehouse(shown, Path("/nowhere"), S3Files(endpoint=standin.s3_endpoint), **options)
    assert isinstance(found, RedshiftWarehouse)
    found.pause = 0.01
    return found


def test_a_load_is_one_copy_from_one_merged_manifest(redshift_place: Redshift, standin: Standin) -> None:
    before = len(standin.statements)
    files = [redshift_place.stage(KIND, slice_, [vote("a")]) for slice_ in ("AB", "AA", "AC")]
    redshift_place.load(*files, run="run-1")
    (copy,) = [one for one in standin.statements[before:] if one.startswith("COPY")]
    prefix = files[0].url.rsplit("/", 2)[0]
    merged = f"{prefix}/copy/{KIND}/run-1.manifest"
    assert f"FROM '{merged}' IAM_ROLE default FORMAT JSON 'auto' GZIP MANIFEST" in copy
    content = json.loads(S3Files(endpoint=standin.s3_endpoint).read(merged))
    assert [entry["url"] for entry in content["entries"]] == sorted(one.url for one in files)
    assert all(entry["mandatory"] and entry["meta"]["content_length"] for entry in content["entries"])


def test_dbas_see_whose_statements_they_are(redshift_place: Redshift, standin: Standin) -> None:
    before = len(standin.statements)
    redshift_place.load(redshift_place.stage(KIND, "AA", [vote("a")]))
    sent = standin.statements[before:]
    assert f"SET query_group TO 'music_assets: loading staging.{KIND}'" in sent
    assert "SET statement_timeout TO 3600000" in sent


# The commit of the load is its second: the session's settings are committed before.
MOMENTS = [("^LOCK", 0), ("^DELETE FROM staging", 0), ("^COPY", 0), ("^INSERT INTO meta", 0), ("^commit", 1)]


@pytest.mark.parametrize(("statement", "skip"), MOMENTS)
@pytest.mark.parametrize("fault", ["conflict", "lose_connection"])
def test_conflicts_and_lost_connections_are_tried_again(
    redshift_place: Redshift, standin: Standin, statement: str, skip: int, fault: str
) -> None:
    redshift_place.load(redshift_place.stage(KIND, "AA", [vote("a")]))
    changed = redshift_place.stage(KIND, "AA", [vote("b")])
    getattr(standin.faults, fault)(statement, times=2, skip=skip)
    assert redshift_place.load(changed).loaded == {"AA": 1}
    assert standin.faults.take("COMMIT; COPY") is None  # both were met
    assert votes(redshift_place) == [("AA", "b", 1)]


@pytest.mark.parametrize(
    "message",
    [
        "could not complete because of conflict with concurrent transaction",
        "could not open relation with OID 1234567",
        "ERROR: 1018 DETAIL: Relation does not exist.",
        "Relation with OID 108 does not exist.",
        "Serializable isolation violation on table in Redshift",
    ],
)
def test_what_redshift_says_of_concurrent_work_is_tried_again(
    redshift_place: Redshift, standin: Standin, message: str
) -> None:
    standin.faults.conflict("^COPY", message=message)
    assert redshift_place.load(redshift_place.stage(KIND, "AA", [vote("a")])).loaded == {"AA": 1}
    standin.faults.conflict("^COPY", message="column 108 of relation x: 10180 rows", times=2)
    with pytest.raises(WarehouseError):
        redshift_place.load(redshift_place.stage(KIND, "AA", [vote("b")]))
    assert standin.faults.take("COPY") is not None  # met once: that one does not pass


def test_a_conflict_that_stays_is_told_and_nothing_is_changed(
    redshift_place: Redshift, standin: Standin
) -> None:
    redshift_place.load(redshift_place.stage(KIND, "AA", [vote("a")]))
    standin.faults.conflict("^COPY", times=9)
    with pytest.raises(WarehouseInterrupted, match="loading staging.artist_votes: 1023 Serializable"):
        redshift_place.load(redshift_place.stage(KIND, "AA", [vote("b")]))
    standin.faults.clear()
    assert votes(redshift_place) == [("AA", "a", 1)]


@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_a_load_goes_on_after_the_server_has_restarted(
    redshift_place: Redshift, standin: Standin, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Before its COPY, in the midst of it, and with its rows there but not committed."""
    redshift_place.load(redshift_place.stage(KIND, "AA", [vote("a")]))
    copy, restarts = redshift_place.warehouse.copy_files, []
    begun = threading.Thread(target=standin.restart)

    def restarting(*arguments: Any) -> None:
        first = not restarts
        restarts.append(when)
        if first and when == "before":
            standin.restart()
        if first and when == "during":
            standin.faults.slow("^COPY", 1.0)
            begun.start()
        copy(*arguments)
        if first and when == "after":
            standin.restart()

    monkeypatch.setattr(redshift_place.warehouse, "copy_files", restarting)
    monkeypatch.setattr(redshift_place.warehouse, "pause", 1.0)
    loaded = redshift_place.load(redshift_place.stage(KIND, "AA", [vote("b")])).loaded
    assert (loaded, len(restarts)) == ({"AA": 1}, 2)
    if when == "during":
        begun.join()
    assert votes(redshift_place) == [("AA", "b", 1)]


@pytest.mark.parametrize("statement", ["^INSERT INTO msd.songs", "^ANALYZE"])
def test_filling_a_table_goes_on_after_a_lost_connection(
    redshift_place: Redshift, standin: Standin, statement: str
) -> None:
    song = row("msd_songs", track_id="TRAAGDA2227D2C19FC", title="Anna", artist_id="AR1", year=1999)
    redshift_place.load(redshift_place.stage("msd_songs", "AA", [song]))
    standin.faults.lose_connection(statement)
    assert redshift_place.warehouse.update(PUBLISHED["msd.songs"]) == 1
    assert standin.faults.take("INSERT INTO msd.songs; ANALYZE") is None  # it was met


def test_a_load_that_was_committed_though_nobody_heard_is_not_done_twice(
    redshift_place: Redshift, standin: Standin
) -> None:
    """The connection is lost after the commit: tried again, the slice is found loaded."""
    real, lost = redshift_place.warehouse.transaction, []

    def losing(purpose: str) -> Any:
        from contextlib import contextmanager

        @contextmanager
        def transaction() -> Any:
            with real(purpose) as connection:
                yield connection
            if not lost:
                lost.append(purpose)
                raise WarehouseInterrupted("the connection was lost")

        return transaction()

    redshift_place.warehouse.transaction = losing  # type: ignore[method-assign]
    done = redshift_place.load(redshift_place.stage(KIND, "AA", [vote("a")]))
    assert (done.loaded, done.unchanged) == ({}, {"AA": 1})
    assert votes(redshift_place) == [("AA", "a", 1)]


def test_a_writer_that_never_ends_is_not_waited_for_for_ever(
    redshift_place: Redshift, standin: Standin
) -> None:
    hasty = warehouse_at(url_of(redshift_place).update_query_dict({"statement_timeout": "1"}), standin)
    with redshift_place.warehouse.transaction("holding") as connection:
        connection.execute(text("LOCK TABLE meta.writers"))
        with pytest.raises(WarehouseInUse, match="Another load may have its turn"):
            hasty.fill(PUBLISHED["msd.songs"], query("msd.songs"))


def test_readers_neither_wait_nor_see_half_a_load(redshift_place: Redshift) -> None:
    redshift_place.load(redshift_place.stage(KIND, "AA", [vote("a")]))
    with redshift_place.warehouse.transaction("writing") as connection:
        connection.execute(text("LOCK TABLE meta.writers"))
        connection.execute(text(f"DELETE FROM staging.{KIND}"))
        assert votes(redshift_place) == [("AA", "a", 1)]
        connection.rollback()


def test_runs_that_begin_together_make_the_tables_once(standin: Standin) -> None:
    url = standin.new_database()
    errors: list[BaseException] = []

    def begin() -> None:
        try:
            with warehouse_at(url, standin).transaction("starting"):
                pass
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with warehouse_at(url, standin).transaction("looking") as connection:
        assert connection.execute(text("SELECT count(*) FROM analytics.songs")).scalar_one() == 0


def test_what_copy_cannot_reach_is_named(redshift_place: Redshift, standin: Standin, tmp_path: Path) -> None:
    there = redshift_place.stage(KIND, "AA", [vote("a")])
    with pytest.raises(WarehouseError, match=r"AA.json.gz is a file of this machine.*MUSIC_ASSETS_STAGING"):
        redshift_place.load(type(there)(**{**vars(there), "url": str(tmp_path / "AA.json.gz")}))
    with pytest.raises(Exception, match=r"nowhere.*does not exist|NoSuchBucket|no bucket") as raised:
        redshift_place.load(type(there)(**{**vars(there), "url": f"s3://nowhere/{KIND}/AA.json.gz"}))
    assert "nowhere" in str(raised.value)
    assert votes(redshift_place) == []


def test_what_copy_says_is_passed_on_with_the_role(redshift_place: Redshift, standin: Standin) -> None:
    """As where the role may not read: the manifest is not there for it, and the files are whole."""
    warehouse = warehouse_at(url_of(redshift_place), standin, iam_role=ROLE)
    warehouse._files = _WritesNothing(standin)
    place = Place(warehouse, redshift_place.staging)
    with pytest.raises(WarehouseError, match=f"NoSuchKey .COPY by the role '{ROLE}'. .slices AA"):
        place.load(place.stage(KIND, "AA", [vote("a")]))


class _WritesNothing(S3Files):
    def __init__(self, standin: Standin) -> None:
        super().__init__(endpoint=standin.s3_endpoint)

    def write(self, url: str, content: bytes) -> None:
        """As if it went to a bucket that the cluster does not see."""


def test_wrong_credentials_are_told_and_not_shown(
    redshift_place: Redshift, standin: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = warehouse_at(url_of(redshift_place).set(password="a-Wrong-one"), standin)
    with pytest.raises(WarehouseError, match=f'password authentication failed for user "{USER}"') as raised:
        wrong.fill(PUBLISHED["msd.songs"], query("msd.songs"))
    assert type(raised.value) is WarehouseError  # trying again would not help
    assert "a-Wrong-one" not in "".join(format_exception(raised.value)) + caplog.text


def test_a_server_that_is_not_there_is_told(standin: Standin) -> None:
    warehouse = warehouse_at(f"{BEGIN}{USER}:{PASSWORD}@127.0.0.1:1/dev?ssl=false", standin)
    with pytest.raises(WarehouseInterrupted, match="Redshift 127.0.0.1/dev, starting: .*communication error"):
        warehouse.write("starting", lambda connection: None)


def test_a_password_is_neither_in_settings_nor_configurations_nor_logs(
    redshift_place: Redshift,
    standin: Standin,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    url = url_of(redshift_place).render_as_string(hide_password=False)
    assert PASSWORD in url
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", url)
    settings = Settings.from_environment(data=str(tmp_path), staging=f"s3://{standin.bucket}/x")
    resource = resources(settings)["warehouse"]
    with resource.open().transaction("looking") as connection:  # and yet it can be opened
        shown = f"{connection.engine!r} {connection.engine.url}"
    definitions = build_defs(settings=settings)
    schema = definitions.get_repository_def().get_top_level_resources()["warehouse"]
    shown += f"{settings!r} {resource!r} {resource.model_dump()} {schema.config_schema.default_value}"
    shown += repr(vars(resource.open())) + repr(redshift_place.warehouse._url) + caplog.text
    assert url_of(redshift_place).host in shown
    assert PASSWORD not in shown


def test_user_and_password_come_from_a_secret(redshift_place: Redshift, standin: Standin) -> None:
    secrets = boto3.client("secretsmanager")
    content = {"username": USER, "password": PASSWORD}
    arn = secrets.create_secret(Name="warehouse", SecretString=json.dumps(content))["ARN"]
    full = url_of(redshift_place)
    query = {"ssl": "false", "secret": arn}
    url = URL.create(full.drivername, host=full.host, port=full.port, database=full.database, query=query)
    with warehouse_at(url, standin).transaction("looking") as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == USER
    secrets.put_secret_value(SecretId=arn, SecretString=f"not JSON but {PASSWORD}")
    with (
        pytest.raises(WarehouseError, match="not a JSON object with `username`") as raised,
        warehouse_at(url, standin).transaction("looking"),
    ):
        pass
    assert PASSWORD not in "".join(format_exception(raised.value))
    gone = url.update_query_dict({"secret": arn.replace("warehouse", "gone")})
    with (
        pytest.raises(WarehouseError, match="cannot be read: .*ResourceNotFound"),
        warehouse_at(gone, standin).transaction("looking"),
    ):
        pass


def test_the_query_of_a_url_is_the_drivers(standin: Standin) -> None:
    url = RedshiftUrl(
        make_url(
            f"{BEGIN}me@/dev?iam=true&cluster_identifier=c1&region=us-east-1&is_serverless=false"
            "&serverless_acct_id=123456789012"
        )
    )
    assert url.options == {
        "iam": True,
        "cluster_identifier": "c1",
        "region": "us-east-1",
        "is_serverless": False,
        "serverless_acct_id": "123456789012",
    }
    assert str(url) == "Redshift c1/dev"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"{BEGIN}h/dev?secret_access_key=x", "AWS's own settings"),
        (f"{BEGIN}h/dev?statement_timeout=1h", "takes whole seconds"),
        ("redshift+psycopg2://h/dev", r"redshift\+redshift_connector://"),
    ],
)
def test_a_url_that_cannot_be_meant_is_told(standin: Standin, url: str, said: str) -> None:
    with pytest.raises(WarehouseError, match=said):
        warehouse_at(url, standin)


def test_a_role_that_is_none_is_told(standin: Standin) -> None:
    with pytest.raises(WarehouseError, match="MUSIC_ASSETS_REDSHIFT_IAM_ROLE is 'admin'"):
        warehouse_at(f"{BEGIN}h/dev", standin, iam_role="admin")


def test_others_than_loopback_are_not_local(standin: Standin) -> None:
    assert not warehouse_at(f"{BEGIN}h.example.com/dev", standin).is_local
    assert not warehouse_at(f"{BEGIN}/dev?iam=true&cluster_identifier=c", standin).is_local
    assert warehouse_at(f"{BEGIN}localhost/dev", standin).is_local


def test_a_url_without_password_is_left_alone() -> None:
    assert without_password(f"{BEGIN}me@h/dev?iam=true") == f"{BEGIN}me@h/dev?iam=true"
    assert without_password("no url") == "no url"


def test_readers_may_read_what_is_published_and_nothing_else(
    own_redshift_place: Redshift, standin: Standin
) -> None:
    reader = url_of(own_redshift_place).set(username="reader", password="reads-1")
    standin.as_postgres("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reads-1';")
    first = own_redshift_place.warehouse.grant("music_readers")
    assert "CREATE ROLE music_readers" in first
    assert own_redshift_place.warehouse.grant("music_readers") == first[1:]  # again, it is only not made anew
    standin.as_postgres("GRANT music_readers TO reader;")
    engine = create_engine(reader.set(query={}), connect_args={"ssl": False}, poolclass=NullPool)
    with engine.connect() as connection:
        for name in PUBLISHED:
            assert connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() == 0
    for refused in ("SELECT * FROM staging.msd_songs", "SELECT * FROM meta.loads", "DELETE FROM msd.songs"):
        with engine.connect() as connection, pytest.raises(Exception, match="permission denied"):
            connection.execute(text(refused))
    with own_redshift_place.warehouse.transaction("a table more") as connection:
        connection.execute(text("CREATE TABLE analytics.later (n INTEGER)"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM analytics.later")).scalar_one() == 0
    standin.as_postgres("REVOKE music_readers FROM reader;")


@pytest.fixture
def users(own_redshift_place: Redshift, standin: Standin) -> Iterator[dict[str, Engine]]:
    """The loader, the daemon and a reader of a warehouse, each by their own name, after `grant`."""
    names = ("music_loader", "music_daemon", "a reader")
    standin.as_postgres("CREATE ROLE \"a reader\" LOGIN PASSWORD 'pw-of-a reader';")
    loader, daemon = (User(name, f"pw-of-{name}") for name in names[:2])
    for again in range(2):
        done = own_redshift_place.warehouse.grant("music_people", loader, daemon)
        assert ("CREATE ROLE music_people" in done) is (again == 0)
        assert not any("pw-of" in one or "md5" in one for one in done)
    standin.as_postgres('GRANT music_people TO "a reader";')
    yield {
        name: create_engine(
            url_of(own_redshift_place).set(username=name, password=f"pw-of-{name}", query={}),
            connect_args={"ssl": False},
            poolclass=NullPool,
        )
        for name in names
    }
    database = make_url(url_of(own_redshift_place)).database
    owned = "".join(
        f'DROP OWNED BY "{name}" CASCADE; DROP ROLE "{name}";' for name in (*names, "music_people")
    )
    standin.as_postgres(f"\\c {database}\n{owned}")


def as_user(place: Redshift, standin: Standin, name: str) -> Redshift:
    url = url_of(place).set(username=name, password=f"pw-of-{name}")
    return Place(warehouse_at(url, standin), place.staging)


def test_the_loader_does_all_that_a_run_does(
    own_redshift_place: Redshift, standin: Standin, users: dict[str, Engine]
) -> None:
    place = as_user(own_redshift_place, standin, "music_loader")
    with place.warehouse.transaction("an older warehouse") as connection:
        connection.exec_driver_sql("ALTER TABLE staging.msd_songs DROP COLUMN genre")
        connection.exec_driver_sql("DROP TABLE staging.spotify_tracks_refresh")
    place.load(place.stage(KIND, "AA", [vote("a")]))
    for table in PUBLISHED.values():
        place.warehouse.update(table)
    # What it makes later is the readers' as well.
    with place.warehouse.transaction("dropping") as connection:
        connection.exec_driver_sql("DROP TABLE mapped.artists")
    place.warehouse.fill(PUBLISHED["mapped.artists"], query("mapped.artists"))
    with users["a reader"].connect() as connection:
        assert connection.execute(text("SELECT artist_id FROM mapped.artists")).scalar_one() == "a"


TEMPORARY = "CREATE TEMP TABLE mine (artist_id VARCHAR(18))"
REFUSED = [
    ("music_loader", "CREATE USER other PASSWORD DISABLE"),
    ("music_loader", "CREATE ROLE other"),
    ("music_loader", "ALTER USER music_daemon CREATEROLE"),
    ("music_daemon", "SELECT * FROM staging.artist_votes"),
    ("music_daemon", "SELECT * FROM analytics.songs"),
    ("music_daemon", "SELECT * FROM meta.writers"),
    ("music_daemon", "DELETE FROM meta.loads"),
    ("music_daemon", "CREATE TABLE meta.mine (n INTEGER)"),
    ("a reader", "SELECT * FROM staging.artist_votes"),
    ("a reader", "SELECT * FROM meta.loads"),
    ("a reader", "INSERT INTO analytics.songs (track_id) VALUES ('x')"),
    ("a reader", "UPDATE msd.songs SET title = 'x'"),
    ("a reader", "DROP TABLE msd.songs"),
    ("a reader", "CREATE TABLE analytics.mine (n INTEGER)"),
    ("a reader", "CREATE TABLE public.mine (n INTEGER)"),
    ("a reader", "CREATE SCHEMA mine"),
]


def test_nobody_does_more_than_their_part(
    own_redshift_place: Redshift, standin: Standin, users: dict[str, Engine]
) -> None:
    for name, statement in REFUSED:
        refused = statement.replace("PASSWORD DISABLE", "PASSWORD 'x'")
        with (
            users[name].connect() as connection,
            pytest.raises(DBAPIError, match=r"permission denied|must be"),
        ):
            connection.exec_driver_sql(refused)
    # COPY reads whatever is staged: also into a table of one's own it is the loader's alone.
    staged = own_redshift_place.stage(KIND, "AA", [vote("a")])
    copy = f"COPY mine (artist_id) FROM '{staged.url}' IAM_ROLE default FORMAT JSON 'auto' GZIP"
    for name in ("a reader", "music_daemon"):
        with users[name].connect() as connection, pytest.raises(DBAPIError, match="permission denied"):
            connection.exec_driver_sql(TEMPORARY)
            connection.exec_driver_sql(copy)


def test_the_daemon_sees_what_is_loaded_even_of_an_older_warehouse(
    own_redshift_place: Redshift, standin: Standin, users: dict[str, Engine]
) -> None:
    own_redshift_place.load(own_redshift_place.stage(KIND, "AA", [vote("a")]))
    with own_redshift_place.warehouse.transaction("an older warehouse") as connection:
        connection.exec_driver_sql("ALTER TABLE staging.msd_songs DROP COLUMN genre")
    daemon = as_user(own_redshift_place, standin, "music_daemon").warehouse
    assert set(Loads.read(daemon).checksums) == {(KIND, "AA")}


def test_every_statement_is_redshifts_by_a_second_reader(
    standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is sent, from creating the tables to purging: of the main job, see `test_redshift_job`."""
    before, url = len(standin.statements), standin.new_database()
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", url)
    staging = f"s3://{standin.bucket}/all"
    settings = Settings.from_environment(data=str(tmp_path), staging=staging, s3_endpoint=standin.s3_endpoint)
    warehouse = warehouse_at(url, standin)
    place = Place(warehouse, OnS3(standin, staging))
    staged = {**STAGED, **STAGED_BY_DAY}
    for id_ in ("k", "l"):  # tables are filled as a whole, then by what has changed
        for kind, table in staged.items():
            key = dict.fromkeys(key_columns(table), id_)
            key |= {"fetched_at": "2026-11-23T07:00:00"} if "fetched_at" in table.c else {}
            place.load(place.stage(kind, "AA", [row(kind, **key)]))
        for table in PUBLISHED.values():
            warehouse.update(table)
    assert place.rows(LOADS, "rows") == [(1,)] * len(staged)
    # Migrations: a new column, changed comments, days that are moved.
    with warehouse.transaction("changing") as connection:
        connection.exec_driver_sql("ALTER TABLE staging.msd_songs DROP COLUMN genre")
        connection.exec_driver_sql("DROP TABLE staging.spotify_tracks_refresh")
    with warehouse.transaction("looking") as connection:
        # Checks, and what a refresh chooses.
        for table in PUBLISHED.values():
            for rule in blocking_rules(table):
                assert connection.execute(rule.broken).scalar_one() >= 0
            for warned in warnings(table, 30):
                assert warned.find(connection).message
        for chosen in (stale_tracks, stale_artists, artists_to_list):
            connection.execute(chosen(datetime(2026, 11, 23, tzinfo=UTC), 5))
    used = {name: resources(settings)[name] for name in ("ledger", "report_page", "warehouse")}
    assert materialize([report], resources=used, selection=[report]).success
    lookup(["TRAAAAW128F429D538", "SOMZWCG12A8C13C480"], warehouse=url, columns=["title"])
    with pytest.raises(LookupFailed, match="no track"):
        trace_row("TRAAZZZ128F429D538", url, StagingStore(str(tmp_path)), None, None)
    warehouse.grant("music_readers")
    warehouse.grant("music_readers", User("some_loader", "x"), User("some_daemon", "y"))
    for moment in (datetime(2026, 11, 23, tzinfo=UTC), None):
        list(Purge(settings, moment, keep_ids=moment is not None).run())
    sent = standin.statements[before:]
    assert len(set(sent)) > 500
    assert_redshifts(sent)


def test_the_three_questions_of_the_guide_are_answered(
    redshift_place: Redshift, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `music-assets query` too, which lists tables and columns with their comments."""
    song = row("msd_songs", track_id="TRAAGDA2227D2C19FC", title="Anna", artist_id="AR1", year=1999)
    redshift_place.load(redshift_place.stage("msd_songs", "AA", [song]))
    for name in ("msd.songs", "analytics.songs"):
        redshift_place.warehouse.fill(PUBLISHED[name], query(name))
    url = url_of(redshift_place).render_as_string(hide_password=False)
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", url)
    guide = (Path(__file__).parents[2] / "docs" / "aws.md").read_text()
    (block,) = re.findall(r"```sql\n(.*?)```", guide, re.S)
    questions = [one for one in block.split(";") if one.strip()]
    assert len(questions) == 3
    assert_redshifts(one.strip() for one in questions)

    def answered(sql: str) -> Any:
        result = CliRunner().invoke(cli, ["query", "--json"], input=sql)
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    counted, _, decades = map(answered, questions)
    assert counted[0]["songs"] == 1 and decades[0]["decade"] == 1990
    assert {"table", "comment"} <= answered("SHOW TABLES")[0].keys()
    described = {one["column"]: one["comment"] for one in answered("DESCRIBE analytics.songs")}
    assert set(described) == set(PUBLISHED["analytics.songs"].c.keys()) and all(described.values())
    CliRunner().invoke(cli, ["query", "DELETE FROM analytics.songs"])
    assert answered("SELECT count(*) AS n FROM analytics.songs") == [{"n": 1}]  # nothing is committed
    assert CliRunner().invoke(cli, ["query", "SELECT nonsense FROM analytics.songs"]).exit_code == 2


def test_a_warning_that_cannot_be_computed_blocks_nothing(
    redshift_place: Redshift, standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = url_of(redshift_place)
    monkeypatch.setenv("MUSIC_ASSETS_WAREHOUSE", url.render_as_string(hide_password=False))
    resource = WarehouseResource(url=without_password(str(url)), published="/nowhere")
    standin.faults.conflict("substring", message="Specified types or functions not supported")
    with DagsterInstance.ephemeral() as instance:
        context = build_asset_check_context(instance=instance)
        check: Any = table_checks(PUBLISHED["analytics.songs"], retention_days=180)
        results = {one.check_name: one for one in check(context, warehouse=resource)}
    failed = [name for name, one in results.items() if not one.passed]
    assert failed == ["match_rates_are_alike"]
    assert "not supported" in str(results["match_rates_are_alike"].description)
    assert len(results) >= 5


def test_ids_are_looked_up_as_in_the_published_copy(redshift_place: Redshift) -> None:
    track = "TRAAAAW128F429D538"
    song = row("msd_songs", track_id=track, title="Anna 100%", artist_id="ARD7TVE1187B99BFB1", year=1999)
    redshift_place.load(redshift_place.stage("msd_songs", "AA", [song]))
    for name in ("msd.songs", "analytics.songs"):
        redshift_place.warehouse.fill(PUBLISHED[name], query(name))
    url = url_of(redshift_place).render_as_string(hide_password=False)
    found = lookup([track, "TRZZZZZ128F429D538"], warehouse=url, columns=["title", "year", "match_reasons"])
    assert list(found.found) == [True, False]
    assert (found.title[0], found.year[0], found.match_reasons[0]) == ("Anna 100%", 1999, None)
