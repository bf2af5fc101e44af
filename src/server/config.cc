#include "server/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <thread>

#include "base/file.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "query/control_create.h"

namespace freshet::server {

namespace {

Error bad_setting(std::string message, std::string hint) {
  Error error;
  error.sqlstate = "22023";
  error.message = std::move(message);
  error.hint = std::move(hint);
  return error;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 40 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string name_from(std::string_view database) {
  std::string name;
  for (const char c : database.substr(0, 40)) {
    const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    name.push_back(is_name({&lower, 1}) ? lower : '_');
  }
  return name.empty() ? "source" : name;
}

// Reads one table of the file; every key must be taken by somebody.
class TomlTable {
 public:
  TomlTable(const toml::table& table, std::string where)
      : table_(table), where_(std::move(where)) {}

  Result<> text(const char* key, std::string& into) { return take<std::string>(key, into); }
  template <typename Number>
  Result<> number(const char* key, Number& into) {
    std::int64_t value = static_cast<std::int64_t>(into);
    TRY(take<std::int64_t>(key, value));
    if (value < 0) return bad_setting(fmt::format("{}{} is negative", where_, key), {});
    into = static_cast<Number>(value);
    return {};
  }
  Result<> truth(const char* key, bool& into) { return take<bool>(key, into); }
  Result<> texts(const char* key, std::vector<std::string>& into) {
    known_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr) return wrong_type(key, "an array of texts");
    for (const toml::node& item : *array) {
      const auto text = item.value_exact<std::string>();
      if (!text) return wrong_type(key, "an array of texts");
      into.push_back(*text);
    }
    return {};
  }
  // A number of megabytes in the file.
  Result<> megabytes(const char* key, std::uint64_t& bytes) {
    std::uint64_t value = bytes >> 20;
    TRY(number(key, value));
    bytes = value << 20;
    return {};
  }
  void also(const char* key) { known_.insert(key); }

  Result<> nothing_else() const {
    for (const auto& [key, node] : table_) {
      if (known_.contains(std::string(key.str()))) continue;
      std::string known;
      for (const std::string& name : known_) known += (known.empty() ? "" : ", ") + name;
      return bad_setting(fmt::format("unknown setting {}{} in line {}", where_, key.str(),
                                     node.source().begin.line),
                         "Known here: " + known + ".");
    }
    return {};
  }

 private:
  template <typename T>
  Result<> take(const char* key, T& into) {
    known_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const auto value = node->value_exact<T>();
    if (!value) return wrong_type(key, name_of<T>());
    into = *value;
    return {};
  }
  template <typename T>
  static constexpr std::string_view name_of() {
    if (std::is_same_v<T, std::string>) return "a text";
    return std::is_same_v<T, bool> ? "true or false" : "a whole number";
  }
  Error wrong_type(const char* key, std::string_view wanted) const {
    return bad_setting(fmt::format("setting {}{} must be {}", where_, key, wanted), {});
  }

  const toml::table& table_;
  std::string where_;
  std::set<std::string> known_;
};

// A [[source.collection]], as the statement that would make it.
Result<query::CreateCollection> read_collection(const toml::table& table) {
  TomlTable reader(table, "source.collection.");
  std::string name;
  std::string from;
  std::string sql;
  std::string retention;
  std::string on_error = "reject";
  std::vector<std::string> primary_key;
  TRY(reader.text("name", name));
  TRY(reader.text("from", from));
  TRY(reader.text("sql", sql));
  TRY(reader.texts("primary_key", primary_key));
  TRY(reader.text("retention", retention));
  TRY(reader.text("on_error", on_error));
  TRY(reader.nothing_else());
  const std::string statement =
      fmt::format("CREATE OR REPLACE COLLECTION {} FROM {} AS {}", name, from, sql);
  auto command = query::parse_create(statement, query::tokenize(statement));
  if (!command.ok() || !*command) {
    return bad_setting(
        fmt::format("the collection \"{}\" cannot be read: {}", name,
                    command.ok() ? "no definition" : command.error().message),
        "It has name = \"[schema.]name\", from = \"[schema.]table\" and sql = \"SELECT … FROM "
        "_input\".");
  }
  auto collection = std::get<query::CreateCollection>(std::move(**command));
  collection.sql_position = 0;
  if (collection.table_schema.empty()) collection.table_schema = "public";
  if (collection.schema.empty()) collection.schema = collection.table_schema;
  collection.definition.primary_key = std::move(primary_key);
  if (!retention.empty()) {
    collection.definition.retention = TRY(query::parse_retention(retention));
  }
  collection.definition.on_error = TRY(query::parse_on_error(on_error));
  return collection;
}

Result<> read_collections(const toml::table& table, SourceConfig& source) {
  if (!table.contains("collection")) return {};
  const toml::array* collections = table["collection"].as_array();
  for (std::size_t i = 0; collections != nullptr && i < collections->size(); ++i) {
    const toml::table* collection = (*collections)[i].as_table();
    if (collection == nullptr) break;
    source.collections.push_back(TRY(read_collection(*collection)));
  }
  if (collections != nullptr && source.collections.size() == collections->size()) return {};
  return bad_setting("collection must be written as [[source.collection]]", {});
}

Result<SourceConfig> read_source(const toml::table& table) {
  SourceConfig source;
  TomlTable reader(table, "source.");
  TRY(reader.text("name", source.name));
  TRY(reader.text("url", source.url));
  TRY(reader.texts("tables", source.tables));
  std::string on_lost_slot = "stop";
  TRY(reader.text("on_lost_slot", on_lost_slot));
  std::string protocol = "auto";
  TRY(reader.text("protocol", protocol));
  TRY(reader.truth("streaming", source.streaming));
  TRY(reader.truth("event_trigger", source.event_trigger));
  TRY(reader.megabytes("stream_mb_max", source.stream_bytes_max));
  std::int64_t keep_minutes = 0;
  std::uint64_t keep_bytes = 0;
  TRY(reader.number("stream_keep_minutes", keep_minutes));
  TRY(reader.megabytes("stream_keep_mb", keep_bytes));
  reader.also("collection");
  TRY(read_collections(table, source));
  source.keep.age_max = std::chrono::minutes(keep_minutes);
  if (keep_bytes > 0) source.keep.bytes_max = keep_bytes;
  TRY(reader.nothing_else());
  if (on_lost_slot != "stop" && on_lost_slot != "resync") {
    return bad_setting("setting source.on_lost_slot is \"" + on_lost_slot + "\"",
                       "It is \"stop\" or \"resync\".");
  }
  source.on_lost_slot = on_lost_slot == "stop" ? OnLostSlot::Stop : OnLostSlot::Resync;
  source.protocol = TRY(parse_protocol(protocol).context("setting source.protocol"));
  if (source.url.empty()) {
    return bad_setting("a [[source]] has no url", "Add url = \"postgresql://user@host/database\".");
  }
  if (source.name.empty()) source.name = name_from(postgres::database_name(source.url));
  return source;
}

}  // namespace

Result<SourceConfig> parse_source(const std::string& text) {
  SourceConfig source;
  source.url = text;
  // NAME=URL and a key=value connection string look alike: a name is followed by a URI or by
  // another key=value pair ("shop=host=db dbname=shop").
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && is_name(text.substr(0, equals))) {
    const std::string rest = text.substr(equals + 1);
    const std::size_t end = rest.find_first_of(" =/");
    const bool is_uri = rest.starts_with("postgresql://") || rest.starts_with("postgres://");
    if (is_uri || (end != std::string::npos && rest[end] == '=')) {
      source.name = text.substr(0, equals);
      source.url = rest;
    }
  }
  if (source.url.find("://") == std::string::npos && source.url.find('=') == std::string::npos) {
    return bad_setting("not a source: \"" + postgres::without_secrets(text) + "\"",
                       "Give [NAME=]URL, for example shop=postgresql://app@db.example/shop.");
  }
  if (source.name.empty()) source.name = name_from(postgres::database_name(source.url));
  return source;
}

Result<Config> read_config(const std::filesystem::path& file, Config defaults) {
  Config config = std::move(defaults);
  const std::string text = TRY(read_text(file).context("read configuration"));
  toml::table root;
  try {
    root = toml::parse(text, file.string());
  } catch (const toml::parse_error& problem) {
    return bad_setting(fmt::format("{} line {}: {}", file.string(), problem.source().begin.line,
                                   problem.description()),
                       {});
  }
  TomlTable reader(root, "");
  std::string data = config.data.string();
  auto ready_lag_ms = config.ready_lag_max.count();
  TRY(reader.text("data", data));
  TRY(reader.text("listen", config.listen));
  TRY(reader.number("sql_port", config.sql_port));
  TRY(reader.number("http_port", config.http_port));
  TRY(reader.number("copy_workers", config.copy_workers));
  TRY(reader.number("connections_max", config.connections_max));
  TRY(reader.megabytes("memory_mb_max", config.memory_bytes_max));
  TRY(reader.megabytes("disk_free_mb_min", config.disk_free_bytes_min));
  TRY(reader.number("ready_lag_ms_max", ready_lag_ms));
  reader.also("source");
  TRY(reader.nothing_else().context(file.string()));
  config.data = data;
  config.ready_lag_max = std::chrono::milliseconds(ready_lag_ms);
  if (const toml::array* sources = root["source"].as_array()) {
    for (const toml::node& node : *sources) {
      const toml::table* table = node.as_table();
      if (table == nullptr) return bad_setting("source must be written as [[source]]", {});
      config.sources.push_back(TRY(read_source(*table).context(file.string())));
    }
  } else if (root.contains("source")) {
    return bad_setting("source must be written as [[source]]", {});
  }
  return config;
}

Result<std::optional<postgres::Plugin>> parse_protocol(const std::string& text) {
  using Protocol = std::optional<postgres::Plugin>;
  if (text == "auto") return Protocol();
  for (const auto plugin : {postgres::Plugin::Pgoutput, postgres::Plugin::TestDecoding}) {
    if (text == postgres::plugin_name(plugin)) return Protocol(plugin);
  }
  return bad_setting("the protocol is \"" + text + "\"",
                     "It is \"auto\", \"pgoutput\" or \"test_decoding\".");
}

postgres::Plugin plugin_for(const SourceConfig& source, int server_version) {
  return source.protocol.value_or(postgres::best_plugin(server_version));
}

unsigned default_copy_workers() {
  return std::clamp(std::thread::hardware_concurrency(), 2U, 4U);
}

Result<> check(const SourceConfig& source) {
  if (!is_name(source.name)) {
    return bad_setting("not a name for a source: \"" + source.name + "\"",
                       "Use lower-case letters, digits and _, at most 40.");
  }
  TRY(postgres::TablePatterns::parse(source.tables).context("tables of source " + source.name));
  return {};
}

Result<> check(const Config& config) {
  if (config.sources.empty()) {
    return bad_setting(
        "no source to mirror",
        "Give --source postgresql://user@host/database, or a [[source]] in freshet.toml.");
  }
  std::set<std::string> names;
  for (const SourceConfig& source : config.sources) {
    TRY(check(source));
    if (!names.insert(source.name).second) {
      return bad_setting("two sources are called " + source.name,
                         "Name them: --source first=URL --source second=URL.");
    }
  }
  for (const int port : {config.sql_port, config.http_port}) {
    if (port < 0 || port > 65535) return bad_setting(fmt::format("no such port: {}", port), {});
  }
  if (config.sql_port != 0 && config.sql_port == config.http_port) {
    return bad_setting("the SQL port and the HTTP port are the same", {});
  }
  if (config.listen != "localhost" && config.listen != "::1" &&
      !config.listen.starts_with("127.")) {
    return bad_setting(
        "refusing to listen on " + config.listen,
        "Clients are let in without a password, so only loopback addresses are allowed; "
        "use an SSH tunnel or a proxy that authenticates.");
  }
  if (config.copy_workers == 0 || config.copy_workers > copy_workers_max) {
    return bad_setting(
        fmt::format("copy_workers is {}", config.copy_workers),
        fmt::format("It is 1 to {}: each is a connection to the source.", copy_workers_max));
  }
  return {};
}

}  // namespace freshet::server
