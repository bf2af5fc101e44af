"""What `freshet doctor` says about tables and publications: each check where it fires."""

import psycopg
import pytest

from harness import doctor


@pytest.fixture(scope="module")
def server(module_servers):
    return module_servers.postgres()


@pytest.fixture
def shop(server):
    """An empty database of the test's own: its URL."""
    server.create_database("shop")
    yield server.url("shop")
    server.execute("DROP DATABASE shop WITH (FORCE)")


@pytest.fixture(scope="module")
def run(server):
    def execute(sql: str) -> None:
        server.execute(sql, "shop")
    return execute


# Check 14: which tables there are.


def test_nothing_to_mirror(shop):
    doctor.examine(shop).fires("tables", "blocking", "no table matches")


def test_tables_that_are_named_and_cannot_be_mirrored(shop, run):
    run("CREATE TABLE good (id int PRIMARY KEY); CREATE VIEW seen AS SELECT * FROM good;"
        "CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (9);"
        "CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY); CREATE SEQUENCE numbers")
    options = [option for name in ("good", "seen", "leaf", "fleeting", "numbers", "absent")
               for option in ("--tables", name)]
    found = doctor.examine(shop, *options)
    found.fires("tables", "blocking", "public.seen cannot be mirrored: it is a view",
                "a partition: name its root, public.root", "public.numbers cannot be mirrored: it is "
                "a sequence", "there is no table public.absent", "SET LOGGED",
                "1 tables match and can be mirrored")
    tables = {finding["table"] for finding in found.of("tables") if finding["severity"] != "fine"}
    assert tables == {f"public.{name}" for name in ("seen", "leaf", "fleeting", "numbers", "absent")}


def test_tables_that_may_not_be_read(shop, run, server):
    run("CREATE SCHEMA hidden; CREATE TABLE hidden.t (id int PRIMARY KEY);"
        "CREATE TABLE closed (id int PRIMARY KEY); CREATE TABLE half (id int PRIMARY KEY, secret int);"
        "CREATE ROLE reader LOGIN REPLICATION; GRANT SELECT (id) ON half TO reader")
    found = doctor.examine(server.url("shop", user="reader"))
    found.fires("tables", "blocking", "may not read hidden.t",
                'GRANT USAGE ON SCHEMA hidden TO "reader";', "may not read public.closed",
                'GRANT SELECT ON "public"."half" TO "reader";', "Columns: secret.")
    for finding in found.of("tables"):
        if finding["severity"] == "blocking":
            run(finding["fix"])
    doctor.examine(server.url("shop", user="reader")).rests("tables")
    run("DROP OWNED BY reader; DROP ROLE reader")


# Check 15: how rows are named. The fix is run, and then the check is content.


def test_tables_whose_rows_have_no_name(shop, run):
    run("CREATE TABLE plain (id int); CREATE TABLE late (id int PRIMARY KEY DEFERRABLE);"
        "CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;"
        "CREATE TABLE lost (id int NOT NULL); CREATE UNIQUE INDEX lost_id ON lost (id);"
        "ALTER TABLE lost REPLICA IDENTITY USING INDEX lost_id; DROP INDEX lost_id;"
        "CREATE TABLE nearly (id int NOT NULL UNIQUE, v int UNIQUE);"
        "CREATE TABLE good (id int PRIMARY KEY)")
    found = doctor.examine(shop)
    reasons = {finding["table"]: finding for finding in found.of("identity")
               if finding["severity"] == "warning"}
    assert reasons.keys() == {f"public.{name}" for name in
                              ("plain", "late", "nothing", "lost", "nearly")}
    for table, reason, fix in [
            ("plain", "no primary key", "REPLICA IDENTITY FULL"),
            ("late", "DEFERRABLE", "REPLICA IDENTITY FULL"),
            ("nothing", "NOTHING", "REPLICA IDENTITY DEFAULT;"),
            ("lost", "identity index is gone", "REPLICA IDENTITY FULL"),
            ("nearly", "no primary key", "REPLICA IDENTITY USING INDEX nearly_id_key;")]:
        finding = reasons[f"public.{table}"]
        assert reason in finding["message"] and fix in finding["fix"], finding
    run(reasons["public.nearly"]["fix"])
    run(reasons["public.nothing"]["fix"])
    for table in ("plain", "late", "lost"):
        run(reasons[f"public.{table}"]["fix"].rsplit("WAL: ", 1)[1])
    doctor.examine(shop).rests("identity")


# Check 16: publications that make the application's writes fail. PostgreSQL itself is asked too.


BROKEN = {
    "no usable replica identity": (
        "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE PUBLICATION p FOR TABLE t;"
        "ALTER TABLE t DROP CONSTRAINT t_pkey"),
    "replica identity is NOTHING": (
        "CREATE TABLE t (id int PRIMARY KEY, v int); ALTER TABLE t REPLICA IDENTITY NOTHING;"
        "CREATE PUBLICATION p FOR ALL TABLES"),
    "the column list leaves out": (
        "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE PUBLICATION p FOR TABLE t (v)"),
    "the row filter uses columns": (
        "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE PUBLICATION p FOR TABLE t WHERE (v > 1)"),
}


@pytest.mark.parametrize("reason", BROKEN)
@pytest.mark.parametrize("ours", [True, False])
def test_a_publication_that_breaks_writes(shop, run, reason, ours):
    name = "freshet_shop" if ours else "somebodys"
    run(BROKEN[reason].replace("PUBLICATION p ", f"PUBLICATION {name} ")
        + ";INSERT INTO t VALUES (1, 1)")
    with pytest.raises(psycopg.Error):
        run("UPDATE t SET v = 2")
    doctor.examine(shop).fires("broken_writes", "blocking" if ours else "warning",
                               f"UPDATE and DELETE on public.t fail now: publication {name}", reason)


@pytest.mark.parametrize("harmless", [
    "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE PUBLICATION p FOR TABLE t (id, v)",
    "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE PUBLICATION p FOR TABLE t WHERE (id > 1)",
    "CREATE TABLE t (id int, v int); ALTER TABLE t REPLICA IDENTITY FULL;"
    "CREATE PUBLICATION p FOR TABLE t WHERE (v > 1)",
    "CREATE TABLE t (id int, v int); CREATE PUBLICATION p FOR TABLE t WITH (publish = 'insert')",
    "CREATE TABLE r (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);"
    "CREATE TABLE t PARTITION OF r FOR VALUES FROM (0) TO (9); CREATE PUBLICATION p FOR TABLE r"])
def test_a_publication_that_breaks_nothing(shop, run, harmless):
    run(harmless + ";INSERT INTO t VALUES (1, 1); UPDATE t SET v = 2")
    doctor.examine(shop).rests("broken_writes")


def test_what_freshet_publishes_breaks_nothing(shop, run, server, servers):
    """Whatever the identity, the application's writes go on once Freshet follows the source."""
    tables = ("keyed", "plain", "late", "nothing")
    run("CREATE TABLE keyed (id int PRIMARY KEY, v int); CREATE TABLE plain (id int, v int);"
        "CREATE TABLE late (id int PRIMARY KEY DEFERRABLE, v int);"
        "CREATE TABLE nothing (id int PRIMARY KEY, v int);"
        "ALTER TABLE nothing REPLICA IDENTITY NOTHING;"
        + "".join(f"INSERT INTO {table} VALUES (1, 1);" for table in tables))
    doctor.examine(shop).fires("broken_writes", "fine", "1 tables with all changes",
                               "3 with inserts and truncates only")
    freshet = servers.freshet({"shop": shop}).start().wait_live()
    for table in tables:
        run(f"UPDATE {table} SET v = v + 1; DELETE FROM {table} WHERE id = 2")
    doctor.examine(shop).fires("broken_writes", "fine")
    assert freshet.stop() == 0
    run("SELECT pg_drop_replication_slot('freshet_shop')")


# Checks 17 to 20.


def test_row_level_security_that_hides_rows(shop, run, server):
    run("CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "CREATE TABLE open (id int PRIMARY KEY);"
        "CREATE ROLE reader LOGIN REPLICATION; GRANT SELECT ON t, open TO reader")
    reader = server.url("shop", user="reader")
    found = doctor.examine(reader)
    found.fires("row_security", "blocking", "hides rows of public.t from the role reader",
                'ALTER ROLE "reader" BYPASSRLS;')
    assert len(found.of("row_security")) == 1
    run(found.of("row_security")[0]["fix"])
    doctor.examine(reader).rests("row_security")
    run("DROP OWNED BY reader; DROP ROLE reader")


def test_a_publication_of_our_name_for_all_tables(shop, run, servers):
    run("CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION freshet_shop FOR ALL TABLES")
    doctor.examine(shop).fires("publications", "blocking", "FOR ALL TABLES",
                               'DROP PUBLICATION "freshet_shop";')
    # serve refuses it, too.
    freshet = servers.freshet({"shop": shop})
    freshet.expects_log("source stopped")
    assert freshet.spawn().wait_end() == 1
    assert "FOR ALL TABLES" in freshet.output()


def test_what_will_be_published_is_shown(shop, run, server):
    run("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE plain (id int)")
    found = doctor.examine(shop)
    found.fires("publications", "info", 'CREATE PUBLICATION "freshet_shop" FOR TABLE ONLY "public"."t"',
                'CREATE PUBLICATION "freshet_shop_inserts" FOR TABLE ONLY "public"."plain"')
    run(found.of("publications")[0]["detail"])
    doctor.examine(shop).fires("publications", "fine")


def test_publications_that_send_only_a_part(shop, run):
    run("CREATE TABLE lists (id int PRIMARY KEY, a int, b int);"
        "CREATE TABLE filters (id int PRIMARY KEY); CREATE TABLE whole (id int PRIMARY KEY);"
        "CREATE PUBLICATION freshet_shop FOR TABLE lists (id, a), filters WHERE (id > 10), whole")
    found = doctor.examine(shop)
    found.fires("restrictions", "warning", "public.lists: not the columns b",
                "public.filters: rows with (id > 10)",
                'ALTER PUBLICATION "freshet_shop" DROP TABLE public.lists;')
    for finding in found.of("restrictions"):
        run(finding["fix"])
    doctor.examine(shop).rests("restrictions")


# Checks 21 to 23: what of the tables arrives, and how.


def test_columns_that_do_not_arrive_as_they_are(shop, run):
    run("CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (id int PRIMARY KEY,"
        " twice int GENERATED ALWAYS AS (id * 2) STORED, grid int[][], address inet, label citext, n numeric,"
        " exact numeric(10, 2), object oid, m mood, shapes point[])")
    doctor.examine(shop).fires(
        "column_types", "warning", "generated columns of public.t are not mirrored: twice",
        "several dimensions arrive as their exact text: grid integer[]",
        "columns of public.t that arrive as their exact text: label public.citext of extension citext, shapes point[]",
        "large objects, which are not replicated: object")


def test_values_that_their_type_cannot_hold_here(shop, run):
    run("CREATE TABLE w (id int PRIMARY KEY, price numeric(10,2), at timestamptz, cells int[], fine numeric(10,2));"
        "INSERT INTO w SELECT i, 'NaN', '294276-01-01 00:00+00', '{{1,2},{3,4}}', i FROM generate_series(1, 20) i;"
        "ANALYZE w")
    doctor.examine(shop).fires("column_types", "info",
                               "public.w has values that the type of their column cannot hold here:"
                               " price numeric(10,2), at timestamp with time zone, cells integer[]")


def test_large_values_are_no_trouble(shop, run):
    run("CREATE TABLE t (id int PRIMARY KEY, v text, w jsonb)")
    doctor.examine(shop).fires("large_values", "info", "2 columns of 1 tables", "nothing to do")


def test_partitions_are_one_table(shop, run):
    run("CREATE TABLE r (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);"
        "CREATE TABLE a PARTITION OF r FOR VALUES FROM (0) TO (9);"
        "CREATE TABLE b PARTITION OF r FOR VALUES FROM (9) TO (99)")
    doctor.examine(shop).fires("partitions", "info", "public.r is mirrored as one table, with its 2")
    run("CREATE UNLOGGED TABLE c PARTITION OF r FOR VALUES FROM (99) TO (999)")
    doctor.examine(shop).fires("partitions", "warning", "they are unlogged: public.c")


def test_partitions_that_lie_elsewhere(shop, run):
    run("CREATE TABLE r (id int, v int) PARTITION BY RANGE (id);"
        "CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far;"
        "CREATE FOREIGN TABLE f PARTITION OF r FOR VALUES FROM (0) TO (9) SERVER away")
    doctor.examine(shop).fires("partitions", "warning", "they are foreign tables: public.f")
