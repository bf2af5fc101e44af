#include "source/provider.h"

#include <fmt/core.h>

#include <array>
#include <utility>

#include "postgres/sqlstate.h"

namespace freshet::source {

using postgres::Connection;
using postgres::quoted;
using postgres::Rows;

namespace {

// What only the servers of one provider know.
constexpr auto telling_settings = std::to_array<std::string_view>(
    {"rds.extensions", "rds.logical_replication", "cloudsql.logical_decoding", "azure.extensions",
     "neon.endpoint_id", "supautils.privileged_extensions"});

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A setting of a loaded library is in pg_settings; one of the configuration file alone is not, but
// can be shown. One that may not be shown exists.
Result<bool> knows_setting(Connection& connection, std::string_view name) {
  const Rows rows = TRY(connection.query("SELECT 1 FROM pg_catalog.pg_settings WHERE name = " +
                                         postgres::literal(name)));
  if (!rows.rows.empty()) return true;
  if (connection.server_version() < 90600) return false;
  const auto shown = connection.query(
      fmt::format("SELECT pg_catalog.current_setting({}, true)", postgres::literal(name)));
  if (shown.ok()) return shown->rows.at(0)[0].has_value();
  if (shown.error().sqlstate == postgres::sqlstate::insufficient_privilege) return true;
  return Error(shown.error());
}

}  // namespace

std::span<const std::string_view> provider_settings() {
  return telling_settings;
}

std::string_view to_string(Provider provider) {
  switch (provider) {
    case Provider::SelfManaged: return "self_managed";
    case Provider::Rds: return "rds";
    case Provider::Aurora: return "aurora";
    case Provider::CloudSql: return "cloud_sql";
    case Provider::Azure: return "azure";
    case Provider::Supabase: return "supabase";
    case Provider::Neon: return "neon";
  }
  return "";
}

std::string_view title(Provider provider) {
  switch (provider) {
    case Provider::SelfManaged: return "self-managed";
    case Provider::Rds: return "Amazon RDS";
    case Provider::Aurora: return "Amazon Aurora";
    case Provider::CloudSql: return "Google Cloud SQL";
    case Provider::Azure: return "Azure Database for PostgreSQL";
    case Provider::Supabase: return "Supabase";
    case Provider::Neon: return "Neon";
  }
  return "";
}

Provider provider_of(const ProviderFacts& facts) {
  const auto has = [&](const char* setting) { return facts.settings.contains(setting); };
  if (facts.aurora_function) return Provider::Aurora;
  if (has("rds.extensions") || has("rds.logical_replication")) return Provider::Rds;
  if (has("cloudsql.logical_decoding")) return Provider::CloudSql;
  if (has("azure.extensions")) return Provider::Azure;
  if (has("neon.endpoint_id")) return Provider::Neon;
  if (has("supautils.privileged_extensions")) return Provider::Supabase;
  return Provider::SelfManaged;
}

Provider provider_of_host(std::string_view host) {
  if (host.ends_with(".rds.amazonaws.com")) {
    return contains(host, ".cluster-") ? Provider::Aurora : Provider::Rds;
  }
  if (host.ends_with(".postgres.database.azure.com")) return Provider::Azure;
  if (host.ends_with(".supabase.co") || host.ends_with(".supabase.com")) return Provider::Supabase;
  if (host.ends_with(".neon.tech")) return Provider::Neon;
  return Provider::SelfManaged;
}

Result<Provider> detect_provider(Connection& connection) {
  ProviderFacts facts;
  const Rows aurora = TRY(
      connection.query("SELECT count(*) FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n "
                       "ON n.oid = p.pronamespace WHERE p.proname = 'aurora_version' AND "
                       "n.nspname = 'pg_catalog'"));
  facts.aurora_function = aurora.rows.at(0)[0] != "0";
  for (const std::string_view name : telling_settings) {
    if (TRY(knows_setting(connection, name))) facts.settings.emplace(name);
  }
  return provider_of(facts);
}

std::string pooler_by_name(std::string_view host, std::string_view port) {
  if (contains(host, ".pooler.supabase.com")) return "Supabase's pooler";
  if (contains(host, "-pooler.") && host.ends_with(".neon.tech")) return "Neon's pooler";
  if (contains(host, ".proxy-") && host.ends_with(".rds.amazonaws.com")) return "RDS Proxy";
  if (contains(host, "pooler") || contains(host, "pgbouncer")) return "a pooler by its name";
  if (port == "6432") return "PgBouncer's usual port";
  if (port == "6543") return "the usual port of Supabase's pooler";
  return {};
}

}  // namespace freshet::source
