#include "engine/rockset_macros.h"

#include <array>
#include <string>

#include "engine/handles.h"

namespace freshet::engine {

namespace {

// Each as it follows CREATE MACRO memory._functions. A macro sees the engine's own function of its
// name as system.main.name.
constexpr std::array types{
    R"(typeof(x) AS CASE
        WHEN x IS NULL THEN 'null'
        WHEN system.main.typeof(x) IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT',
          'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'UHUGEINT') THEN 'int'
        WHEN system.main.typeof(x) IN ('FLOAT', 'DOUBLE') THEN 'float'
        WHEN system.main.typeof(x) LIKE 'DECIMAL%' OR
          system.main.typeof(x) IN ('NUMERIC_VALUE', 'NUMERIC_TEXT') THEN 'decimal'
        WHEN system.main.typeof(x) = 'BOOLEAN' THEN 'bool'
        WHEN system.main.typeof(x) = 'VARCHAR' THEN 'string'
        WHEN system.main.typeof(x) = 'BLOB' THEN 'bytes'
        WHEN system.main.typeof(x) = 'TIMESTAMP' THEN 'datetime'
        WHEN system.main.typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN 'timestamp'
        WHEN system.main.typeof(x) = 'INTERVAL' THEN 'microsecond_interval'
        WHEN system.main.typeof(x) LIKE '%[%]' THEN 'array'
        WHEN system.main.typeof(x) LIKE 'STRUCT%' OR system.main.typeof(x) LIKE 'MAP%' THEN 'object'
        ELSE lower(system.main.typeof(x)) END)",
    R"(is_scalar(x) AS system.main.typeof(x) NOT LIKE '%[%]' AND
        system.main.typeof(x) NOT LIKE 'STRUCT%' AND system.main.typeof(x) NOT LIKE 'MAP%')",
};

constexpr std::array text{
    R"(from_hex(s) AS CASE WHEN length(s) % 2 = 1 THEN CAST('\x: an odd number of digits' AS BLOB) ELSE unhex(s) END)",
    R"(normalize(s) AS nfc_normalize(s))",
    R"(split(s, d) AS system.main.string_split(s, d), (s, d, n) AS
        CASE WHEN len(system.main.string_split(s, d)) <= n THEN system.main.string_split(s, d)
        ELSE list_append(system.main.string_split(s, d)[1:n - 1],
          array_to_string(system.main.string_split(s, d)[n:], d)) END)",
    R"(regexp_like(s, p) AS regexp_matches(s, p))",
    R"(regexp_split(s, p) AS regexp_split_to_array(s, p))",
    R"(from_utf8(b) AS decode(b))",
    R"(to_utf8(s) AS encode(s))",
    R"(tokenize(s) AS list_filter(regexp_split_to_array(lower(s), '[^\pL\pN]+'), t -> t <> ''))",
    R"(has_term(s, t) AS list_contains(
        regexp_split_to_array(lower(s), '[^\pL\pN]+'), lower(t)))",
};

constexpr std::array times{
    R"("current_timestamp"() AS get_current_timestamp())",
    R"("current_time"() AS CAST(timezone('UTC', get_current_timestamp()) AS TIME))",
    R"(current_datetime() AS timezone('UTC', get_current_timestamp()),
        (tz) AS timezone(tz, get_current_timestamp()))",
    R"(date_of(y, m, d) AS make_date(y, m, d), (x) AS CAST(x AS DATE),
        (ts, tz) AS CAST(timezone(tz, ts) AS DATE))",
    R"("time"(h, m, s) AS make_time(h, m, s), (x) AS CAST(x AS TIME),
        (ts, tz) AS CAST(timezone(tz, ts) AS TIME))",
    R"("datetime"(y, m, d, h, mi, s) AS make_timestamp(y, m, d, h, mi, s),
        (x) AS CAST(x AS TIMESTAMP), (ts, tz) AS timezone(tz, ts))",
    R"("timestamp"(dt) AS timezone('UTC', CAST(dt AS TIMESTAMP)),
        (dt, tz) AS timezone(tz, CAST(dt AS TIMESTAMP)))",
    R"(timestamp_seconds(n) AS make_timestamptz(CAST(n AS BIGINT) * 1000000))",
    R"(timestamp_millis(n) AS make_timestamptz(CAST(n AS BIGINT) * 1000))",
    R"(timestamp_micros(n) AS make_timestamptz(CAST(n AS BIGINT)))",
    R"(unix_seconds(ts) AS CAST(epoch_us(ts) // 1000000 AS BIGINT))",
    R"(unix_millis(ts) AS CAST(epoch_us(ts) // 1000 AS BIGINT))",
    R"(unix_micros(ts) AS epoch_us(ts))",
    // %E*S and %E6S: seconds with whatever is behind their point.
    R"(_parsed(f, s) AS CASE WHEN contains(f, '%E') AND NOT contains(s, '.')
        THEN strptime(s, regexp_replace(f, '%E[*0-9]S', '%S', 'g'))
        ELSE strptime(s, regexp_replace(f, '%E[*0-9]S', '%S.%f', 'g')) END)",
    R"(parse_datetime(f, s) AS CAST(memory._functions._parsed(f, s) AS TIMESTAMP))",
    R"(parse_date(f, s) AS CAST(memory._functions._parsed(f, s) AS DATE))",
    R"(parse_time(f, s) AS CAST(memory._functions._parsed(f, s) AS TIME))",
    // A format without a zone means UTC, or the zone that is given.
    R"(parse_timestamp(f, s) AS make_timestamptz(epoch_us(memory._functions._parsed(f, s))),
        (f, s, tz) AS CASE WHEN contains(f, '%z') OR contains(f, '%Z')
        THEN make_timestamptz(epoch_us(memory._functions._parsed(f, s)))
        ELSE timezone(tz, CAST(memory._functions._parsed(f, s) AS TIMESTAMP)) END)",
    R"(parse_date_iso8601(s) AS CAST(s AS DATE))",
    R"(parse_time_iso8601(s) AS CAST(s AS TIME))",
    R"(parse_datetime_iso8601(s) AS CAST(regexp_replace(s, 'Z$', '') AS TIMESTAMP))",
    R"(parse_timestamp_iso8601(s) AS CASE WHEN regexp_matches(s, '(Z|[+-][0-9]{2}(:?[0-9]{2})?)$')
        AND contains(s, ':') THEN CAST(s AS TIMESTAMPTZ)
        ELSE timezone('UTC', CAST(s AS TIMESTAMP)) END)",
    R"(format_date(f, d) AS strftime(CAST(d AS DATE), f))",
    R"(format_time(f, t) AS strftime(DATE '1970-01-01' + CAST(t AS TIME), f))",
    R"(format_datetime(f, d) AS strftime(CAST(d AS TIMESTAMP), f))",
    R"(format_timestamp(f, ts) AS strftime(timezone('UTC', ts), f),
        (f, ts, tz) AS strftime(timezone(tz, ts), f))",
    R"(format_iso8601(x) AS CASE system.main.typeof(x)
        WHEN 'TIMESTAMP WITH TIME ZONE' THEN
          strftime(make_timestamp(epoch_us(CAST(x AS TIMESTAMPTZ))), '%Y-%m-%dT%H:%M:%S.%fZ')
        WHEN 'TIMESTAMP' THEN strftime(CAST(x AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%f')
        ELSE CAST(x AS VARCHAR) END,
        (x, tz) AS strftime(timezone(tz, CAST(x AS TIMESTAMPTZ)), '%Y-%m-%dT%H:%M:%S.%f'))",
};

constexpr std::array intervals{
    R"(microseconds(n) AS to_microseconds(n))",
    R"(milliseconds(n) AS to_milliseconds(n))",
    R"(seconds(n) AS to_seconds(n))",
    R"(minutes(n) AS to_minutes(n))",
    R"(hours(n) AS to_hours(n))",
    R"(days(n) AS to_days(n))",
    R"(weeks(n) AS to_weeks(n))",
    R"(months(n) AS to_months(n))",
    R"(years(n) AS to_years(n))",
    R"(parse_duration_seconds(s) AS to_microseconds(CAST(1000000 * (
        86400 * coalesce(nullif(regexp_extract(s, '([0-9.]+)D', 1), '')::DOUBLE, 0) +
        3600 * coalesce(nullif(regexp_extract(s, '([0-9.]+)H', 1), '')::DOUBLE, 0) +
        60 * coalesce(nullif(regexp_extract(s, 'T.*?([0-9.]+)M', 1), '')::DOUBLE, 0) +
        coalesce(nullif(regexp_extract(s, '([0-9.]+)S', 1), '')::DOUBLE, 0)) AS BIGINT)))",
    R"(parse_duration_months(s) AS to_months(CAST(
        12 * coalesce(nullif(regexp_extract(s, '([0-9]+)Y', 1), '')::INTEGER, 0) +
        coalesce(nullif(regexp_extract(s, '^P[0-9Y]*?([0-9]+)M', 1), '')::INTEGER, 0) AS INTEGER)))",
    R"(duration_micros(i) AS epoch_us(i))",
    R"(duration_millis(i) AS epoch_us(i) // 1000)",
    R"(duration_seconds(i) AS epoch_us(i) / 1000000.0)",
    R"(duration_months(i) AS datepart('year', i) * 12 + datepart('month', i))",
};

constexpr std::array numbers{
    R"(hypot(x, y) AS sqrt(x * x + y * y))",
    R"(is_nan(x) AS isnan(CAST(x AS DOUBLE)))",
    R"(bitwise_not(x) AS ~x)",
    R"(bitwise_xor(x, y) AS xor(x, y))",
    R"(bitwise_and(x, y) AS x & y)",
    R"(bitwise_or(x, y) AS x | y)",
    R"(every(x) AS bool_and(x))",
    R"(bitwise_and_agg(x) AS bit_and(x))",
    R"(bitwise_or_agg(x) AS bit_or(x))",
    R"(approx_distinct(x) AS approx_count_distinct(x))",
    R"(approx_percentile(x, p) AS approx_quantile(x, p))",
    R"(map_agg(k, v) AS map(list(k), list(v)))",
    R"(hmap_agg(k, v) AS map(list(k), list(v)))",
    R"(object_agg(k, v) AS map(list(k), list(v)))",
};

constexpr std::array arrays{
    R"(array_flatten(a) AS flatten(a))",
    R"(array_join(a, d) AS array_to_string(a, d), (a, d, n) AS
        array_to_string(list_transform(a, x -> coalesce(CAST(x AS VARCHAR), n)), d))",
    R"(array_last_position(a, x) AS CASE WHEN list_contains(a, x)
        THEN len(a) + 1 - list_position(list_reverse(a), x) ELSE 0 END)",
    R"(array_remove(a, x) AS list_filter(a, v -> v IS DISTINCT FROM x))",
    R"(element_at(c, k) AS c[k])",
    R"(slice(a, b) AS a[b:], (a, b, n) AS a[b:b + n - 1])",
    R"(sequence(a, b) AS generate_series(a, b), (a, b, s) AS generate_series(a, b, s))",
    R"(array_except(a, b) AS list_distinct(list_filter(a, v -> NOT list_contains(b, v))))",
    R"(array_union(a, b) AS list_distinct(list_concat(a, b)))",
    R"(array_max(a) AS list_max(a))",
    R"(array_min(a) AS list_min(a))",
};

constexpr std::array objects{
    R"(object(k, v) AS map(k, v))",
    R"(zip(e) AS map_from_entries(e))",
    R"(keys(o) AS map_keys(o))",
    R"(items(o) AS map_entries(o))",
    R"(merge(a, b) AS map_concat(a, b))",
    R"(erase(o, k) AS map_from_entries(list_filter(map_entries(o), e -> e.key <> k)))",
    R"(json_parse(s) AS CAST(s AS JSON))",
    R"(json_format(x) AS CAST(shown_json(x) AS VARCHAR))",
    R"(to_json(x) AS shown_json(x))",
    R"(row_to_json(x) AS shown_json(x))",
    R"(array_to_json(x) AS shown_json(x))",
};

constexpr std::array vectors{
    R"(vector_enforce(v, n, t) AS CASE WHEN len(v) = n THEN v END)",
    R"(vector_add(a, b) AS list_transform(list_zip(a, b), p -> p[1] + p[2]))",
    R"(vector_subtract(a, b) AS list_transform(list_zip(a, b), p -> p[1] - p[2]))",
    R"(vector_multiply(a, b) AS list_transform(list_zip(a, b), p -> p[1] * p[2]))",
    R"(cosine_sim(a, b) AS list_cosine_similarity(a, b))",
    R"(dot_product(a, b) AS list_dot_product(a, b))",
    R"(euclidean_dist(a, b) AS list_distance(a, b))",
    R"(approx_dot_product(a, b) AS list_dot_product(a, b))",
    R"(approx_euclidean_dist(a, b) AS list_distance(a, b))",
};

std::string create(std::string_view macro) {
  return "CREATE OR REPLACE MACRO " + std::string(functions_schema) + "." + std::string(macro) +
         ";";
}

// name(), name(a), name(a, b) … with up to 16 parameters, which `each` makes expressions of.
std::string of_any_length(std::string_view name, std::string_view before, std::string_view after,
                          std::size_t least, std::string (*each)(const std::string& parameter)) {
  constexpr std::size_t most = 16;
  std::string macro(name);
  for (std::size_t n = least; n <= most; ++n) {
    std::string parameters;
    std::string body;
    for (std::size_t i = 0; i < n; ++i) {
      const std::string parameter = "p" + std::to_string(i);
      parameters += (i == 0 ? "" : ", ") + parameter;
      body += (i == 0 ? "" : ", ") + each(parameter);
    }
    macro += (n == least ? "(" : ", (") + parameters + ") AS " + std::string(before) + body +
             std::string(after);
  }
  return create(macro);
}

std::string itself(const std::string& parameter) {
  return parameter;
}

// Its text behind its length, or a letter for null: what several of them say has one reading.
std::string told_apart(const std::string& parameter) {
  return "coalesce(length(CAST(" + parameter + " AS VARCHAR)) || ':' || CAST(" + parameter +
         " AS VARCHAR), 'n')";
}

}  // namespace

Result<> register_rockset_macros(_duckdb_connection* connection) {
  std::string sql = "CREATE SCHEMA IF NOT EXISTS " + std::string(functions_schema) + ";";
  const auto add = [&](const auto& family) {
    for (const char* macro : family) sql += create(macro);
  };
  add(types);
  add(text);
  add(times);
  add(intervals);
  add(numbers);
  add(arrays);
  add(objects);
  add(vectors);
  sql += of_any_length("array_create", "list_value(", ")", 0, itself);
  sql += of_any_length("id_hash", "md5(concat(", "))", 1, told_apart);
  return run(connection, sql).context("register functions");
}

}  // namespace freshet::engine
