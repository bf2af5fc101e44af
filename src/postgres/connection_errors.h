// What libpq says went wrong, as Errors: SQLSTATE, fault class, hint, and never a password.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace freshet::postgres {

using ResultPtr = std::unique_ptr<PGresult, decltype(&PQclear)>;

// Of a statement that failed. A result without SQLSTATE means that the connection broke.
Error statement_error(const PGconn* connection, const PGresult* result);

// Of a connection that broke, in libpq's words.
Error broken_error(const PGconn* connection);

// Of a connection that never came to be. Reads the SQLSTATE from libpq's text, which has it because
// the connection was opened with PQERRORS_VERBOSE.
Error connect_error(const std::string& libpq_text);

// libpq's text on one line.
std::string one_line(std::string_view text);

}  // namespace freshet::postgres
