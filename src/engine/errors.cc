#include "engine/errors.h"

#include <algorithm>
#include <array>
#include <string>

#include "duckdb.h"
#include "engine/error_report.h"

namespace freshet::engine {

namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

struct Rule {
  std::string_view part;  // of the message
  const char* sqlstate;
};

template <std::size_t size>
const char* first_match(const std::array<Rule, size>& rules, std::string_view text,
                        const char* otherwise) {
  for (const Rule& rule : rules) {
    if (has(text, rule.part)) return rule.sqlstate;
  }
  return otherwise;
}

const char* catalog_state(const ErrorReport& report) {
  const bool exists =
      report.subtype == "ENTRY_ALREADY_EXISTS" || has(report.text, "already exists");
  if (has(report.entry, "Function")) return exists ? "42723" : "42883";
  if (report.entry == "Table" || report.entry == "View") return exists ? "42P07" : "42P01";
  if (report.entry == "Schema") return exists ? "42P06" : "3F000";
  if (!report.entry.empty()) return exists ? "42710" : "42704";
  static constexpr std::array<Rule, 6> rules = {{
      {"Table with name", "42P01"},
      {"View with name", "42P01"},
      {"Function with name", "42883"},
      {"Function with that name", "42883"},
      {"Schema with name", "3F000"},
      {"catalog", "3D000"},
  }};
  return first_match(rules, report.text, exists ? "42710" : "42704");
}

const char* binder_state(const ErrorReport& report) {
  if (report.subtype == "COLUMN_NOT_FOUND") return "42703";
  if (report.subtype == "NO_MATCHING_FUNCTION") return "42883";
  static constexpr std::array<Rule, 16> rules = {{
      {"does not have a column named", "42703"},
      {"cannot be referenced before it is defined", "42703"},
      {"not found in FROM clause", "42703"},
      {"because the FROM clause is missing", "42703"},
      {"Ambiguous reference to table", "42P09"},
      {"Ambiguous reference", "42702"},
      {"Referenced table", "42P01"},
      {"No function matches", "42883"},
      {"Could not choose a best candidate", "42725"},
      {"GROUP BY", "42803"},
      {"aggregate function", "42803"},
      {"window function", "42P20"},
      {"Cannot compare values", "42804"},
      {"Cannot mix values", "42804"},
      {"Duplicate alias", "42712"},
      {"same number of result columns", "42601"},
  }};
  return first_match(rules, report.text, "42000");
}

const char* conversion_state(std::string_view text) {
  static constexpr std::array<Rule, 5> rules = {{
      {"date field value out of range", "22008"},
      {"timestamp field value out of range", "22008"},
      {"time field value out of range", "22008"},
      {"out of range", "22003"},
      {"unicode", "22021"},
  }};
  return first_match(rules, text, "22P02");
}

const char* range_state(std::string_view text) {
  static constexpr std::array<Rule, 4> rules = {{
      {"square root of a negative", "2201F"},
      {"logarithm", "2201E"},
      {"timestamp", "22008"},
      {"date", "22008"},
  }};
  return first_match(rules, text, "22003");
}

const char* transaction_state(std::string_view text) {
  static constexpr std::array<Rule, 4> rules = {{
      {"is aborted", "25P02"},
      {"within a transaction", "25001"},
      {"no transaction is active", "25P01"},
      {"onflict", "40001"},
  }};
  return first_match(rules, text, "25000");
}

const char* constraint_state(std::string_view text) {
  static constexpr std::array<Rule, 4> rules = {{
      {"uplicate key", "23505"},
      {"NOT NULL", "23502"},
      {"CHECK", "23514"},
      {"foreign key", "23503"},
  }};
  return first_match(rules, text, "23000");
}

const char* io_state(std::string_view text) {
  return has(text, "Could not set lock") ? "55006" : "58030";
}

const char* input_state(std::string_view text) {
  static constexpr std::array<Rule, 6> rules = {{
      {"malformed array literal", "22P02"},
      {"numeric value out of range", "22003"},
      {"according to format specifier", "22007"},
      {"More than one row returned by a subquery", "21000"},
      {"unicode", "22021"},
      {"ivision by zero", "22012"},
  }};
  return first_match(rules, text, "22023");
}

// A full disk may be met anywhere, in the middle of a commit too.
const char* disk_state(std::string_view text) {
  static constexpr std::array<Rule, 3> rules = {{
      {"No space left", "53100"},
      {"Disk quota", "53100"},
      {"database has been invalidated", "58030"},
  }};
  return first_match(rules, text, nullptr);
}

const char* sqlstate(const ErrorReport& report) {
  if (const char* const state = disk_state(report.text)) return state;
  switch (report.kind) {
    case DUCKDB_ERROR_PARSER:
    case DUCKDB_ERROR_SYNTAX: return "42601";
    case DUCKDB_ERROR_CATALOG: return catalog_state(report);
    case DUCKDB_ERROR_BINDER: return binder_state(report);
    case DUCKDB_ERROR_CONVERSION: return conversion_state(report.text);
    case DUCKDB_ERROR_OUT_OF_RANGE: return range_state(report.text);
    case DUCKDB_ERROR_DECIMAL: return "22003";
    case DUCKDB_ERROR_DIVIDE_BY_ZERO: return "22012";
    case DUCKDB_ERROR_MISMATCH_TYPE: return "42804";
    case DUCKDB_ERROR_UNKNOWN_TYPE:
    case DUCKDB_ERROR_INVALID_TYPE: return "42704";
    case DUCKDB_ERROR_OBJECT_SIZE: return "54000";
    case DUCKDB_ERROR_INTERRUPT: return "57014";
    case DUCKDB_ERROR_OUT_OF_MEMORY: return "53200";
    case DUCKDB_ERROR_CONSTRAINT: return constraint_state(report.text);
    case DUCKDB_ERROR_TRANSACTION: return transaction_state(report.text);
    case DUCKDB_ERROR_IO: return io_state(report.text);
    case DUCKDB_ERROR_NOT_IMPLEMENTED:
    case DUCKDB_ERROR_MISSING_EXTENSION: return "0A000";
    case DUCKDB_ERROR_INVALID_INPUT: return input_state(report.text);
    case DUCKDB_ERROR_EXPRESSION:
    case DUCKDB_ERROR_SETTINGS: return "22023";
    case DUCKDB_ERROR_PERMISSION: return "42501";
    case DUCKDB_ERROR_PARAMETER_NOT_RESOLVED: return "42P18";
    case DUCKDB_ERROR_PARAMETER_NOT_ALLOWED: return "42P02";
    case DUCKDB_ERROR_DEPENDENCY: return "2BP01";
    case DUCKDB_ERROR_SEQUENCE: return "55000";
    case DUCKDB_ERROR_CONNECTION:
    case DUCKDB_ERROR_NETWORK: return "08000";
    case DUCKDB_ERROR_SERIALIZATION: return "XX001";
    default: return "XX000";
  }
}

Fault fault(const ErrorReport& report, std::string_view state) {
  if (state == "XX001" || has(report.text, "hecksum") || has(report.text, "orrupt")) {
    return Fault::Corruption;
  }
  for (const std::string_view passing : {"53100", "53200", "40001", "57014"}) {
    if (state == passing) return Fault::Transient;
  }
  return Fault::Permanent;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() &&
         std::string_view(" \n\t!.:").find(text.back()) != std::string_view::npos) {
    text.remove_suffix(1);
  }
  while (!text.empty() && std::string_view(" \n\t").find(text.front()) != std::string_view::npos) {
    text.remove_prefix(1);
  }
  return std::string(text);
}

// DuckDB's first line says what is wrong; advice and candidates follow it.
void split_text(std::string_view text, Error& error) {
  std::size_t cut = text.find('\n');
  for (const std::string_view advice : {". You might need to", ". In order to"}) {
    const std::size_t at = text.find(advice);
    if (at != std::string_view::npos) cut = std::min(cut, at + 1);
  }
  error.message = trimmed(text.substr(0, cut));
  if (cut == std::string_view::npos) return;
  std::string_view rest = text.substr(cut);
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\n')) rest.remove_prefix(1);
  while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\n')) rest.remove_suffix(1);
  error.hint = rest;
}

// Bytes from 0 to characters from 1, as PostgreSQL counts.
int character_position(std::string_view sql, std::size_t byte) {
  int characters = 1;
  for (const char c : sql.substr(0, std::min(byte, sql.size()))) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++characters;
  }
  return characters;
}

}  // namespace

Error engine_error(int kind, std::string_view raw, std::string_view sql) {
  const ErrorReport report = read_error(kind, raw, sql);
  Error error;
  error.sqlstate = sqlstate(report);
  error.fault = fault(report, error.sqlstate);
  split_text(report.text, error);
  if (error.sqlstate == "53100" && error.hint.empty()) {
    error.hint = "Free disk space in the data folder; Freshet goes on by itself.";
  }
  if (has(report.text, "database has been invalidated")) {
    error.hint = "The store met an error of the disk. Check the disk, then restart Freshet.";
  }
  if (error.message.empty()) error.message = "the engine failed without a reason";
  if (report.position && !sql.empty()) error.position = character_position(sql, *report.position);
  return error;
}

Error engine_error(std::string_view raw, std::string_view sql) {
  return engine_error(DUCKDB_ERROR_INVALID, raw, sql);
}

Error engine_error(duckdb_appender appender) {
  duckdb_error_data data = duckdb_appender_error_data(appender);
  const char* const message = duckdb_error_data_message(data);
  Error error = engine_error(duckdb_error_data_error_type(data), message == nullptr ? "" : message);
  duckdb_destroy_error_data(&data);
  return error;
}

}  // namespace freshet::engine
