// The lease on a source: of all programs that could follow it under one name, one does.
//
// A data folder can be copied, so the name of the slot does not tell two followers apart, and each
// would end the other's walsender for a leftover of its own. The lease is an advisory lock of the
// source's database, held by the connection that asks the source for its clock every second: it
// ends with that connection, and while it is held its owner was active a moment ago.
#pragma once

#include <chrono>
#include <string>
#include <thread>

#include "base/result.h"
#include "postgres/connection.h"
#include "source/slot.h"

namespace freshet::source {

// Who follows. Connections show it as their application_name, so that the owner of a walsender or
// of a lease can be told.
class Owner {
 public:
  // `installation`: of the data folder, eight characters. The process adds some of its own.
  Owner(const std::string& source_name, const std::string& installation);

  // "freshet shop 1f2e3d4c.5b6a7988"
  const std::string& application_name() const { return application_name_; }
  // Whether a connection of that application_name belongs to this data folder, or a copy of it.
  bool same_installation(const std::string& application_name) const;

 private:
  std::string application_name_;
};

// Takes the lease for the life of `connection`, which must have been opened under the owner's
// application_name and must be used at least every few seconds from now on. A holder that has been
// silent for `silence_max` is gone without the server having noticed: it is ended. Any other holder
// is left alone: transient 55006, naming it.
//
Result<> take_lease(postgres::Connection& connection, const Names& names, const Owner& owner,
                    std::chrono::seconds silence_max = std::chrono::seconds(60));

// Uses the connection of a lease for as long as it lives, on a thread of its own: while its owner
// waits for something that has no bound, such as other transactions. Nobody else may use it then.
class LeaseKeeper {
 public:
  explicit LeaseKeeper(postgres::Connection& connection);

 private:
  std::jthread thread_;
};

}  // namespace freshet::source
