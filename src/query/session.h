// One client's session: statements in, rows out, in the shape PostgreSQL's protocol needs it, but
// without its bytes.
//
// Every statement reads exactly one version of all collections. A block (BEGIN … COMMIT) and the
// statements between two Syncs share one. Nothing can be written: collections follow their source.
// What the server itself is asked to do (commands.h) is passed on, outside of blocks only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "engine/statement.h"
#include "query/commands.h"
#include "query/settings.h"
#include "query/status.h"

namespace freshet::query {

inline constexpr std::string_view database_name = "freshet";
inline constexpr std::string_view freshet_version = "0.1.0";

// The value of a parameter: null, a number, a truth, text in the engine's spelling, or bytes.
struct Blob {
  std::string bytes;
};
using Parameter = std::variant<std::monostate, bool, std::int64_t, double, std::string, Blob>;

// Takes rows as they are made. An error (the client is gone) stops the statement.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  // Rows [begin, end) of the chunk. The chunk is gone after the call.
  virtual Result<> rows(const engine::Chunk& chunk, std::size_t begin, std::size_t end) = 0;
};

// What an execution came to.
struct Outcome {
  enum class Kind {
    Complete,   // `tag` says of what
    Suspended,  // the portal has more rows
    Empty,      // there was no statement
  };
  Kind kind = Kind::Complete;
  std::string tag{};
  std::vector<Error> warnings{};
};

// How the rows of COPY … TO STDOUT are to be written.
struct CopyFormat {
  enum class Kind { Text, Csv, Binary };
  Kind kind = Kind::Text;
  char delimiter = '\t';
  std::string null_text = "\\N";
  bool header = false;
};

struct StatementDescription {
  std::vector<std::uint32_t> parameters{};  // type oids
  std::vector<engine::ResultColumn> columns{};
  std::optional<CopyFormat> copy{};  // the rows belong into a COPY stream
};

struct SessionOptions {
  std::string user = "freshet";
  std::int32_t process_id = 0;
  std::vector<std::pair<std::string, std::string>> settings{};  // of the client's start-up packet
};

enum class TransactionStatus : char { Idle = 'I', Block = 'T', Failed = 'E' };

// One thread, but for cancel() and terminate().
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(collection::Store& store, const Status& status,
                                               Commands& commands, SessionOptions options);
  ~Session();

  // Prepared statements and portals, by name; the nameless ones are replaced silently.
  // `parameters` are type oids, 0 or missing where the client leaves it to us.
  Result<> prepare(const std::string& name, std::string_view sql,
                   std::vector<std::uint32_t> parameters);
  Result<StatementDescription> describe(const std::string& statement);
  Result<> bind(const std::string& portal, const std::string& statement,
                std::vector<Parameter> parameters);
  Result<StatementDescription> describe_portal(const std::string& portal);
  // At most `rows_max` rows, 0 for all.
  Result<Outcome> execute(const std::string& portal, std::uint64_t rows_max, ResultSink& sink);
  void close(const std::string& statement);
  void close_portal(const std::string& portal);

  // The end of a unit of work: a Sync, or the last statement of a simple query. Outside a block it
  // lets go of the version and of all portals.
  void finish();
  // The last call failed: a block waits for ROLLBACK from now on.
  void fail();
  TransactionStatus transaction_status() const;

  const Settings& settings() const;
  // Settings that changed since the last call and that clients are told about.
  std::vector<std::pair<std::string, std::string>> take_changed_settings();

  // Stops what is running, which then fails with 57014; does nothing when nothing runs. Any thread.
  void cancel();
  // The same for a server that stops: the statement fails with 57P01.
  void terminate();

  struct State;  // the insides

 private:
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The statements of a simple query, without their semicolons; blank ones are left out.
std::vector<std::string> split_statements(std::string_view sql);

}  // namespace freshet::query
