"""`freshet doctor` on healthy and on ill servers: each check where it finds nothing and where it
finds something. Tables are in test_doctor_tables.py, the network in test_doctor_network.py."""

import json
import subprocess
import threading

import pytest

from harness import doctor
from harness.waiting import until

TABLES = """
    CREATE TABLE orders (id int PRIMARY KEY, total numeric(10, 2));
    INSERT INTO orders SELECT i, i FROM generate_series(1, 1000) i;
    CREATE ROLE cdc LOGIN REPLICATION;
"""


@pytest.fixture(scope="module")
def healthy(module_servers):
    server = module_servers.postgres(max_prepared_transactions=2)
    server.create_database("shop")
    server.execute(TABLES, "shop")
    return server


@pytest.fixture(scope="module")
def healthy_diagnosis(healthy):
    return doctor.examine(healthy.url("shop"))


@pytest.fixture(scope="module")
def ill(module_servers):
    """A server whose settings are in the way, or cost something."""
    server = module_servers.postgres(
        wal_level="replica", max_replication_slots=1, max_wal_senders=1, max_connections=6,
        synchronous_standby_names="*", synchronous_commit="off", logical_decoding_work_mem="64kB",
        old_snapshot_threshold="10min", wal_writer_delay="300ms")
    server.execute(TABLES + "SELECT pg_create_physical_replication_slot('standby', true)")
    return server


@pytest.fixture(scope="module")
def ill_diagnosis(ill):
    return doctor.examine(ill.url())


# What it prints, and its exit code.


def test_a_healthy_source_passes_with_exit_code_0(healthy_diagnosis):
    assert healthy_diagnosis.exit_code == 0, healthy_diagnosis.report
    assert healthy_diagnosis.report["severity"] == "info"
    assert healthy_diagnosis.report["source_name"] == "shop"
    assert healthy_diagnosis.report["provider"] == "self_managed"
    numbers = {finding["number"] for finding in healthy_diagnosis.report["findings"]}
    assert numbers == set(range(41))  # 0 is the connection itself


def test_text_for_people_names_the_worst_first(ill):
    done = doctor.run(ill.url())
    assert done.returncode == 2
    labels = [line.split()[0] for line in done.stdout.splitlines()
              if line.startswith("  ") and line[2] != " "]
    ranks = [["blocking", "warning", "info", "fine"].index(label) for label in labels]
    assert ranks == sorted(ranks) and {0, 1, 2, 3} == set(ranks)
    assert "ALTER SYSTEM SET wal_level = 'logical';" in done.stdout
    assert "\x1b[" not in done.stdout  # not a terminal
    assert f"{ranks.count(0)} blocking" in done.stdout.splitlines()[-1]


def test_warnings_alone_give_exit_code_1(healthy):
    healthy.execute("CREATE TABLE nameless (v int)", "shop")
    try:
        assert doctor.run(healthy.url("shop")).returncode == 1
        assert doctor.run(healthy.url("shop"), "--tables", "!nameless").returncode == 0
    finally:
        healthy.execute("DROP TABLE nameless", "shop")


@pytest.mark.parametrize("environment, coloured", [({}, True), ({"NO_COLOR": "1"}, False),
                                                   ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_only(healthy, environment, coloured):
    command = f"exec {doctor.BINARY} doctor {healthy.url('shop')}"
    done = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "TERM": "xterm", **environment}, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stdout
    assert ("\x1b[" in done.stdout) == coloured


def test_an_unreachable_source_blocks(healthy):
    nobody = doctor.examine("postgresql://app@127.0.0.1:1/shop")
    assert nobody.exit_code == 2
    nobody.fires("connection", "blocking", "127.0.0.1", "listen_addresses")
    stranger = doctor.examine(healthy.url("nowhere"))
    stranger.fires("connection", "blocking", 'database "nowhere" does not exist')


def test_bad_usage_is_an_error(healthy):
    for arguments in (["no url"], [healthy.url(), "--tables", "a.b.c.d"],
                      [healthy.url(), "--source-name", "No Name"]):
        done = doctor.run(*arguments)
        assert done.returncode == 2 and done.stderr.startswith("freshet: "), done
    helped = subprocess.run([doctor.BINARY, "doctor", "--help"], capture_output=True, text=True,
                            check=True)
    assert "Examples:" in helped.stdout and "Exit code: 0" in helped.stdout


def test_it_changes_nothing(healthy, healthy_diagnosis):
    assert healthy.execute("SELECT slot_name FROM pg_replication_slots") == []
    assert healthy.execute("SELECT pubname FROM pg_publication", "shop") == []


# Each check on the healthy server, and on the ill one.


@pytest.mark.parametrize("check", [
    "version", "provider", "wal_level", "slots", "senders", "role", "replication_connection",
    "same_server", "slot_name", "slot_state", "open_transactions", "pooler", "publishing_rights",
    "tables", "identity", "broken_writes", "row_security", "publications", "publication_age",
    "restrictions", "column_types", "large_values", "partitions", "wal_limits", "other_slots",
    "session_settings", "decode_memory", "synchronous_standbys", "catalog_churn", "minor_version",
    "failover", "standby", "copy_estimate", "connections", "schema_changes", "encryption", "clock",
    "read_only", "synchronous_commit", "other_tools"])
def test_rests_on_a_healthy_server(healthy_diagnosis, check):
    healthy_diagnosis.rests(check)


@pytest.mark.parametrize("check, severity, words", [
    ("wal_level", "blocking", ["wal_level is replica", "ALTER SYSTEM SET wal_level = 'logical'"]),
    ("slots", "blocking", ["all 1 replication slots", "standby", "max_replication_slots = '5'"]),
    ("senders", "blocking", ["0 of 1 WAL senders", "max_wal_senders = '4'"]),
    ("session_settings", "warning", ["old_snapshot_threshold is 10 min"]),
    ("decode_memory", "warning", ["logical_decoding_work_mem is 64 kB", "ALTER ROLE"]),
    ("synchronous_standbys", "warning", ["synchronous_standby_names = '*'", "hang"]),
    ("synchronous_commit", "warning", ["off for everybody", "up to 900 ms late",
                                       "wal_writer_delay"]),
    ("connections", "warning", ["connections are free, and 5 are needed", "--copy-workers"]),
])
def test_fires_on_an_ill_server(ill_diagnosis, check, severity, words):
    ill_diagnosis.fires(check, severity, *words)


def test_the_estimate_counts_tables_and_rows(healthy):
    healthy.execute("ANALYZE orders", "shop")
    found = doctor.examine(healthy.url("shop"), "--tables", "orders")
    found.fires("copy_estimate", "info", "1 tables, about 1000 rows", "/s: copying takes at least")


def test_text_of_no_known_encoding(healthy):
    healthy.execute("CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C'"
                    " LC_CTYPE 'C'")
    doctor.examine(healthy.url("bytes")).fires("version", "warning", "SQL_ASCII", "UTF-8")


# Who may what.


def test_a_role_that_may_not_replicate(healthy):
    healthy.execute("CREATE ROLE plain LOGIN; GRANT SELECT ON orders TO plain", "shop")
    found = doctor.examine(healthy.url("shop", user="plain"))
    found.fires("role", "blocking", 'ALTER ROLE "plain" REPLICATION;')
    found.rests("replication_connection")  # said once is enough
    found.rests("senders")
    assert found.exit_code == 2


def test_a_role_of_few_connections(healthy):
    healthy.execute("CREATE ROLE narrow LOGIN REPLICATION CONNECTION LIMIT 3;"
                    "GRANT SELECT ON orders TO narrow", "shop")
    doctor.examine(healthy.url("shop", user="narrow")).fires(
        "connections", "warning", "the role narrow may have 3", 'ALTER ROLE "narrow" CONNECTION')


def test_only_an_owner_may_publish(healthy):
    healthy.execute("CREATE ROLE app; ALTER TABLE orders OWNER TO app; GRANT SELECT ON orders TO cdc",
                    "shop")
    cdc = healthy.url("shop", user="cdc")
    found = doctor.examine(cdc)
    found.fires("publishing_rights", "blocking", "may not create publications in database shop",
                "and does not own tables that have to be published: public.orders",
                'GRANT CREATE ON DATABASE "shop" TO "cdc";\nGRANT app TO "cdc";',
                'CREATE PUBLICATION "freshet_shop" FOR TABLE ONLY "public"."orders" WITH')
    grants, script = found.of("publishing_rights")[0]["fix"].split("Or let an owner of the tables run:")
    # Either is all there is to do.
    healthy.execute(script, "shop")
    found = doctor.examine(cdc)
    found.rests("publishing_rights")
    found.fires("publications", "fine", "freshet_shop")
    healthy.execute("DROP PUBLICATION freshet_shop; DROP PUBLICATION freshet_shop_inserts;" + grants,
                    "shop")
    doctor.examine(cdc).rests("publishing_rights")
    # Publications of somebody else that would have to be altered.
    healthy.execute("REVOKE app FROM cdc; CREATE PUBLICATION freshet_shop", "shop")
    doctor.examine(cdc).fires("publishing_rights", "blocking", "does not own the publications")
    healthy.execute("DROP PUBLICATION freshet_shop; ALTER TABLE orders OWNER TO postgres", "shop")


def test_a_role_that_only_reads_by_default(healthy):
    healthy.execute("CREATE ROLE careful LOGIN SUPERUSER; ALTER ROLE careful SET"
                    " default_transaction_read_only = on")
    doctor.examine(healthy.url("shop", user="careful")).fires(
        "read_only", "warning", "read-only by default",
        'ALTER ROLE "careful" SET default_transaction_read_only = off;')


def test_a_role_whose_commits_are_not_flushed(healthy):
    healthy.execute("CREATE ROLE hasty LOGIN; ALTER ROLE hasty IN DATABASE shop SET"
                    " synchronous_commit = off")
    try:
        doctor.examine(healthy.url("shop")).fires(
            "synchronous_commit", "warning", "off for role hasty in database shop", "600 ms")
        doctor.examine(healthy.url()).rests("synchronous_commit")  # another database
    finally:
        healthy.execute("ALTER ROLE hasty IN DATABASE shop RESET ALL")


def test_event_triggers_are_named(healthy):
    healthy.execute("CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
                    "CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION seen()",
                    "shop")
    try:
        doctor.examine(healthy.url("shop")).fires("schema_changes", "info", "watcher")
    finally:
        healthy.execute("DROP EVENT TRIGGER watcher", "shop")


# Providers, told by what only their servers have.


PROVIDERS = {
    "rds": ({"rds.extensions": "x"}, "In the instance's parameter group: rds.logical_replication"),
    "aurora": ({"rds.logical_replication": "0"}, "In the cluster's parameter group"),
    "cloud_sql": ({"cloudsql.logical_decoding": "off"},
                  "--database-flags=cloudsql.logical_decoding=on"),
    "azure": ({"azure.extensions": "x"}, "az postgres flexible-server parameter set"),
    "supabase": ({"supautils.privileged_extensions": "x"}, "restart the project"),
    "neon": ({"neon.endpoint_id": "ep-cool-1"}, "Logical Replication, Enable"),
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_fixes_are_the_providers(servers, provider):
    settings, fix = PROVIDERS[provider]
    server = servers.postgres(wal_level="replica", **settings)
    server.execute("CREATE TABLE t (id int PRIMARY KEY); CREATE ROLE rds_replication")
    if provider == "aurora":
        server.execute("CREATE FUNCTION pg_catalog.aurora_version() RETURNS text LANGUAGE sql"
                       " AS $$SELECT '15.4.1'$$")
    found = doctor.examine(server.url())
    assert found.report["provider"] == provider
    found.fires("wal_level", "blocking", fix)


def test_membership_in_the_providers_role_is_enough(healthy):
    healthy.execute("CREATE ROLE rds_replication; CREATE ROLE member LOGIN; GRANT rds_replication TO"
                    " member")
    try:
        doctor.examine(healthy.url("shop", user="member")).rests("role")
    finally:
        healthy.execute("DROP ROLE member; DROP ROLE rds_replication")


# Our slot, other slots, and what holds them up.


def test_a_slot_of_our_name_that_is_not_ours(healthy):
    healthy.execute("SELECT pg_create_logical_replication_slot('freshet_shop', 'test_decoding')",
                    "shop")
    try:
        found = doctor.examine(healthy.url("shop"))
        found.fires("slot_name", "blocking", "test_decoding in database shop",
                    "pg_drop_replication_slot('freshet_shop')")
        doctor.examine(healthy.url("shop"), "--source-name", "other").rests("slot_name")
    finally:
        healthy.execute("SELECT pg_drop_replication_slot('freshet_shop')")


def test_a_slot_of_ours_without_its_publications(healthy):
    healthy.execute("SELECT pg_create_logical_replication_slot('freshet_shop', 'pgoutput')", "shop")
    try:
        found = doctor.examine(healthy.url("shop"))
        found.fires("slot_name", "info", "a Freshet follows this source, or did")
        found.rests("slot_state")
        found.fires("publication_age", "warning", "not both publications", "42704")
        # Made now, they are younger than the slot's position.
        healthy.execute("CREATE PUBLICATION freshet_shop; CREATE PUBLICATION freshet_shop_inserts",
                        "shop")
        doctor.examine(healthy.url("shop")).fires("publication_age", "warning", "made or altered")
    finally:
        healthy.execute("DROP PUBLICATION freshet_shop; DROP PUBLICATION freshet_shop_inserts;"
                        "SELECT pg_drop_replication_slot('freshet_shop')", "shop")


def test_decoding_that_spilled(servers):
    server = servers.postgres(logical_decoding_work_mem="64kB")
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text);"
                   "COMMIT; SELECT pg_create_logical_replication_slot('freshet_main', 'test_decoding');"
                   "COMMIT; INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i;"
                   "COMMIT; SELECT count(*) FROM pg_logical_slot_get_changes('freshet_main', NULL, NULL)")
    until("the spill is counted", lambda: server.value(
        "SELECT spill_txns FROM pg_stat_replication_slots WHERE slot_name = 'freshet_main'") > 0)
    doctor.examine(server.url(), "--source-name", "main").fires(
        "decode_memory", "warning", "spilled 1 transactions", "logical_decoding_work_mem = '256MB'")


def test_slots_that_lose_and_hold_wal(servers):
    server = servers.postgres(max_wal_size="32MB", min_wal_size="32MB",
                              max_slot_wal_keep_size="48MB")
    server.execute("CREATE TABLE t (id int PRIMARY KEY); COMMIT;"
                   "SELECT pg_create_logical_replication_slot('freshet_main', 'pgoutput');"
                   "SELECT pg_create_physical_replication_slot('forgotten', true)")

    def write(segments: int) -> None:
        for _ in range(segments):
            server.execute("SELECT pg_switch_wal(); INSERT INTO t SELECT max(id) + 1 FROM t")

    server.execute("INSERT INTO t VALUES (1)")
    write(3)
    found = doctor.examine(server.url(), "--source-name", "main")
    found.rests("slot_state")
    found.fires("other_slots", "warning", "slot forgotten holds 4", "more than max_wal_size",
                "pg_drop_replication_slot('forgotten')")
    write(3)
    server.execute("CHECKPOINT")
    found = doctor.examine(server.url(), "--source-name", "main")
    found.fires("slot_state", "blocking", "has lost changes", "drop-source")
    found.fires("other_slots", "warning", "slot forgotten is lost")


def test_a_limit_that_the_rate_of_writing_makes_short(servers):
    server = servers.postgres(max_slot_wal_keep_size="64MB")
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1)")
    doctor.examine(server.url()).fires("wal_limits", "fine", "max_slot_wal_keep_size is 64 MB")
    with busy(server, "UPDATE t SET v = (SELECT string_agg(md5(i::text), '') FROM"
                      " generate_series(1, 1000) i)"):
        doctor.examine(server.url()).fires(
            "wal_limits", "warning", "max_slot_wal_keep_size is 64 MB", "its slot is lost",
            "max_slot_wal_keep_size = '")


def test_temporary_tables_all_the_time(servers):
    server = servers.postgres()
    server.execute("CREATE TABLE t (id int PRIMARY KEY)")
    with busy(server, "CREATE TEMP TABLE passing (a int, b int, c text) ON COMMIT DROP"):
        doctor.examine(server.url()).fires("catalog_churn", "warning", "written to the catalog")


class busy:
    """Runs a statement over and over, each time in a transaction, while the block runs."""

    def __init__(self, server, statement: str):
        self._server, self._statement = server, statement
        self._end = threading.Event()
        self._runs = 0
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with self._server.connect() as connection:
            while not self._end.is_set():
                connection.execute(self._statement)
                self._runs += 1

    def __enter__(self):
        self._thread.start()
        until("the statement runs", lambda: self._runs > 0)

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


def test_transactions_that_hold_up_a_slot(healthy):
    healthy.execute("CREATE ROLE blind LOGIN REPLICATION; GRANT SELECT ON orders TO blind", "shop")
    with healthy.connect("shop", autocommit=False, application_name="forgotten") as writer, \
            healthy.connect("shop", autocommit=False) as preparing:
        writer.execute("INSERT INTO orders VALUES (5000, 1)")
        preparing.execute("INSERT INTO orders VALUES (5001, 1)")
        preparing.execute("PREPARE TRANSACTION 'left behind'")
        doctor.examine(healthy.url("shop")).rests("open_transactions")
        # Not everybody may see how old others' transactions are.
        doctor.examine(healthy.url("shop", user="blind")).fires(
            "open_transactions", "info", "1 other transactions", "GRANT pg_read_all_stats")
        until("both are older than 30 s", lambda: healthy.value(
            "SELECT min(t) < now() - interval '31 s' FROM (SELECT prepared AS t FROM"
            " pg_prepared_xacts UNION ALL SELECT xact_start FROM pg_stat_activity WHERE"
            " application_name = 'forgotten') x"), seconds=60, every=0.5)
        found = doctor.examine(healthy.url("shop"))
        found.fires("open_transactions", "warning", "forgotten", "pg_terminate_backend",
                    "prepared transaction left behind", "ROLLBACK PREPARED 'left behind';")
        assert len(found.of("open_transactions")) == 2
        healthy.execute("ROLLBACK PREPARED 'left behind'", "shop")
        writer.rollback()


# Other tools.


def test_a_source_of_aws_dms_needs_no_change(servers):
    server = servers.postgres(shared_preload_libraries="pglogical", max_worker_processes=16)
    server.execute("CREATE TABLE orders (id int PRIMARY KEY); CREATE EXTENSION pglogical;"
                   "SELECT pglogical.create_node('provider', 'dbname=postgres'); COMMIT;"
                   "SELECT pg_create_logical_replication_slot('dms_task', 'pglogical_output'); COMMIT;"
                   "CREATE TABLE awsdms_ddl_audit (c_key bigserial PRIMARY KEY)")
    found = doctor.examine(server.url(), "--tables", "public.*")
    found.fires("other_tools", "info", "nothing has to change for Freshet", "pglogical is installed",
                "DDL trigger", "dms_task", "SELECT pg_drop_replication_slot('dms_task');")
    assert found.exit_code == 0, json.dumps(found.report, indent=1)
