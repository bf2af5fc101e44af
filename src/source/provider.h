// Who runs a source's server, and what that changes: the same problem is mended by ALTER SYSTEM on
// a server of one's own, in a parameter group on RDS, by a flag on Cloud SQL.
//
// Told by what only that provider's servers have (a setting, a function), and by the host's name
// when no connection comes to be. The texts name the provider's own commands.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "postgres/connection.h"

namespace freshet::source {

enum class Provider : std::uint8_t { SelfManaged, Rds, Aurora, CloudSql, Azure, Supabase, Neon };

std::string_view to_string(Provider provider);  // "self_managed", "rds", …: for programs
std::string_view title(Provider provider);      // "Amazon RDS": for people

struct ProviderFacts {
  bool aurora_function = false;    // pg_catalog.aurora_version exists
  std::set<std::string> settings;  // which of provider_settings() the server knows
};
std::span<const std::string_view> provider_settings();
Provider provider_of(const ProviderFacts& facts);

Result<Provider> detect_provider(postgres::Connection& connection);
// By the host of a URL; SelfManaged when it tells nothing.
Provider provider_of_host(std::string_view host);

// How to set a server setting. Several lines are several steps.
struct ServerSetting {
  std::string_view name;
  std::string_view value;
  bool needs_restart = false;
};
std::string how_to_set(Provider provider, const ServerSetting& setting);
// The same for what makes WAL decodable, which several providers call otherwise.
std::string how_to_enable_decoding(Provider provider);
// `role` and `owner` are names as the catalog has them.
std::string how_to_allow_replication(Provider provider, const std::string& role);
std::string how_to_bypass_row_security(Provider provider, const std::string& role,
                                       const std::string& owner);
// A connection that the server's access rules refuse. `client` is our address as the server sees
// it.
struct Entrance {
  std::string database;
  std::string role;
  std::string client;
};
std::string how_to_let_in(Provider provider, const Entrance& entrance);
// Past the pooler at `host`.
std::string how_to_connect_directly(Provider provider, std::string_view host);

// A pooler by its name or its usual port: what it probably is ("PgBouncer's usual port"), or "".
std::string pooler_by_name(std::string_view host, std::string_view port);

}  // namespace freshet::source
