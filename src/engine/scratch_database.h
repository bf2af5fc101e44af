// A database in a folder of its own, for tests of this module. Failures abort the test program.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "engine/connection.h"
#include "engine/database.h"

namespace freshet::engine {

// Gone with everything in it at the end of its scope.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "freshet_engine_XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ~ScratchFolder() {
    if (!path_.empty()) std::filesystem::remove_all(path_);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class ScratchDatabase {
 public:
  explicit ScratchDatabase(DatabaseOptions options = {.memory_bytes_max = 1 << 30, .threads = 4})
      : options_(options) {
    open();
  }
  explicit ScratchDatabase(ScratchFolder folder) : folder_(std::move(folder)) { open(); }

  std::filesystem::path file() const { return folder_.path() / "store.duckdb"; }
  Database& database() { return *database_; }
  Connection& connection() { return *connection_; }
  std::unique_ptr<Connection> connect() { return must(database_->connect()); }

  void reopen() {
    connection_.reset();
    database_.reset();
    open();
  }
  // What a crash would leave: the files as they are now.
  ScratchFolder copy_files() const {
    ScratchFolder copy;
    std::filesystem::copy(folder_.path(), copy.path(), std::filesystem::copy_options::recursive);
    return copy;
  }

  void run(const std::string& sql) { must(connection_->execute(sql)); }
  // The first value of the first row.
  std::string text(const std::string& sql) {
    return must(connection_->query(sql)).at(0).at(0).value_or("NULL");
  }

  template <typename T>
  static T must(Result<T> result) {
    if (!result.ok()) std::fprintf(stderr, "%s\n", result.error().message.c_str());
    CHECK(result.ok());
    return std::move(result).value();
  }

 private:
  void open() {
    database_ = must(Database::open(file(), options_));
    connection_ = must(database_->connect());
  }

  ScratchFolder folder_;
  DatabaseOptions options_{.memory_bytes_max = 1 << 30, .threads = 4};
  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace freshet::engine
