// What was set: flags and freshet.toml, parsed once into plain structs.
// docs/operating/configuration.md lists every setting with its default and unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "postgres/plugin.h"
#include "query/commands.h"
#include "stream/retention.h"

namespace freshet::server {

// What to do when a source does not continue what we have of it (source::is_stale).
enum class OnLostSlot {
  Stop,    // and wait to be told
  Resync,  // copy its tables again
};

struct SourceConfig {
  std::string name;                 // [a-z0-9_]+; the database's name when not given
  std::string url;                  // libpq URI or key=value string
  std::vector<std::string> tables;  // patterns; empty: every table outside system schemas
  OnLostSlot on_lost_slot = OnLostSlot::Stop;
  std::optional<postgres::Plugin> protocol{};  // nothing: the best that the server has
  bool streaming = true;  // large transactions are received while they run (14+)
  // Triggers on the source tell of altered tables, where its role may make them (14+).
  bool event_trigger = true;
  // Receiving rests while more than this waits in the stream to be applied; 0: no limit.
  std::uint64_t stream_bytes_max = 0;
  stream::Retention keep{};  // of what nobody needs any more of the stream
  // Made, or made anew, when their definition is another than what is recorded.
  std::vector<query::CreateCollection> collections{};
};

// "auto", which is nothing, or the name of a plugin.
Result<std::optional<postgres::Plugin>> parse_protocol(const std::string& text);

// What the source's slot is made with, and followed through.
postgres::Plugin plugin_for(const SourceConfig& source, int server_version);

// As many as the machine has cores, within what a source bears without noticing much: 2 to 4.
unsigned default_copy_workers();
constexpr unsigned copy_workers_max = 64;

struct Config {
  std::filesystem::path data = "freshet-data";
  std::vector<SourceConfig> sources;
  std::string listen = "127.0.0.1";
  int sql_port = 5433;                              // 0: a free one
  int http_port = 8080;                             // 0: a free one
  unsigned copy_workers = default_copy_workers();   // connections that copy, per source
  std::uint64_t memory_bytes_max = 0;               // of the engine; 0: half of the machine's
  unsigned connections_max = 100;                   // SQL clients
  std::chrono::milliseconds ready_lag_max{10'000};  // /health/ready fails above
  // Receiving rests while less than this is free on our disk, but for a small disk a twentieth of
  // it; 0: until it is full.
  std::uint64_t disk_free_bytes_min = 1ULL << 30;
};

// "[NAME=]URL". The name defaults to the database's.
Result<SourceConfig> parse_source(const std::string& text);

// Reads a freshet.toml over `defaults`. Unknown keys are errors (22023), with the line.
Result<Config> read_config(const std::filesystem::path& file, Config defaults);

// Refuses a name or a pattern that cannot be.
Result<> check(const SourceConfig& source);

// Refuses what cannot work: no source, two sources of one name, a listening address that is not
// loopback (there are no passwords yet), ports out of range.
Result<> check(const Config& config);

}  // namespace freshet::server
