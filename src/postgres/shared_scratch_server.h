// One scratch server for all tests of a program: started when first asked for, stopped at exit.
// Each test makes a database or tables of its own. For tests only.
#pragma once

#include <fmt/core.h>

#include "postgres/connection.h"
#include "postgres/scratch_server.h"

namespace freshet::postgres {

inline ScratchServer& shared_scratch_server() {
  static Result<std::unique_ptr<ScratchServer>> server = ScratchServer::start(
      {.settings = {"fsync=off", "max_connections=50", "max_prepared_transactions=5"}});
  if (!server.ok()) {
    const Error& error = server.error();
    fmt::print(stderr, "{}\n{}\n{}\n", error.message, error.detail, error.hint);
  }
  return *server.value();
}

// A connection to a new, empty database of this name, dropped first if it exists.
inline std::unique_ptr<Connection> connect_to_new_database(const std::string& name) {
  ScratchServer& server = shared_scratch_server();
  const auto connection = Connection::connect(server.url(), {.application_name = "test"});
  ignore(connection.value()->query("DROP DATABASE IF EXISTS " + postgres::quoted(name) +
                                   " WITH (FORCE)"));
  CHECK(connection.value()->query("CREATE DATABASE " + postgres::quoted(name)).ok());
  return Connection::connect(server.url(name), {.application_name = "test"}).value();
}

}  // namespace freshet::postgres
