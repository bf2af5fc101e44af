#include "server/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace freshet::server {
namespace {

// A settings file that goes with the test.
class SettingsFile {
 public:
  explicit SettingsFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("freshet-config-" + std::to_string(::getpid()) + ".toml")) {
    std::ofstream(path_) << text;
  }
  ~SettingsFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Result<Config> read(const std::string& text) {
  const SettingsFile file(text);
  return read_config(file.path(), {});
}

TEST(ParseSource, NamesASourceAfterItsDatabase) {
  const auto source = parse_source("postgresql://app@db.example:5432/Shop-2?sslmode=require");
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(source->name, "shop_2");
  EXPECT_EQ(source->url, "postgresql://app@db.example:5432/Shop-2?sslmode=require");
}

TEST(ParseSource, TakesANameInFront) {
  const auto source = parse_source("shop=postgresql://app@db/other");
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(source->name, "shop");
  EXPECT_EQ(source->url, "postgresql://app@db/other");
}

TEST(ParseSource, TellsANameFromAConnectionString) {
  const auto plain = parse_source("host=db dbname=shop");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->name, "shop");
  EXPECT_EQ(plain->url, "host=db dbname=shop");
  const auto named = parse_source("mine=host=db dbname=shop");
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->name, "mine");
  EXPECT_EQ(named->url, "host=db dbname=shop");
}

TEST(ParseSource, RefusesWhatIsNoUrl) {
  const auto source = parse_source("shop");
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().sqlstate, "22023");
  EXPECT_NE(source.error().hint.find("postgresql://"), std::string::npos);
}

TEST(ReadConfig, ReadsEverySetting) {
  const auto config = read(R"(
data = "/var/lib/freshet"
listen = "127.0.0.2"
sql_port = 6000
http_port = 0
copy_workers = 4
connections_max = 7
memory_mb_max = 512
ready_lag_ms_max = 250
[[source]]
url = "postgresql://app@db/shop"
tables = ["public.*", "!public.log"]
[[source]]
name = "second"
url = "postgresql://app@db/shop"
streaming = false
protocol = "test_decoding"
)");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->data, "/var/lib/freshet");
  EXPECT_EQ(config->sql_port, 6000);
  EXPECT_EQ(config->http_port, 0);
  EXPECT_EQ(config->copy_workers, 4U);
  EXPECT_EQ(config->connections_max, 7U);
  EXPECT_EQ(config->memory_bytes_max, 512ULL << 20);
  EXPECT_EQ(config->ready_lag_max, std::chrono::milliseconds(250));
  ASSERT_EQ(config->sources.size(), 2U);
  EXPECT_EQ(config->sources[0].name, "shop");
  EXPECT_EQ(config->sources[0].tables.size(), 2U);
  EXPECT_TRUE(config->sources[0].streaming);
  EXPECT_EQ(config->sources[1].name, "second");
  EXPECT_FALSE(config->sources[1].streaming);
  EXPECT_FALSE(config->sources[0].protocol);
  EXPECT_EQ(config->sources[1].protocol, postgres::Plugin::TestDecoding);
  EXPECT_TRUE(check(*config).ok());
}

TEST(ReadConfig, NamesAnUnknownSettingAndItsLine) {
  const auto config = read("sql_port = 1\nhttp_prot = 2\n");
  ASSERT_FALSE(config.ok());
  EXPECT_NE(config.error().message.find("http_prot in line 2"), std::string::npos);
  EXPECT_NE(config.error().hint.find("http_port"), std::string::npos);
}

TEST(ReadConfig, RefusesAWrongTypeAndBadSyntax) {
  EXPECT_FALSE(read("sql_port = \"many\"").ok());
  EXPECT_FALSE(read("sql_port = -1").ok());
  EXPECT_FALSE(read("sql_port = ").ok());
  EXPECT_FALSE(read("[[source]]\nurl = \"postgresql://db/shop\"\nstreaming = 1").ok());
  EXPECT_FALSE(read("[source]\nurl = \"postgresql://db/shop\"").ok());
}

TEST(ReadConfig, KnowsTheProtocols) {
  const auto refused = read("[[source]]\nurl = \"postgresql://db/shop\"\nprotocol = \"wal2json\"");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "22023");
  EXPECT_NE(refused.error().hint.find("test_decoding"), std::string::npos);
}

TEST(PluginFor, TakesTheBestUnlessItIsSet) {
  using postgres::Plugin;
  SourceConfig source;
  EXPECT_EQ(plugin_for(source, 90424), Plugin::TestDecoding);
  EXPECT_EQ(plugin_for(source, 90624), Plugin::TestDecoding);
  EXPECT_EQ(plugin_for(source, 100000), Plugin::Pgoutput);
  source.protocol = Plugin::TestDecoding;
  EXPECT_EQ(plugin_for(source, 180000), Plugin::TestDecoding);
  source.protocol = Plugin::Pgoutput;
  EXPECT_EQ(plugin_for(source, 90600), Plugin::Pgoutput);
}

TEST(CheckConfig, RefusesWhatCannotWork) {
  Config config;
  EXPECT_FALSE(check(config).ok());  // no source
  config.sources.push_back({"shop", "postgresql://db/shop", {}});
  EXPECT_TRUE(check(config).ok());
  config.sources.push_back({"shop", "postgresql://db/other", {}});
  EXPECT_FALSE(check(config).ok());  // two of a name
  config.sources.pop_back();
  config.listen = "0.0.0.0";
  EXPECT_FALSE(check(config).ok());
  config.listen = "localhost";
  config.sql_port = config.http_port;
  EXPECT_FALSE(check(config).ok());
}

}  // namespace
}  // namespace freshet::server
