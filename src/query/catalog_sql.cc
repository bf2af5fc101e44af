// The views of pg_catalog and information_schema, in the engine's SQL.
#include <algorithm>

#include "query/catalog.h"

namespace freshet::query {
namespace {

// freshet.* and the three relations everything else stands on.
constexpr const char* schemas_sql = R"sql(
CREATE SCHEMA IF NOT EXISTS public;
CREATE SCHEMA IF NOT EXISTS freshet;
CREATE SCHEMA IF NOT EXISTS _catalog;
CREATE SCHEMA IF NOT EXISTS _information;
CREATE OR REPLACE VIEW freshet.sources AS SELECT * FROM _freshet_sources();
CREATE OR REPLACE VIEW freshet.tables AS SELECT * FROM _freshet_tables();
CREATE OR REPLACE VIEW freshet.progress AS SELECT * FROM _freshet_progress();
CREATE OR REPLACE VIEW freshet.collections AS SELECT * FROM _freshet_collections();
CREATE OR REPLACE VIEW freshet.rejects AS SELECT * FROM _freshet_rejects();

-- Only what queries can read: a table that is still being copied has no view yet.
CREATE OR REPLACE VIEW _catalog._relations AS
  SELECT r.* FROM _freshet_relations() r
  WHERE EXISTS (SELECT 1 FROM duckdb_views() v WHERE v.database_name = 'store'
                AND v.schema_name = r.schema AND v.view_name = r.name);
CREATE OR REPLACE VIEW _catalog._columns AS
  SELECT c.* FROM _freshet_columns() c
  WHERE c.relation IN (SELECT r.oid FROM _catalog._relations r);
CREATE OR REPLACE VIEW _catalog._keys AS SELECT * FROM _catalog._relations WHERE has_key;
)sql";

constexpr const char* catalog_views_sql = R"sql(
CREATE OR REPLACE VIEW _catalog._system_catalogs AS
  SELECT * FROM (VALUES (1247, 'pg_type'), (1249, 'pg_attribute'), (1255, 'pg_proc'),
    (1259, 'pg_class'), (1260, 'pg_authid'), (1262, 'pg_database'), (2606, 'pg_constraint'),
    (2610, 'pg_index'), (2615, 'pg_namespace'), (3079, 'pg_extension'), (2604, 'pg_attrdef'),
    (2609, 'pg_description'), (1213, 'pg_tablespace'), (3456, 'pg_collation'),
    (2620, 'pg_trigger')) AS t(oid, name);
CREATE OR REPLACE VIEW _catalog.pg_namespace AS
  SELECT 11::BIGINT AS oid, 'pg_catalog' AS nspname, 10::BIGINT AS nspowner,
         NULL::VARCHAR[] AS nspacl
  UNION ALL SELECT 2200, 'public', 10, NULL
  UNION ALL SELECT 13183, 'information_schema', 10, NULL
  UNION SELECT DISTINCT schema_oid, schema, 10, NULL::VARCHAR[] FROM _freshet_relations()
    WHERE schema <> 'public';
CREATE OR REPLACE VIEW _catalog.pg_class AS
  SELECT r.oid, r.name AS relname, r.schema_oid AS relnamespace, 0::BIGINT AS reltype,
    0::BIGINT AS reloftype, 10::BIGINT AS relowner,
    CASE WHEN r.kind = 'r' THEN 2 ELSE 0 END::BIGINT AS relam, r.oid AS relfilenode,
    0::BIGINT AS reltablespace, greatest(r.tuples // 100, 0)::INTEGER AS relpages,
    r.tuples::REAL AS reltuples, 0::INTEGER AS relallvisible, 0::BIGINT AS reltoastrelid,
    r.has_key AS relhasindex, false AS relisshared, 'p' AS relpersistence, r.kind AS relkind,
    r.natts::SMALLINT AS relnatts, 0::SMALLINT AS relchecks, false AS relhasrules,
    false AS relhastriggers, false AS relhassubclass, false AS relrowsecurity,
    false AS relforcerowsecurity, true AS relispopulated, r.identity AS relreplident,
    false AS relispartition, 0::BIGINT AS relrewrite, 0::BIGINT AS relfrozenxid,
    0::BIGINT AS relminmxid, NULL::VARCHAR[] AS relacl, NULL::VARCHAR[] AS reloptions,
    NULL::VARCHAR AS relpartbound
  FROM _catalog._relations r
  UNION ALL
  SELECT k.key_oid, k.key_name, k.schema_oid, 0, 0, 10, 403, k.key_oid, 0, 1, k.tuples, 0, 0, false,
    false, 'p', 'i', len(string_split(k.key_numbers, ' ')), 0, false, false, false, false, false,
    true, 'n', false, 0, 0, 0, NULL, NULL, NULL
  FROM _catalog._keys k;
CREATE OR REPLACE VIEW _catalog.pg_attribute AS
  SELECT c.relation AS attrelid, c.name AS attname, c.type_oid AS atttypid,
    -1::INTEGER AS attstattarget, c.length::SMALLINT AS attlen, c.number::SMALLINT AS attnum,
    CASE WHEN t.element <> 0 THEN 1 ELSE 0 END::INTEGER AS attndims, -1::INTEGER AS attcacheoff,
    c.modifier::INTEGER AS atttypmod, c.length IN (1, 2, 4, 8) AS attbyval, 'i' AS attalign,
    CASE WHEN c.length > 0 THEN 'p' WHEN c.type_oid = 1700 THEN 'm' ELSE 'x' END AS attstorage,
    '' AS attcompression, c.not_null AS attnotnull, false AS atthasdef, false AS atthasmissing,
    '' AS attidentity, '' AS attgenerated, false AS attisdropped, true AS attislocal,
    0::INTEGER AS attinhcount, CASE WHEN t.category = 'S' THEN 100 ELSE 0 END::BIGINT AS attcollation,
    NULL::VARCHAR[] AS attacl, NULL::VARCHAR[] AS attoptions, NULL::VARCHAR[] AS attfdwoptions,
    NULL::VARCHAR AS attmissingval
  FROM _catalog._columns c LEFT JOIN _freshet_types() t ON t.oid = c.type_oid
  UNION ALL
  SELECT k.key_oid, c.name, c.type_oid, -1, c.length,
    row_number() OVER (PARTITION BY k.key_oid ORDER BY c.number), 0, -1, c.modifier, true, 'i', 'p',
    '', true, false, false, '', '', false, true, 0, 0, NULL, NULL, NULL, NULL
  FROM _catalog._keys k, _catalog._columns c
  WHERE c.relation = k.oid
    AND list_contains(string_split(k.key_numbers, ' '), c.number::VARCHAR);
CREATE OR REPLACE VIEW _catalog.pg_type AS
  SELECT t.oid, t.name AS typname, 11::BIGINT AS typnamespace, 10::BIGINT AS typowner,
    t.length::SMALLINT AS typlen, t.length IN (1, 2, 4, 8) AS typbyval, 'b' AS typtype,
    t.category AS typcategory, t.name IN ('bool', 'text', 'float8', 'timestamptz') AS typispreferred,
    true AS typisdefined, ',' AS typdelim, 0::BIGINT AS typrelid, 0::BIGINT AS typsubscript,
    t.element AS typelem, t.array_oid AS typarray,
    CASE WHEN t.element <> 0 THEN 'array_in' ELSE t.name || 'in' END AS typinput,
    CASE WHEN t.element <> 0 THEN 'array_out' ELSE t.name || 'out' END AS typoutput,
    CASE WHEN t.element <> 0 THEN 'array_recv' ELSE t.name || 'recv' END AS typreceive,
    CASE WHEN t.element <> 0 THEN 'array_send' ELSE t.name || 'send' END AS typsend,
    '-' AS typmodin, '-' AS typmodout, '-' AS typanalyze, 'i' AS typalign, 'x' AS typstorage,
    false AS typnotnull, 0::BIGINT AS typbasetype, -1::INTEGER AS typtypmod, 0::INTEGER AS typndims,
    CASE WHEN t.category = 'S' THEN 100 ELSE 0 END::BIGINT AS typcollation,
    NULL::VARCHAR AS typdefaultbin, NULL::VARCHAR AS typdefault, NULL::VARCHAR[] AS typacl
  FROM _freshet_types() t;
CREATE OR REPLACE VIEW _catalog.pg_index AS
  SELECT k.key_oid AS indexrelid, k.oid AS indrelid,
    len(string_split(k.key_numbers, ' '))::SMALLINT AS indnatts,
    len(string_split(k.key_numbers, ' '))::SMALLINT AS indnkeyatts, true AS indisunique,
    false AS indnullsnotdistinct, true AS indisprimary, false AS indisexclusion,
    true AS indimmediate, false AS indisclustered, true AS indisvalid, false AS indcheckxmin,
    true AS indisready, true AS indislive, false AS indisreplident,
    string_split(k.key_numbers, ' ')::BIGINT[] AS indkey, NULL::BIGINT[] AS indcollation,
    NULL::BIGINT[] AS indclass, NULL::BIGINT[] AS indoption, NULL::VARCHAR AS indexprs,
    NULL::VARCHAR AS indpred
  FROM _catalog._keys k;
CREATE OR REPLACE VIEW _catalog.pg_constraint AS
  SELECT k.key_oid AS oid, k.key_name AS conname, k.schema_oid AS connamespace, 'p' AS contype,
    false AS condeferrable, false AS condeferred, true AS convalidated, k.oid AS conrelid,
    0::BIGINT AS contypid, k.key_oid AS conindid, 0::BIGINT AS conparentid, 0::BIGINT AS confrelid,
    ' ' AS confupdtype, ' ' AS confdeltype, ' ' AS confmatchtype, true AS conislocal,
    0::INTEGER AS coninhcount, true AS connoinherit,
    string_split(k.key_numbers, ' ')::BIGINT[] AS conkey, NULL::BIGINT[] AS confkey,
    NULL::BIGINT[] AS conpfeqop, NULL::BIGINT[] AS conppeqop, NULL::BIGINT[] AS conffeqop,
    NULL::BIGINT[] AS conexclop, NULL::VARCHAR AS conbin
  FROM _catalog._keys k;
CREATE OR REPLACE VIEW _catalog.pg_am AS
  SELECT 2::BIGINT AS oid, 'heap' AS amname, '-' AS amhandler, 't' AS amtype
  UNION ALL SELECT 403, 'btree', '-', 'i';
CREATE OR REPLACE VIEW _catalog.pg_collation AS
  SELECT 100::BIGINT AS oid, 'default' AS collname, 11::BIGINT AS collnamespace,
    10::BIGINT AS collowner, 'd' AS collprovider, true AS collisdeterministic,
    -1::INTEGER AS collencoding, NULL::VARCHAR AS collcollate, NULL::VARCHAR AS collctype,
    NULL::VARCHAR AS colliculocale, NULL::VARCHAR AS collversion;
CREATE OR REPLACE VIEW _catalog.pg_database AS
  SELECT 16384::BIGINT AS oid, 'freshet' AS datname, 10::BIGINT AS datdba, 6::INTEGER AS encoding,
    'c' AS datlocprovider, false AS datistemplate, true AS datallowconn, -1::INTEGER AS datconnlimit,
    0::BIGINT AS datfrozenxid, 1::BIGINT AS datminmxid, 1663::BIGINT AS dattablespace,
    'C.UTF-8' AS datcollate, 'C.UTF-8' AS datctype, NULL::VARCHAR AS daticulocale,
    NULL::VARCHAR AS datcollversion, NULL::VARCHAR[] AS datacl;
CREATE OR REPLACE VIEW _catalog.pg_roles AS
  SELECT 10::BIGINT AS oid, 'freshet' AS rolname, false AS rolsuper, true AS rolinherit,
    false AS rolcreaterole, false AS rolcreatedb, true AS rolcanlogin, false AS rolreplication,
    -1::INTEGER AS rolconnlimit, '********' AS rolpassword, NULL::TIMESTAMPTZ AS rolvaliduntil,
    false AS rolbypassrls, NULL::VARCHAR[] AS rolconfig;
CREATE OR REPLACE VIEW _catalog.pg_authid AS SELECT * FROM _catalog.pg_roles;
CREATE OR REPLACE VIEW _catalog.pg_user AS
  SELECT 'freshet' AS usename, 10::BIGINT AS usesysid, false AS usecreatedb, false AS usesuper,
    false AS userepl, false AS usebypassrls, '********' AS passwd, NULL::VARCHAR AS valuntil,
    NULL::VARCHAR[] AS useconfig;
CREATE OR REPLACE VIEW _catalog.pg_tablespace AS
  SELECT 1663::BIGINT AS oid, 'pg_default' AS spcname, 10::BIGINT AS spcowner,
    NULL::VARCHAR[] AS spcacl, NULL::VARCHAR[] AS spcoptions;
CREATE OR REPLACE VIEW _catalog.pg_settings AS
  SELECT e.name AS name, e.value AS setting, NULL::VARCHAR AS unit, 'Freshet' AS category,
    '' AS short_desc, NULL::VARCHAR AS extra_desc, 'user' AS context, 'string' AS vartype,
    'session' AS source, NULL::VARCHAR AS min_val, NULL::VARCHAR AS max_val,
    NULL::VARCHAR[] AS enumvals, e.value AS boot_val, e.value AS reset_val,
    NULL::VARCHAR AS sourcefile, NULL::INTEGER AS sourceline, false AS pending_restart
  FROM (SELECT split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
        FROM (SELECT unnest(string_split(trim(getvariable('freshet_settings'), chr(30)),
                                         chr(30))) AS entry)) e;
CREATE OR REPLACE VIEW _catalog.pg_tables AS
  SELECT schema AS schemaname, name AS tablename, 'freshet' AS tableowner,
    NULL::VARCHAR AS tablespace, has_key AS hasindexes, false AS hasrules, false AS hastriggers,
    false AS rowsecurity
  FROM _catalog._relations WHERE kind = 'r';
CREATE OR REPLACE VIEW _catalog.pg_views AS
  SELECT schema AS schemaname, name AS viewname, 'freshet' AS viewowner, '' AS definition
  FROM _catalog._relations WHERE kind = 'v';
CREATE OR REPLACE VIEW _catalog.pg_indexes AS
  SELECT schema AS schemaname, name AS tablename, key_name AS indexname,
    NULL::VARCHAR AS tablespace, 'CREATE UNIQUE INDEX ' || key_name || ' ON ' || schema || '.' ||
    name || ' USING btree (' || key_columns || ')' AS indexdef
  FROM _catalog._keys;
CREATE OR REPLACE VIEW _catalog.pg_stat_activity AS
  SELECT 16384::BIGINT AS datid, 'freshet' AS datname, getvariable('freshet_pid') AS pid,
    getvariable('freshet_user') AS usename, '' AS application_name, 'active' AS state,
    ''::VARCHAR AS query, NULL::TIMESTAMPTZ AS query_start, 'client backend' AS backend_type;
CREATE OR REPLACE VIEW _catalog.pg_stat_user_tables AS
  SELECT oid AS relid, schema AS schemaname, name AS relname, 0::BIGINT AS seq_scan,
    tuples AS n_live_tup, 0::BIGINT AS n_dead_tup
  FROM _catalog._relations WHERE kind = 'r';
)sql";

// Relations that clients join with and that have no rows here: name and columns, all nullable.
struct EmptyRelation {
  const char* name;
  const char* columns;
};
constexpr EmptyRelation empty_relations[] = {
    {"pg_attrdef", "oid BIGINT, adrelid BIGINT, adnum SMALLINT, adbin VARCHAR"},
    {"pg_description", "objoid BIGINT, classoid BIGINT, objsubid INTEGER, description VARCHAR"},
    {"pg_shdescription", "objoid BIGINT, classoid BIGINT, description VARCHAR"},
    {"pg_depend",
     "classid BIGINT, objid BIGINT, objsubid INTEGER, refclassid BIGINT, "
     "refobjid BIGINT, refobjsubid INTEGER, deptype VARCHAR"},
    {"pg_enum", "oid BIGINT, enumtypid BIGINT, enumsortorder REAL, enumlabel VARCHAR"},
    {"pg_range",
     "rngtypid BIGINT, rngsubtype BIGINT, rngmultitypid BIGINT, rngcollation BIGINT, "
     "rngsubopc BIGINT, rngcanonical VARCHAR, rngsubdiff VARCHAR"},
    {"pg_proc",
     "oid BIGINT, proname VARCHAR, pronamespace BIGINT, proowner BIGINT, "
     "prolang BIGINT, prokind VARCHAR, prosecdef BOOLEAN, proretset BOOLEAN, "
     "provolatile VARCHAR, proparallel VARCHAR, pronargs SMALLINT, prorettype BIGINT, "
     "proargtypes BIGINT[], proallargtypes BIGINT[], proargnames VARCHAR[], "
     "proargmodes VARCHAR[], prosrc VARCHAR, proacl VARCHAR[], proisstrict BOOLEAN, "
     "provariadic BIGINT"},
    {"pg_language",
     "oid BIGINT, lanname VARCHAR, lanowner BIGINT, lanispl BOOLEAN, "
     "lanpltrusted BOOLEAN, lanplcallfoid BIGINT, laninline BIGINT, "
     "lanvalidator BIGINT, lanacl VARCHAR[], tableoid BIGINT"},
    {"pg_ts_parser", "oid BIGINT, prsname VARCHAR, prsnamespace BIGINT"},
    {"pg_ts_template", "oid BIGINT, tmplname VARCHAR, tmplnamespace BIGINT"},
    {"pg_aggregate", "aggfnoid BIGINT, aggkind VARCHAR"},
    {"pg_operator",
     "oid BIGINT, oprname VARCHAR, oprnamespace BIGINT, oprowner BIGINT, "
     "oprkind VARCHAR, oprleft BIGINT, oprright BIGINT, oprresult BIGINT, "
     "oprcode BIGINT"},
    {"pg_opclass",
     "oid BIGINT, opcmethod BIGINT, opcname VARCHAR, opcnamespace BIGINT, "
     "opcintype BIGINT, opcdefault BOOLEAN"},
    {"pg_inherits",
     "inhrelid BIGINT, inhparent BIGINT, inhseqno INTEGER, "
     "inhdetachpending BOOLEAN"},
    {"pg_partitioned_table",
     "partrelid BIGINT, partstrat VARCHAR, partnatts SMALLINT, "
     "partattrs BIGINT[], partexprs VARCHAR"},
    {"pg_policy",
     "oid BIGINT, polname VARCHAR, polrelid BIGINT, polcmd VARCHAR, "
     "polpermissive BOOLEAN, polroles BIGINT[], polqual VARCHAR, "
     "polwithcheck VARCHAR"},
    {"pg_policies", "schemaname VARCHAR, tablename VARCHAR, policyname VARCHAR"},
    {"pg_statistic_ext",
     "oid BIGINT, stxrelid BIGINT, stxname VARCHAR, stxnamespace BIGINT, "
     "stxowner BIGINT, stxstattarget INTEGER, stxkeys BIGINT[], "
     "stxkind VARCHAR[]"},
    {"pg_publication",
     "oid BIGINT, pubname VARCHAR, pubowner BIGINT, puballtables BOOLEAN, "
     "pubinsert BOOLEAN, pubupdate BOOLEAN, pubdelete BOOLEAN, "
     "pubtruncate BOOLEAN, pubviaroot BOOLEAN"},
    {"pg_publication_rel",
     "oid BIGINT, prpubid BIGINT, prrelid BIGINT, prqual VARCHAR, "
     "prattrs BIGINT[]"},
    {"pg_publication_namespace", "oid BIGINT, pnpubid BIGINT, pnnspid BIGINT"},
    {"pg_publication_tables", "pubname VARCHAR, schemaname VARCHAR, tablename VARCHAR"},
    {"pg_subscription",
     "oid BIGINT, subname VARCHAR, subowner BIGINT, subenabled BOOLEAN, "
     "subpublications VARCHAR[], subdbid BIGINT, subbinary BOOLEAN, "
     "substream VARCHAR, subtwophasestate VARCHAR, subdisableonerr BOOLEAN, "
     "subsynccommit VARCHAR, subconninfo VARCHAR, subskiplsn VARCHAR"},
    {"pg_trigger",
     "oid BIGINT, tgrelid BIGINT, tgname VARCHAR, tgfoid BIGINT, tgtype SMALLINT, "
     "tgenabled VARCHAR, tgisinternal BOOLEAN, tgparentid BIGINT, "
     "tgconstraint BIGINT, tgconstrrelid BIGINT, tgdeferrable BOOLEAN, "
     "tginitdeferred BOOLEAN, tgnargs SMALLINT, tgattr BIGINT[]"},
    {"pg_rewrite",
     "oid BIGINT, rulename VARCHAR, ev_class BIGINT, ev_type VARCHAR, "
     "ev_enabled VARCHAR, is_instead BOOLEAN"},
    {"pg_rules", "schemaname VARCHAR, tablename VARCHAR, rulename VARCHAR"},
    {"pg_sequence",
     "seqrelid BIGINT, seqtypid BIGINT, seqstart BIGINT, seqincrement BIGINT, "
     "seqmax BIGINT, seqmin BIGINT, seqcache BIGINT, seqcycle BOOLEAN"},
    {"pg_sequences",
     "schemaname VARCHAR, sequencename VARCHAR, sequenceowner VARCHAR, "
     "data_type VARCHAR, start_value BIGINT, last_value BIGINT"},
    {"pg_matviews",
     "schemaname VARCHAR, matviewname VARCHAR, matviewowner VARCHAR, "
     "ispopulated BOOLEAN, definition VARCHAR"},
    {"pg_extension",
     "oid BIGINT, extname VARCHAR, extowner BIGINT, extnamespace BIGINT, "
     "extrelocatable BOOLEAN, extversion VARCHAR"},
    {"pg_available_extensions",
     "name VARCHAR, default_version VARCHAR, "
     "installed_version VARCHAR, comment VARCHAR"},
    {"pg_foreign_table", "ftrelid BIGINT, ftserver BIGINT, ftoptions VARCHAR[]"},
    {"pg_foreign_server",
     "oid BIGINT, srvname VARCHAR, srvowner BIGINT, srvfdw BIGINT, "
     "srvtype VARCHAR, srvversion VARCHAR, srvacl VARCHAR[], "
     "srvoptions VARCHAR[]"},
    {"pg_foreign_data_wrapper",
     "oid BIGINT, fdwname VARCHAR, fdwowner BIGINT, "
     "fdwhandler BIGINT, fdwvalidator BIGINT, fdwacl VARCHAR[], "
     "fdwoptions VARCHAR[]"},
    {"pg_user_mapping", "oid BIGINT, umuser BIGINT, umserver BIGINT, umoptions VARCHAR[]"},
    {"pg_user_mappings",
     "umid BIGINT, srvid BIGINT, srvname VARCHAR, umuser BIGINT, "
     "usename VARCHAR"},
    {"pg_auth_members", "roleid BIGINT, member BIGINT, grantor BIGINT, admin_option BOOLEAN"},
    {"pg_db_role_setting", "setdatabase BIGINT, setrole BIGINT, setconfig VARCHAR[]"},
    {"pg_default_acl",
     "oid BIGINT, defaclrole BIGINT, defaclnamespace BIGINT, "
     "defaclobjtype VARCHAR, defaclacl VARCHAR[]"},
    {"pg_event_trigger",
     "oid BIGINT, evtname VARCHAR, evtevent VARCHAR, evtowner BIGINT, "
     "evtfoid BIGINT, evtenabled VARCHAR, evttags VARCHAR[]"},
    {"pg_cast",
     "oid BIGINT, castsource BIGINT, casttarget BIGINT, castfunc BIGINT, "
     "castcontext VARCHAR, castmethod VARCHAR"},
    {"pg_conversion",
     "oid BIGINT, conname VARCHAR, connamespace BIGINT, conowner BIGINT, "
     "conforencoding INTEGER, contoencoding INTEGER, condefault BOOLEAN"},
    {"pg_largeobject_metadata", "oid BIGINT, lomowner BIGINT, lomacl VARCHAR[]"},
    {"pg_ts_config",
     "oid BIGINT, cfgname VARCHAR, cfgnamespace BIGINT, cfgowner BIGINT, "
     "cfgparser BIGINT"},
    {"pg_ts_dict", "oid BIGINT, dictname VARCHAR, dictnamespace BIGINT, dictowner BIGINT"},
    {"pg_seclabel",
     "objoid BIGINT, classoid BIGINT, objsubid INTEGER, provider VARCHAR, "
     "label VARCHAR"},
    {"pg_locks",
     "locktype VARCHAR, database BIGINT, relation BIGINT, pid INTEGER, mode VARCHAR, "
     "granted BOOLEAN"},
    {"pg_prepared_statements", "name VARCHAR, statement VARCHAR, from_sql BOOLEAN"},
    {"pg_prepared_xacts", "transaction BIGINT, gid VARCHAR, owner VARCHAR, database VARCHAR"},
    {"pg_cursors", "name VARCHAR, statement VARCHAR, is_holdable BOOLEAN"},
    {"pg_stat_replication",
     "pid INTEGER, usename VARCHAR, application_name VARCHAR, "
     "state VARCHAR"},
    {"pg_replication_slots",
     "slot_name VARCHAR, plugin VARCHAR, slot_type VARCHAR, "
     "active BOOLEAN"},
    {"pg_stat_user_indexes",
     "relid BIGINT, indexrelid BIGINT, schemaname VARCHAR, "
     "relname VARCHAR, indexrelname VARCHAR, idx_scan BIGINT"},
    {"pg_statio_user_tables", "relid BIGINT, schemaname VARCHAR, relname VARCHAR"},
    {"pg_timezone_names", "name VARCHAR, abbrev VARCHAR, utc_offset INTERVAL, is_dst BOOLEAN"},
    {"pg_parameter_acl", "oid BIGINT, parname VARCHAR, paracl VARCHAR[]"},
};

constexpr const char* information_sql = R"sql(
CREATE OR REPLACE VIEW _information.schemata AS
  SELECT 'freshet' AS catalog_name, nspname AS schema_name, 'freshet' AS schema_owner,
    NULL::VARCHAR AS default_character_set_catalog, NULL::VARCHAR AS default_character_set_schema,
    NULL::VARCHAR AS default_character_set_name, NULL::VARCHAR AS sql_path
  FROM _catalog.pg_namespace;
CREATE OR REPLACE VIEW _information.tables AS
  SELECT 'freshet' AS table_catalog, schema AS table_schema, name AS table_name,
    CASE kind WHEN 'r' THEN 'BASE TABLE' ELSE 'VIEW' END AS table_type,
    NULL::VARCHAR AS self_referencing_column_name, NULL::VARCHAR AS reference_generation,
    NULL::VARCHAR AS user_defined_type_catalog, NULL::VARCHAR AS user_defined_type_schema,
    NULL::VARCHAR AS user_defined_type_name, 'NO' AS is_insertable_into, 'NO' AS is_typed,
    NULL::VARCHAR AS commit_action
  FROM _catalog._relations;
CREATE OR REPLACE VIEW _information.views AS
  SELECT 'freshet' AS table_catalog, schema AS table_schema, name AS table_name,
    ''::VARCHAR AS view_definition, 'NONE' AS check_option, 'NO' AS is_updatable
  FROM _catalog._relations WHERE kind = 'v';
CREATE OR REPLACE VIEW _information.columns AS
  SELECT 'freshet' AS table_catalog, r.schema AS table_schema, r.name AS table_name,
    c.name AS column_name, c.number::INTEGER AS ordinal_position, NULL::VARCHAR AS column_default,
    CASE WHEN c.not_null THEN 'NO' ELSE 'YES' END AS is_nullable,
    CASE WHEN t.element <> 0 THEN 'ARRAY' ELSE t.sql_name END AS data_type,
    CASE WHEN c.type_oid IN (1042, 1043) AND c.modifier >= 0 THEN c.modifier - 4
      END::INTEGER AS character_maximum_length,
    NULL::INTEGER AS character_octet_length,
    CASE c.type_oid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24
      WHEN 701 THEN 53 WHEN 1700 THEN CASE WHEN c.modifier >= 0 THEN (c.modifier - 4) >> 16 END
      END::INTEGER AS numeric_precision,
    CASE WHEN c.type_oid IN (20, 21, 23, 700, 701) THEN 2 WHEN c.type_oid = 1700 THEN 10
      END::INTEGER AS numeric_precision_radix,
    CASE WHEN c.type_oid IN (20, 21, 23) THEN 0
      WHEN c.type_oid = 1700 AND c.modifier >= 0 THEN (c.modifier - 4) & 2047
      END::INTEGER AS numeric_scale,
    CASE WHEN c.type_oid = 1082 THEN 0
      WHEN c.type_oid IN (1083, 1114, 1184, 1186, 1266) THEN
        CASE WHEN c.modifier >= 0 AND c.modifier <= 6 THEN c.modifier ELSE 6 END
      END::INTEGER AS datetime_precision,
    NULL::VARCHAR AS interval_type, NULL::VARCHAR AS character_set_name,
    NULL::VARCHAR AS collation_catalog, NULL::VARCHAR AS collation_schema,
    NULL::VARCHAR AS collation_name, NULL::VARCHAR AS domain_catalog,
    NULL::VARCHAR AS domain_schema, NULL::VARCHAR AS domain_name, 'freshet' AS udt_catalog,
    'pg_catalog' AS udt_schema, t.name AS udt_name, c.number::VARCHAR AS dtd_identifier,
    'NO' AS is_self_referencing, 'NO' AS is_identity, NULL::VARCHAR AS identity_generation,
    'NEVER' AS is_generated, NULL::VARCHAR AS generation_expression, 'NO' AS is_updatable
  FROM _catalog._columns c JOIN _catalog._relations r ON r.oid = c.relation
    LEFT JOIN _freshet_types() t ON t.oid = c.type_oid;
CREATE OR REPLACE VIEW _information.table_constraints AS
  SELECT 'freshet' AS constraint_catalog, schema AS constraint_schema, key_name AS constraint_name,
    'freshet' AS table_catalog, schema AS table_schema, name AS table_name,
    'PRIMARY KEY' AS constraint_type, 'NO' AS is_deferrable, 'NO' AS initially_deferred,
    'YES' AS enforced
  FROM _catalog._keys;
CREATE OR REPLACE VIEW _information.key_column_usage AS
  SELECT 'freshet' AS constraint_catalog, k.schema AS constraint_schema,
    k.key_name AS constraint_name, 'freshet' AS table_catalog, k.schema AS table_schema,
    k.name AS table_name, c.name AS column_name,
    (row_number() OVER (PARTITION BY k.oid ORDER BY c.number))::INTEGER AS ordinal_position,
    NULL::INTEGER AS position_in_unique_constraint
  FROM _catalog._keys k JOIN _catalog._columns c ON c.relation = k.oid
  WHERE list_contains(string_split(k.key_numbers, ' '), c.number::VARCHAR);
CREATE OR REPLACE VIEW _information.constraint_column_usage AS
  SELECT table_catalog, table_schema, table_name, column_name, constraint_catalog,
    constraint_schema, constraint_name
  FROM _information.key_column_usage;
CREATE OR REPLACE VIEW _information.referential_constraints AS
  SELECT ''::VARCHAR AS constraint_catalog, ''::VARCHAR AS constraint_schema,
    ''::VARCHAR AS constraint_name, ''::VARCHAR AS unique_constraint_catalog,
    ''::VARCHAR AS unique_constraint_schema, ''::VARCHAR AS unique_constraint_name,
    ''::VARCHAR AS match_option, ''::VARCHAR AS update_rule, ''::VARCHAR AS delete_rule WHERE false;
CREATE OR REPLACE VIEW _information.routines AS
  SELECT ''::VARCHAR AS routine_catalog, ''::VARCHAR AS routine_schema,
    ''::VARCHAR AS routine_name, ''::VARCHAR AS routine_type, ''::VARCHAR AS data_type WHERE false;
CREATE OR REPLACE VIEW _information.table_privileges AS
  SELECT 'freshet' AS grantor, 'PUBLIC' AS grantee, 'freshet' AS table_catalog,
    schema AS table_schema, name AS table_name, 'SELECT' AS privilege_type, 'NO' AS is_grantable,
    'YES' AS with_hierarchy
  FROM _catalog._relations;
CREATE OR REPLACE VIEW _information.character_sets AS
  SELECT NULL::VARCHAR AS character_set_catalog, NULL::VARCHAR AS character_set_schema,
    'UTF8' AS character_set_name, 'UCS' AS character_repertoire, 'UTF8' AS form_of_use,
    'freshet' AS default_collate_catalog;
)sql";

// "a BIGINT, b VARCHAR[]" → "NULL::BIGINT AS a, NULL::VARCHAR[] AS b".
std::string null_columns(std::string_view columns) {
  std::string result;
  while (!columns.empty()) {
    const std::size_t comma = std::min(columns.find(", "), columns.size());
    const std::string_view column = columns.substr(0, comma);
    const std::size_t space = column.find(' ');
    if (!result.empty()) result += ", ";
    result += "NULL::" + std::string(column.substr(space + 1)) + " AS " +
              std::string(column.substr(0, space));
    columns.remove_prefix(std::min(comma + 2, columns.size()));
  }
  return result;
}

}  // namespace

std::string system_relations_sql() {
  std::string sql = schemas_sql;
  for (const EmptyRelation& relation : empty_relations) {
    sql += "CREATE OR REPLACE VIEW _catalog." + std::string(relation.name) + " AS SELECT " +
           null_columns(relation.columns) + " WHERE false;\n";
  }
  return sql + catalog_views_sql + catalog_macros_sql() + information_sql;
}

}  // namespace freshet::query
