#include "source/lease.h"

#include <fmt/core.h>

#include <optional>
#include <random>

#include "base/guarded.h"
#include "base/thread.h"
#include "postgres/sqlstate.h"

namespace freshet::source {

namespace {

namespace sqlstate = postgres::sqlstate;

// PostgreSQL cuts an application_name beyond 63 bytes; what tells owners apart is at its end.
constexpr std::size_t source_name_bytes_max = 37;

std::string random_digits() {
  std::random_device device;
  return fmt::format("{:08x}", device());
}

// The first half of the advisory lock's key; the second is the slot's.
constexpr std::int32_t key_class = 0x66726573;  // "fres"

struct Holder {
  std::string pid;
  std::string application_name;
  std::string address;
  bool gone = false;
};

// Nothing when it has let go just now.
Result<std::optional<Holder>> find_holder(postgres::Connection& connection, const Names& names,
                                          std::chrono::seconds silence_max) {
  // A holder in the middle of a statement is alive. One that we may not look at counts as alive.
  const postgres::Rows rows = TRY(connection.query(fmt::format(
      "SELECT a.pid, a.application_name, a.client_addr, coalesce(a.state, '') = 'idle' AND "
      "a.state_change < pg_catalog.clock_timestamp() - interval '{} seconds' "
      "FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
      "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.database = "
      "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
      "AND l.classid = {} AND l.objid = {}::bigint::oid",
      silence_max.count(), key_class, static_cast<std::uint32_t>(names.lease_key))));
  if (rows.rows.empty()) return std::optional<Holder>{};
  const auto& row = rows.rows.front();
  return std::optional(Holder{.pid = row[0].value_or("0"),
                              .application_name = row[1].value_or("?"),
                              .address = row[2].value_or("a local socket"),
                              .gone = row[3] == "t"});
}

}  // namespace

Owner::Owner(const std::string& source_name, const std::string& installation)
    : application_name_(fmt::format("freshet {} {}.{}",
                                    source_name.substr(0, source_name_bytes_max), installation,
                                    random_digits())) {}

bool Owner::same_installation(const std::string& application_name) const {
  return application_name.starts_with(
      application_name_.substr(0, application_name_.rfind('.') + 1));
}

Result<> take_lease(postgres::Connection& connection, const Names& names, const Owner& owner,
                    std::chrono::seconds silence_max) {
  // Each round waits on the server for a twentieth of a second: a holder that just ended, ours of a
  // moment ago for example, needs a little time to let go.
  constexpr int rounds_max = 40;
  std::optional<Holder> holder;
  for (int round = 0; round < rounds_max; ++round) {
    const postgres::Rows taken =
        TRY(connection
                .query(fmt::format("SELECT pg_catalog.pg_try_advisory_lock({}, {})", key_class,
                                   names.lease_key))
                .context("take the lease on the source"));
    if (taken.rows.at(0)[0] == "t") return {};
    holder =
        TRY(find_holder(connection, names, silence_max).context("find the holder of the lease"));
    // Of this very process: a connection that broke without the server having noticed.
    const bool is_ours = holder && holder->application_name == owner.application_name();
    if (holder && (holder->gone || is_ours)) {
      TRY(connection.query("SELECT pg_catalog.pg_terminate_backend(" + holder->pid + ")")
              .context("end the connection that holds the lease"));
    }
    TRY(connection.query("SELECT pg_catalog.pg_sleep(0.05)"));
  }
  return Error{.fault = Fault::Transient,
               .sqlstate = sqlstate::object_in_use,
               .message = fmt::format("another Freshet follows this source as {}", names.slot),
               .detail = holder
                             ? fmt::format("It is process {}, application '{}', from {}.",
                                           holder->pid, holder->application_name, holder->address)
                             : std::string{},
               .hint =
                   "It runs on a copy of this data folder, or under the same name. Stop one of "
                   "them, or give this source another name with another data folder."};
}

LeaseKeeper::LeaseKeeper(postgres::Connection& connection)
    : thread_([&connection](std::stop_token stop) {
        name_this_thread("lease");
        Guarded<bool> never;
        while (!never.wait_for(stop, std::chrono::seconds(5), [](bool) { return false; })) {
          // When it fails the lease is gone, which its owner will notice when it goes on.
          if (stop.stop_requested() || !connection.query("SELECT 1").ok()) return;
        }
      }) {}

}  // namespace freshet::source
