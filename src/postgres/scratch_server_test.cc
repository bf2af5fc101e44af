#include "postgres/scratch_server.h"

#include <gtest/gtest.h>

#include "postgres/connection.h"

namespace freshet::postgres {
namespace {

std::string one_value(const ScratchServer& server, const std::string& sql) {
  const auto connection = Connection::connect(server.url(), {});
  if (!connection.ok()) return connection.error().sqlstate;
  const auto rows = (*connection)->query(sql);
  if (!rows.ok()) return rows.error().message;
  return rows->rows.empty() ? "" : rows->rows[0][0].value_or("null");
}

TEST(ScratchServer, KeepsItsDataOverEveryKindOfStopAndLeavesNothingBehind) {
  std::filesystem::path folder;
  {
    const auto server = ScratchServer::start({.settings = {"work_mem=5MB"}});
    ASSERT_TRUE(server.ok()) << server.error().message << server.error().detail;
    folder = (*server)->folder();
    const int port = (*server)->port();
    EXPECT_EQ(one_value(**server, "SHOW wal_level"), "logical");
    EXPECT_EQ(one_value(**server, "SHOW fsync"), "on");
    EXPECT_EQ(one_value(**server, "SHOW work_mem"), "5MB");
    one_value(**server, "CREATE TABLE public.t AS SELECT 1 AS i");
    for (const StopMode mode : {StopMode::Smart, StopMode::Fast, StopMode::Immediate}) {
      ASSERT_TRUE((*server)->stop(mode).ok());
      EXPECT_EQ(one_value(**server, "SELECT 1"), "08001");
      ASSERT_TRUE((*server)->start_again().ok());
      EXPECT_EQ((*server)->port(), port);
      EXPECT_EQ(one_value(**server, "SELECT i FROM public.t"), "1");
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(ScratchServer, KeepsItsFolderWhenTold) {
  std::string pattern = std::filesystem::temp_directory_path() / "freshet-keep-XXXXXX";
  const std::filesystem::path parent = mkdtemp(pattern.data());
  std::filesystem::permissions(parent, std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add);
  { ASSERT_TRUE(ScratchServer::start({.folder = parent / "server", .keep = true}).ok()); }
  EXPECT_TRUE(std::filesystem::exists(parent / "server" / "data" / "PG_VERSION"));
  EXPECT_FALSE(ScratchServer::start({.folder = parent / "server"}).ok());
  EXPECT_TRUE(std::filesystem::exists(parent / "server" / "data" / "PG_VERSION"));
  std::filesystem::remove_all(parent);
}

TEST(ScratchServer, SaysWhyItCannotStart) {
  const auto server = ScratchServer::start({.settings = {"no_such_setting=1"}});
  ASSERT_FALSE(server.ok());
  EXPECT_NE(server.error().detail.find("no_such_setting"), std::string::npos)
      << server.error().detail;
}

}  // namespace
}  // namespace freshet::postgres
