// The output plugin of a replication slot: what puts the source's changes into bytes.
#pragma once

#include <cstdint>
#include <string_view>

namespace freshet::postgres {

enum class Plugin : std::uint8_t {
  Pgoutput,      // 10 and newer: publications, types, TRUNCATE (11), binary values (14)
  TestDecoding,  // everywhere; lines of text, and every table of the database
};

// As the server knows it.
constexpr std::string_view plugin_name(Plugin plugin) {
  return plugin == Plugin::Pgoutput ? "pgoutput" : "test_decoding";
}

constexpr Plugin best_plugin(int server_version) {
  return server_version >= 100000 ? Plugin::Pgoutput : Plugin::TestDecoding;
}

}  // namespace freshet::postgres
