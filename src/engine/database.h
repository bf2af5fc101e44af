// The embedded engine: one DuckDB database, opened once per process. Only engine/*.cc knows DuckDB.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

namespace freshet::engine {

class Connection;

struct DatabaseOptions {
  std::uint64_t memory_bytes_max = 0;  // 0: half of the machine's memory
  unsigned threads = 0;                // 0: one per core
};

struct ConnectOptions {
  bool progress = true;  // whether Connection::progress() knows anything; it costs time
};

// Thread safe. Outlives its connections.
class Database {
 public:
  // Opens or creates the file, with external access, extension loading and automatic checkpoints
  // off, and our functions registered. The database is attached under the name
  // `store`.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file,
                                                DatabaseOptions options);
  ~Database();

  Result<std::unique_ptr<Connection>> connect(ConnectOptions options = {});

  // Writes everything in the write-ahead log into the file. Transient error when transactions that
  // write are open elsewhere: try again later.
  Result<> checkpoint();
  // Bytes of the engine's write-ahead log.
  std::uint64_t wal_bytes() const;

  struct Handle;                         // DuckDB's, hidden
  Handle& handle() { return *handle_; }  // for engine/*.cc

 private:
  explicit Database(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace freshet::engine
