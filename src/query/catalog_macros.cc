// The functions of pg_catalog, as macros in the engine's SQL.
#include "query/catalog.h"

namespace freshet::query {
namespace {

// Their aliases start with m_, because the engine puts the arguments of a macro into its text: an
// alias that the caller uses too would capture them.
constexpr const char* macros_sql = R"sql(
CREATE OR REPLACE MACRO _catalog."~@"(a, b) AS regexp_matches(a, b);
CREATE OR REPLACE MACRO _catalog."!~@"(a, b) AS NOT regexp_matches(a, b);
CREATE OR REPLACE MACRO _catalog."~*@"(a, b) AS regexp_matches(a, b, 'i');
CREATE OR REPLACE MACRO _catalog."!~*@"(a, b) AS NOT regexp_matches(a, b, 'i');

CREATE OR REPLACE MACRO _catalog.current_database() AS 'freshet';
CREATE OR REPLACE MACRO _catalog.current_catalog() AS 'freshet';
CREATE OR REPLACE MACRO _catalog.version() AS
  'PostgreSQL 15.0 (Freshet 0.1.0), read-only collections on DuckDB';
CREATE OR REPLACE MACRO _catalog.current_user() AS getvariable('freshet_user');
CREATE OR REPLACE MACRO _catalog.current_role() AS getvariable('freshet_user');
CREATE OR REPLACE MACRO _catalog.session_user() AS getvariable('freshet_user');
CREATE OR REPLACE MACRO _catalog.user() AS getvariable('freshet_user');
CREATE OR REPLACE MACRO _catalog.pg_backend_pid() AS getvariable('freshet_pid');
CREATE OR REPLACE MACRO _catalog.current_setting(p_name) AS
    CASE WHEN contains(getvariable('freshet_settings'), chr(30) || lower(p_name) || '=')
         THEN split_part(split_part(getvariable('freshet_settings'),
                                    chr(30) || lower(p_name) || '=', 2), chr(30), 1)
         ELSE error('unrecognized configuration parameter "' || p_name || '"') END,
  (p_name, p_missing_ok) AS
    CASE WHEN contains(getvariable('freshet_settings'), chr(30) || lower(p_name) || '=')
         THEN split_part(split_part(getvariable('freshet_settings'),
                                    chr(30) || lower(p_name) || '=', 2), chr(30), 1) END;
CREATE OR REPLACE MACRO _catalog.set_config(p_name, p_value, p_local) AS p_value;
CREATE OR REPLACE MACRO _catalog.current_schemas(p_implicit) AS
  CASE WHEN p_implicit THEN list_prepend('pg_catalog', getvariable('freshet_path'))
       ELSE getvariable('freshet_path') END;
CREATE OR REPLACE MACRO _catalog.current_schema() AS getvariable('freshet_path')[1];
CREATE OR REPLACE MACRO _catalog.pg_is_in_recovery() AS false;
CREATE OR REPLACE MACRO _catalog.pg_is_wal_replay_paused() AS false;
CREATE OR REPLACE MACRO _catalog.pg_my_temp_schema() AS 0;
CREATE OR REPLACE MACRO _catalog.pg_is_other_temp_schema(p_oid) AS false;
CREATE OR REPLACE MACRO _catalog.pg_encoding_to_char(p_encoding) AS 'UTF8';
CREATE OR REPLACE MACRO _catalog.pg_char_to_encoding(p_name) AS 6;
CREATE OR REPLACE MACRO _catalog.pg_client_encoding() AS 'UTF8';
CREATE OR REPLACE MACRO _catalog.pg_get_userbyid(p_oid) AS 'freshet';
CREATE OR REPLACE MACRO _catalog.pg_table_is_visible(p_oid) AS
  (SELECT coalesce(bool_or(list_contains(getvariable('freshet_path'), m_r.schema)), true)
   FROM _freshet_relations() m_r WHERE m_r.oid = p_oid OR m_r.key_oid = p_oid);
CREATE OR REPLACE MACRO _catalog.pg_type_is_visible(p_oid) AS true;
CREATE OR REPLACE MACRO _catalog.pg_function_is_visible(p_oid) AS true;
CREATE OR REPLACE MACRO _catalog.pg_operator_is_visible(p_oid) AS true;
CREATE OR REPLACE MACRO _catalog.pg_opclass_is_visible(p_oid) AS true;
CREATE OR REPLACE MACRO _catalog.pg_collation_is_visible(p_oid) AS true;
CREATE OR REPLACE MACRO _catalog.pg_conversion_is_visible(p_oid) AS true;
CREATE OR REPLACE MACRO _catalog.pg_ts_config_is_visible(p_oid) AS true;
CREATE OR REPLACE MACRO _catalog.pg_statistics_obj_is_visible(p_oid) AS true;
CREATE OR REPLACE MACRO _catalog.pg_relation_is_publishable(p_oid) AS true;
CREATE OR REPLACE MACRO _catalog.pg_get_expr(p_node, p_oid) AS NULL::VARCHAR,
  (p_node, p_oid, p_pretty) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_viewdef(p_oid) AS ''::VARCHAR,
  (p_oid, p_pretty) AS ''::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_ruledef(p_oid) AS NULL::VARCHAR,
  (p_oid, p_pretty) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_triggerdef(p_oid) AS NULL::VARCHAR,
  (p_oid, p_pretty) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_partkeydef(p_oid) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_function_result(p_oid) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_function_arguments(p_oid) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_function_identity_arguments(p_oid) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_functiondef(p_oid) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_statisticsobjdef_columns(p_oid) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_serial_sequence(p_table, p_column) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_tablespace_location(p_oid) AS ''::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_get_indexdef(p_oid) AS
    (SELECT 'CREATE UNIQUE INDEX ' || m_k.key_name || ' ON ' || m_k.schema || '.' || m_k.name ||
            ' USING btree (' || m_k.key_columns || ')'
     FROM _freshet_relations() m_k WHERE m_k.key_oid = p_oid),
  (p_oid, p_column, p_pretty) AS
    (SELECT CASE WHEN p_column = 0 THEN 'CREATE UNIQUE INDEX ' || m_k.key_name || ' ON ' ||
                      m_k.schema || '.' || m_k.name || ' USING btree (' || m_k.key_columns || ')'
                 ELSE split_part(m_k.key_columns, ', ', p_column) END
     FROM _freshet_relations() m_k WHERE m_k.key_oid = p_oid);
CREATE OR REPLACE MACRO _catalog.pg_get_constraintdef(p_oid) AS
    (SELECT 'PRIMARY KEY (' || m_k.key_columns || ')' FROM _freshet_relations() m_k
     WHERE m_k.key_oid = p_oid),
  (p_oid, p_pretty) AS
    (SELECT 'PRIMARY KEY (' || m_k.key_columns || ')' FROM _freshet_relations() m_k
     WHERE m_k.key_oid = p_oid);
CREATE OR REPLACE MACRO _catalog.obj_description(p_oid) AS NULL::VARCHAR,
  (p_oid, p_catalog) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.shobj_description(p_oid, p_catalog) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.col_description(p_oid, p_column) AS NULL::VARCHAR;
CREATE OR REPLACE MACRO _catalog.pg_relation_size(p_oid) AS 0,
  (p_oid, p_fork) AS 0;
CREATE OR REPLACE MACRO _catalog.pg_table_size(p_oid) AS 0;
CREATE OR REPLACE MACRO _catalog.pg_indexes_size(p_oid) AS 0;
CREATE OR REPLACE MACRO _catalog.pg_total_relation_size(p_oid) AS 0;
CREATE OR REPLACE MACRO _catalog.pg_database_size(p_oid) AS 0;
CREATE OR REPLACE MACRO _catalog.pg_size_pretty(p_bytes) AS
  CASE WHEN abs(p_bytes) < 10240 THEN p_bytes || ' bytes'
       WHEN abs(p_bytes) < 10485760 THEN round(p_bytes / 1024.0)::BIGINT || ' kB'
       WHEN abs(p_bytes) < 10737418240 THEN round(p_bytes / 1048576.0)::BIGINT || ' MB'
       ELSE round(p_bytes / 1073741824.0)::BIGINT || ' GB' END;
CREATE OR REPLACE MACRO _catalog.has_table_privilege(p_a, p_b) AS true, (p_a, p_b, p_c) AS true;
CREATE OR REPLACE MACRO _catalog.has_schema_privilege(p_a, p_b) AS true, (p_a, p_b, p_c) AS true;
CREATE OR REPLACE MACRO _catalog.has_database_privilege(p_a, p_b) AS true,
  (p_a, p_b, p_c) AS true;
CREATE OR REPLACE MACRO _catalog.has_column_privilege(p_a, p_b, p_c) AS true,
  (p_a, p_b, p_c, p_d) AS true;
CREATE OR REPLACE MACRO _catalog.has_any_column_privilege(p_a, p_b) AS true,
  (p_a, p_b, p_c) AS true;
CREATE OR REPLACE MACRO _catalog.has_function_privilege(p_a, p_b) AS true,
  (p_a, p_b, p_c) AS true;
CREATE OR REPLACE MACRO _catalog.has_sequence_privilege(p_a, p_b) AS true,
  (p_a, p_b, p_c) AS true;
CREATE OR REPLACE MACRO _catalog.pg_has_role(p_a, p_b) AS true, (p_a, p_b, p_c) AS true;
CREATE OR REPLACE MACRO _catalog.row_security_active(p_a) AS false;
CREATE OR REPLACE MACRO _catalog.txid_current() AS 1;
CREATE OR REPLACE MACRO _catalog.pg_postmaster_start_time() AS now();
CREATE OR REPLACE MACRO _catalog.inet_server_addr() AS '127.0.0.1';
CREATE OR REPLACE MACRO _catalog.inet_server_port() AS NULL::INTEGER;
CREATE OR REPLACE MACRO _catalog.inet_client_addr() AS '127.0.0.1';
CREATE OR REPLACE MACRO _catalog.array_upper(p_array, p_dimension) AS
  nullif(len(p_array), 0);
CREATE OR REPLACE MACRO _catalog.array_lower(p_array, p_dimension) AS
  CASE WHEN len(p_array) > 0 THEN 1 END;
CREATE OR REPLACE MACRO _catalog.cardinality(p_array) AS len(p_array);
CREATE OR REPLACE MACRO _catalog.quote_ident(p_name) AS
  CASE WHEN regexp_full_match(p_name, '[a-z_][a-z0-9_]*') THEN p_name
       ELSE '"' || replace(p_name, '"', '""') || '"' END;
CREATE OR REPLACE MACRO _catalog.quote_literal(p_text) AS
  '''' || replace(p_text::VARCHAR, '''', '''''') || '''';
CREATE OR REPLACE MACRO _catalog.initcap(p_text) AS
  array_to_string(list_transform(regexp_extract_all(p_text, '[[:alnum:]]+|[^[:alnum:]]+'),
                                 lambda w: upper(w[1]) || lower(w[2:])), '');
CREATE OR REPLACE MACRO _catalog.div(p_a, p_b) AS trunc(p_a / p_b);
CREATE OR REPLACE MACRO _catalog.jsonb_typeof(p_json) AS lower(json_type(p_json));
CREATE OR REPLACE MACRO _catalog.jsonb_array_length(p_json) AS json_array_length(p_json);
CREATE OR REPLACE MACRO _catalog.to_jsonb(p_value) AS to_json(p_value);

CREATE OR REPLACE MACRO _catalog.format_type(p_oid, p_modifier) AS
  (SELECT CASE
     WHEN p_modifier IS NULL OR p_modifier < 0 THEN m_t.sql_name
     WHEN m_t.base IN (1042, 1043) THEN m_t.sql_name || '(' || (p_modifier - 4) || ')'
     WHEN m_t.base = 1700 THEN 'numeric(' || ((p_modifier - 4) >> 16) || ',' ||
                             ((p_modifier - 4) & 2047) || ')'
     WHEN m_t.base IN (1083, 1114, 1184, 1266) THEN
       regexp_replace(m_t.sql_name, ' ', '(' || p_modifier || ') ')
     ELSE m_t.sql_name END || CASE WHEN m_t.element <> 0 THEN '[]' ELSE '' END
   FROM (SELECT oid, sql_name, element, CASE WHEN element <> 0 THEN element ELSE oid END AS base
         FROM _freshet_types()) m_t
   WHERE m_t.oid = p_oid);

-- 'public.orders'::regclass and back; quotes are taken off, dots split.
CREATE OR REPLACE MACRO _catalog.regclass_oid(p_name) AS
  (SELECT CASE
     WHEN regexp_full_match(p_name::VARCHAR, '[0-9]+') THEN p_name::VARCHAR::BIGINT
     ELSE coalesce(
       (SELECT min(m_r.oid) FROM _catalog._relations m_r
        WHERE m_r.schema || '.' || m_r.name = replace(p_name::VARCHAR, '"', '')
           OR (m_r.name = replace(p_name::VARCHAR, '"', '')
               AND list_contains(getvariable('freshet_path'), m_r.schema))),
       (SELECT min(m_c.oid) FROM _catalog._system_catalogs m_c
        WHERE m_c.name = replace(replace(p_name::VARCHAR, '"', ''), 'pg_catalog.', '')),
       error('relation "' || p_name::VARCHAR || '" does not exist')::BIGINT) END);
CREATE OR REPLACE MACRO _catalog.to_regclass(p_name) AS
  (SELECT min(m_r.oid) FROM _catalog._relations m_r
   WHERE m_r.schema || '.' || m_r.name = replace(p_name::VARCHAR, '"', '')
      OR (m_r.name = replace(p_name::VARCHAR, '"', '')
          AND list_contains(getvariable('freshet_path'), m_r.schema)));
CREATE OR REPLACE MACRO _catalog.regclass_name(p_oid) AS
  coalesce((SELECT min(CASE WHEN list_contains(getvariable('freshet_path'), m_r.schema) THEN m_r.name
                            ELSE m_r.schema || '.' || m_r.name END)
            FROM _freshet_relations() m_r WHERE m_r.oid = p_oid::BIGINT),
           p_oid::VARCHAR);
CREATE OR REPLACE MACRO _catalog.regtype_oid(p_name) AS
  (SELECT min(m_t.oid) FROM _freshet_types() m_t
   WHERE lower(p_name::VARCHAR) IN (m_t.name, CASE WHEN m_t.element <> 0 THEN m_t.sql_name || '[]'
                                                 ELSE m_t.sql_name END));
CREATE OR REPLACE MACRO _catalog.regtype_name(p_oid) AS
  coalesce(_catalog.format_type(p_oid::BIGINT, NULL), p_oid::VARCHAR);
CREATE OR REPLACE MACRO _catalog.regnamespace_oid(p_name) AS
  (SELECT min(m_n.oid) FROM _catalog.pg_namespace m_n WHERE m_n.nspname = p_name::VARCHAR);
CREATE OR REPLACE MACRO _catalog.regnamespace_name(p_oid) AS
  coalesce((SELECT min(m_n.nspname) FROM _catalog.pg_namespace m_n WHERE m_n.oid = p_oid::BIGINT),
           p_oid::VARCHAR);
CREATE OR REPLACE MACRO _catalog.regproc_oid(p_name) AS 0;
CREATE OR REPLACE MACRO _catalog.regproc_name(p_oid) AS p_oid::VARCHAR;
CREATE OR REPLACE MACRO _catalog.regprocedure_oid(p_name) AS 0;
CREATE OR REPLACE MACRO _catalog.regprocedure_name(p_oid) AS p_oid::VARCHAR;
CREATE OR REPLACE MACRO _catalog.regrole_oid(p_name) AS 10;
CREATE OR REPLACE MACRO _catalog.regrole_name(p_oid) AS 'freshet';
CREATE OR REPLACE MACRO _catalog.regoper_oid(p_name) AS 0;
CREATE OR REPLACE MACRO _catalog.regoper_name(p_oid) AS p_oid::VARCHAR;
CREATE OR REPLACE MACRO _catalog.regoperator_oid(p_name) AS 0;
CREATE OR REPLACE MACRO _catalog.regoperator_name(p_oid) AS p_oid::VARCHAR;
)sql";

}  // namespace

std::string catalog_macros_sql() {
  return macros_sql;
}

}  // namespace freshet::query
