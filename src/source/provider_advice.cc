// The texts that say how a problem is mended, per provider.
#include <fmt/core.h>

#include "source/provider.h"

namespace freshet::source {

using postgres::quoted;

namespace {

std::string in_parameter_group(std::string_view which, std::string_view setting,
                               std::string_view reboot) {
  return fmt::format("In the {} parameter group: {}{}", which, setting,
                     reboot.empty() ? std::string() : fmt::format("\nThen reboot {}.", reboot));
}

}  // namespace

std::string how_to_set(Provider provider, const ServerSetting& setting) {
  const std::string assignment = fmt::format("{} = {}", setting.name, setting.value);
  const bool restart = setting.needs_restart;
  switch (provider) {
    case Provider::SelfManaged:
      return fmt::format("ALTER SYSTEM SET {} = '{}';\n{}", setting.name, setting.value,
                         restart ? "Then restart PostgreSQL." : "SELECT pg_reload_conf();");
    case Provider::Rds:
      return in_parameter_group("instance's", assignment, restart ? "the instance" : "");
    case Provider::Aurora:
      return in_parameter_group("cluster's", assignment, restart ? "the writer" : "");
    case Provider::CloudSql:
      return fmt::format(
          "gcloud sql instances patch INSTANCE --database-flags={}={}\n"
          "Name the flags that are set already as well, or they are taken away.{}",
          setting.name, setting.value, restart ? " The instance restarts." : "");
    case Provider::Azure:
      return fmt::format(
          "az postgres flexible-server parameter set --resource-group GROUP --server-name SERVER "
          "--name {} --value {}{}",
          setting.name, setting.value,
          restart ? "\naz postgres flexible-server restart --resource-group GROUP --name SERVER"
                  : "");
    case Provider::Supabase:
      return fmt::format(
          "supabase --experimental --project-ref PROJECT postgres-config update --config {}={}{}",
          setting.name, setting.value, restart ? "\nThe project's database restarts." : "");
    case Provider::Neon:
      return fmt::format("Neon decides on {} itself: ask its support for {}.", setting.name,
                         assignment);
  }
  return {};
}

std::string how_to_enable_decoding(Provider provider) {
  switch (provider) {
    case Provider::SelfManaged:
      return how_to_set(provider, {.name = "wal_level", .value = "logical", .needs_restart = true});
    case Provider::Rds:
    case Provider::Aurora:
      return how_to_set(provider,
                        {.name = "rds.logical_replication", .value = "1", .needs_restart = true});
    case Provider::CloudSql:
      return how_to_set(
          provider, {.name = "cloudsql.logical_decoding", .value = "on", .needs_restart = true});
    case Provider::Azure:
      return how_to_set(provider, {.name = "wal_level", .value = "logical", .needs_restart = true});
    case Provider::Supabase:
      return "Supabase's databases have wal_level = logical: restart the project (Project "
             "Settings, "
             "General), and ask its support if it stays as it is.";
    case Provider::Neon:
      return "In Neon's console: Project settings, Logical Replication, Enable.\n"
             "It cannot be taken back, and restarts the project's computes.";
  }
  return {};
}

std::string how_to_allow_replication(Provider provider, const std::string& role) {
  const std::string name = quoted(role);
  switch (provider) {
    case Provider::SelfManaged: return fmt::format("ALTER ROLE {} REPLICATION;", name);
    case Provider::Rds:
    case Provider::Aurora: return fmt::format("GRANT rds_replication TO {};", name);
    case Provider::CloudSql:
      return fmt::format("ALTER ROLE {} REPLICATION;  -- as a member of cloudsqlsuperuser", name);
    case Provider::Azure:
      return fmt::format("ALTER ROLE {} REPLICATION;  -- as the server's administrator", name);
    case Provider::Supabase: return fmt::format("ALTER ROLE {} REPLICATION;  -- as postgres", name);
    case Provider::Neon:
      return fmt::format(
          "Make the role in Neon's console or with `neonctl roles create --name {}`: such roles "
          "may "
          "replicate, a role that was made by SQL may not.",
          role);
  }
  return {};
}

std::string how_to_bypass_row_security(Provider provider, const std::string& role,
                                       const std::string& owner) {
  // Whoever has the owner's rights is not held by the owner's policies, except forced ones.
  const std::string as_owner = fmt::format("GRANT {} TO {};", quoted(owner), quoted(role));
  std::string bypass = fmt::format("ALTER ROLE {} BYPASSRLS;", quoted(role));
  switch (provider) {
    case Provider::SelfManaged:
    case Provider::Supabase: return bypass;
    case Provider::Rds:
    case Provider::Aurora:
    case Provider::CloudSql:
    case Provider::Azure:
    case Provider::Neon:
      return bypass + "\nWhere nobody may grant that: " + as_owner +
             "  -- enough unless the table forces its policies on its owner";
  }
  return {};
}

std::string how_to_let_in(Provider provider, const Entrance& entrance) {
  const std::string client = entrance.client.empty() ? "ADDRESS/32" : entrance.client;
  switch (provider) {
    case Provider::SelfManaged:
      return fmt::format(
          "Add to pg_hba.conf, above what refuses it:\n"
          "host  {}  {}  {}  scram-sha-256\n"
          "SELECT pg_reload_conf();",
          entrance.database, entrance.role, client);
    case Provider::Rds:
    case Provider::Aurora:
      return fmt::format(
          "Let {} in by the security group; rds.force_ssl = 1 wants sslmode=require.", client);
    case Provider::CloudSql:
      return fmt::format(
          "gcloud sql instances patch INSTANCE --authorized-networks={}\n"
          "Name the networks that are let in already as well.",
          client);
    case Provider::Azure:
      return fmt::format("Let {} in by the server's firewall rules, and use sslmode=require.",
                         client);
    case Provider::Supabase:
      return fmt::format("Let {} in under Database Settings, Network Restrictions.", client);
    case Provider::Neon:
      return fmt::format("Let {} in under the project's IP Allow, and use sslmode=require.",
                         client);
  }
  return {};
}

std::string how_to_connect_directly(Provider provider, std::string_view host) {
  switch (provider) {
    case Provider::SelfManaged:
    case Provider::CloudSql:
      return "Give the URL of PostgreSQL itself: its own host and port, usually 5432.";
    case Provider::Rds: return "Give the endpoint of the instance instead of the proxy's.";
    case Provider::Aurora: return "Give the cluster's writer endpoint instead of the proxy's.";
    case Provider::Azure:
      return "Give port 5432, which is PostgreSQL itself; 6432 is the built-in PgBouncer.";
    case Provider::Supabase:
      return "Give the direct connection: db.PROJECT.supabase.co, port 5432. It has an IPv6 "
             "address "
             "only, unless the project has the IPv4 add-on.";
    case Provider::Neon: {
      std::string direct(host);
      const std::size_t at = direct.find("-pooler.");
      if (at == std::string::npos) return "Give the host without -pooler in its name.";
      return "Give the direct host: " + direct.erase(at, std::string_view("-pooler").size());
    }
  }
  return {};
}

}  // namespace freshet::source
