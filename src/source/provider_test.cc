#include "source/provider.h"

#include <gtest/gtest.h>

#include <array>

#include "postgres/shared_scratch_server.h"

namespace freshet::source {
namespace {

constexpr auto everyone =
    std::to_array({Provider::SelfManaged, Provider::Rds, Provider::Aurora, Provider::CloudSql,
                   Provider::Azure, Provider::Supabase, Provider::Neon});

bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(ProviderOf, GoesByWhatOnlyOneProviderHas) {
  EXPECT_EQ(provider_of({}), Provider::SelfManaged);
  EXPECT_EQ(provider_of({.settings = {"rds.extensions"}}), Provider::Rds);
  EXPECT_EQ(provider_of({.settings = {"rds.logical_replication"}}), Provider::Rds);
  EXPECT_EQ(provider_of({.aurora_function = true, .settings = {"rds.extensions"}}),
            Provider::Aurora);
  EXPECT_EQ(provider_of({.settings = {"cloudsql.logical_decoding"}}), Provider::CloudSql);
  EXPECT_EQ(provider_of({.settings = {"azure.extensions"}}), Provider::Azure);
  EXPECT_EQ(provider_of({.settings = {"neon.endpoint_id"}}), Provider::Neon);
  EXPECT_EQ(provider_of({.settings = {"supautils.privileged_extensions"}}), Provider::Supabase);
}

TEST(ProviderOf, GoesByTheHostWhenThereIsNoConnection) {
  EXPECT_EQ(provider_of_host("shop.abc123.eu-west-1.rds.amazonaws.com"), Provider::Rds);
  EXPECT_EQ(provider_of_host("shop.cluster-abc.eu-west-1.rds.amazonaws.com"), Provider::Aurora);
  EXPECT_EQ(provider_of_host("shop.postgres.database.azure.com"), Provider::Azure);
  EXPECT_EQ(provider_of_host("aws-0-eu-west-1.pooler.supabase.com"), Provider::Supabase);
  EXPECT_EQ(provider_of_host("db.abcdef.supabase.co"), Provider::Supabase);
  EXPECT_EQ(provider_of_host("ep-cool-1.eu-central-1.aws.neon.tech"), Provider::Neon);
  EXPECT_EQ(provider_of_host("db.example"), Provider::SelfManaged);
}

TEST(DetectProvider, FindsNothingSpecialOnAServerOfOnesOwn) {
  const auto connection = postgres::connect_to_new_database("provider");
  EXPECT_EQ(detect_provider(*connection).value(), Provider::SelfManaged);
}

TEST(Advice, TellsHowEachProviderMakesWalDecodable) {
  EXPECT_TRUE(mentions(how_to_enable_decoding(Provider::SelfManaged),
                       "ALTER SYSTEM SET wal_level = 'logical';\nThen restart PostgreSQL."));
  EXPECT_TRUE(mentions(how_to_enable_decoding(Provider::Rds), "instance's parameter group"));
  EXPECT_TRUE(mentions(how_to_enable_decoding(Provider::Rds), "rds.logical_replication = 1"));
  EXPECT_TRUE(mentions(how_to_enable_decoding(Provider::Aurora), "cluster's parameter group"));
  EXPECT_TRUE(mentions(how_to_enable_decoding(Provider::Aurora), "reboot the writer"));
  EXPECT_TRUE(mentions(how_to_enable_decoding(Provider::CloudSql),
                       "--database-flags=cloudsql.logical_decoding=on"));
  EXPECT_TRUE(
      mentions(how_to_enable_decoding(Provider::Azure), "--name wal_level --value logical"));
  EXPECT_TRUE(mentions(how_to_enable_decoding(Provider::Supabase), "restart the project"));
  EXPECT_TRUE(mentions(how_to_enable_decoding(Provider::Neon), "Logical Replication, Enable"));
}

TEST(Advice, TellsHowEachProviderSetsASetting) {
  const ServerSetting slots{.name = "max_replication_slots", .value = "20", .needs_restart = true};
  for (const Provider provider : everyone) {
    const std::string how = how_to_set(provider, slots);
    EXPECT_TRUE(mentions(how, "max_replication_slots")) << how;
    EXPECT_TRUE(mentions(how, "20")) << how;
  }
  EXPECT_TRUE(mentions(how_to_set(Provider::Rds, slots), "reboot the instance"));
  EXPECT_TRUE(mentions(how_to_set(Provider::Azure, slots), "flexible-server restart"));
  EXPECT_TRUE(mentions(how_to_set(Provider::Supabase, slots),
                       "postgres-config update --config max_replication_slots=20"));
  const ServerSetting dynamic{.name = "max_slot_wal_keep_size", .value = "50GB"};
  EXPECT_TRUE(mentions(how_to_set(Provider::SelfManaged, dynamic), "pg_reload_conf()"));
  EXPECT_FALSE(mentions(how_to_set(Provider::Rds, dynamic), "reboot"));
}

TEST(Advice, TellsHowEachProviderLetsARoleReplicate) {
  EXPECT_EQ(how_to_allow_replication(Provider::SelfManaged, "cdc"),
            "ALTER ROLE \"cdc\" REPLICATION;");
  EXPECT_EQ(how_to_allow_replication(Provider::Rds, "cdc"), "GRANT rds_replication TO \"cdc\";");
  EXPECT_EQ(how_to_allow_replication(Provider::Aurora, "cdc"), "GRANT rds_replication TO \"cdc\";");
  for (const Provider provider : {Provider::CloudSql, Provider::Azure, Provider::Supabase}) {
    EXPECT_TRUE(
        how_to_allow_replication(provider, "cdc").starts_with("ALTER ROLE \"cdc\" REPLICATION;"));
  }
  EXPECT_TRUE(mentions(how_to_allow_replication(Provider::Neon, "cdc"), "roles create --name cdc"));
}

TEST(Advice, OffersTheOwnersRightsWhereNobodyMayGrantBypassrls) {
  EXPECT_EQ(how_to_bypass_row_security(Provider::SelfManaged, "cdc", "app"),
            "ALTER ROLE \"cdc\" BYPASSRLS;");
  EXPECT_TRUE(mentions(how_to_bypass_row_security(Provider::Rds, "cdc", "app"),
                       "GRANT \"app\" TO \"cdc\";"));
}

TEST(Advice, TellsHowEachProviderLetsAConnectionIn) {
  const Entrance entrance{.database = "shop", .role = "cdc", .client = "203.0.113.7/32"};
  for (const Provider provider : everyone) {
    EXPECT_TRUE(mentions(how_to_let_in(provider, entrance), "203.0.113.7/32"));
  }
  EXPECT_TRUE(mentions(how_to_let_in(Provider::SelfManaged, entrance),
                       "host  shop  cdc  203.0.113.7/32  scram-sha-256"));
}

TEST(Advice, LeadsPastEachProvidersPooler) {
  EXPECT_EQ(how_to_connect_directly(Provider::Neon, "ep-cool-1-pooler.eu.aws.neon.tech"),
            "Give the direct host: ep-cool-1.eu.aws.neon.tech");
  EXPECT_TRUE(mentions(how_to_connect_directly(Provider::Supabase, ""), "db.PROJECT.supabase.co"));
  EXPECT_TRUE(mentions(how_to_connect_directly(Provider::Supabase, ""), "IPv6"));
  EXPECT_TRUE(mentions(how_to_connect_directly(Provider::Azure, ""), "5432"));
  EXPECT_TRUE(mentions(how_to_connect_directly(Provider::Aurora, ""), "writer endpoint"));
}

TEST(PoolerByName, KnowsTheUsualNamesAndPorts) {
  EXPECT_NE(pooler_by_name("aws-0-eu.pooler.supabase.com", "5432"), "");
  EXPECT_NE(pooler_by_name("ep-cool-1-pooler.eu.aws.neon.tech", "5432"), "");
  EXPECT_NE(pooler_by_name("shop.proxy-abc.eu-west-1.rds.amazonaws.com", "5432"), "");
  EXPECT_NE(pooler_by_name("db", "6432"), "");
  EXPECT_NE(pooler_by_name("db", "6543"), "");
  EXPECT_EQ(pooler_by_name("db.example", "5432"), "");
}

}  // namespace
}  // namespace freshet::source
