#include <algorithm>
#include <array>

#include "query/rewrite.h"

namespace freshet::query {
namespace {

// Schemas that hold rows, definitions and helpers; always written with a dot behind.
constexpr std::array private_schemas = {"_segments",    "_meta",   "_catalog",
                                        "_information", "_engine", "_functions"};

// The engine's relations that show its insides, with or without parentheses.
constexpr std::array private_prefixes = {"duckdb_", "pragma_", "sqlite_"};

// Functions that read files, run text as SQL, or reach into the process.
constexpr std::array private_function_prefixes = {
    "read_", "parquet_", "enable_", "disable_", "icu_calendar", "from_substrait", "st_read"};
constexpr std::array private_functions = {"arrow_scan",
                                          "arrow_scan_dumb",
                                          "checkpoint",
                                          "force_checkpoint",
                                          "getenv",
                                          "glob",
                                          "given_rows",
                                          "live",
                                          "pandas_scan",
                                          "query",
                                          "query_table",
                                          "seq_scan",
                                          "sniff_csv",
                                          "sql_auto_complete",
                                          "which_secret",
                                          "write_log",
                                          "python_map_function",
                                          "arrow_scan_deprecated",
                                          "truncate_duckdb_logs",
                                          "copy_database",
                                          "json_execute_serialized_sql",
                                          "set_config_file",
                                          "index_scan",
                                          "parse_duckdb_log_message",
                                          "getvariable",
                                          "nextval",
                                          "numeric_avg",  // see take_our_aggregate
                                          "numeric_sum",
                                          "setseed"};

bool starts_with_any(std::string_view name, const auto& prefixes) {
  return std::ranges::any_of(prefixes,
                             [&](const char* prefix) { return name.starts_with(prefix); });
}

bool is_any(std::string_view name, const auto& names) {
  return std::ranges::any_of(names, [&](const char* each) { return name == each; });
}

Error denied(const Token& token, const std::string& what) {
  Error error{.sqlstate = "42501",
              .message = "permission denied for " + what + " " + token.name(),
              .hint = "Query the collections; freshet.tables lists them."};
  error.position = static_cast<int>(token.begin) + 1;
  return error;
}

}  // namespace

Result<> check_allowed(const std::vector<Token>& tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    const bool adjacent = i + 1 < tokens.size() && tokens[i + 1].kind == TokenKind::String &&
                          tokens[i + 1].begin == token.end();
    if (adjacent && (token.is("x") || token.is("b") || token.is("u"))) {
      return Error{.sqlstate = "0A000", .message = "bit strings are not supported"};
    }
    // SHOW as a subquery lists the engine's tables; as a statement it shows settings.
    if (token.is("show") && i > 0 && tokens[i - 1].is("(")) return denied(token, "statement");
    if (!token.is_name()) continue;
    const std::string name = lower(token.name());
    const bool before_dot = i + 1 < tokens.size() && tokens[i + 1].is(".");
    const bool before_paren = i + 1 < tokens.size() && tokens[i + 1].is("(");
    if (before_dot && is_any(name, private_schemas)) return denied(token, "schema");
    const bool is_column = i > 0 && tokens[i - 1].is("as");
    if (starts_with_any(name, private_prefixes) && !is_column) return denied(token, "relation");
    if (before_paren &&
        (is_any(name, private_functions) || starts_with_any(name, private_function_prefixes)))
      return denied(token, "function");
  }
  return {};
}

}  // namespace freshet::query
