// POST /v1/statements {"sql": "CREATE COLLECTION …"}, without sockets: who may ask, what was asked,
// and how it is answered.
//
// There are no passwords, so only programs of this machine may command, and no page that a browser
// on it shows. A page cannot send JSON elsewhere without asking first, which nobody here grants; it
// cannot leave out its Origin; and a name of its own that it makes point here (DNS rebinding) is
// not one of ours.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "http/routes.h"
#include "query/command_statement.h"

namespace freshet::http {

// The statement, or the refusal of the request. `address` is the one we listen on.
std::variant<std::string, Response> read_statement(const Request& request,
                                                   std::string_view address);

// {"command":"CREATE COLLECTION","source":"shop","collection":"public.paid","notices":[]}
Response performed_response(const query::Performed& performed);
// {"error":{"status":404,"sqlstate":"42P01","message":…,"hint":…}}, also with a detail and the
// position in the statement where there are such.
Response error_response(int status, const Error& error);
// The same with the status that fits.
Response failed_response(const Error& error);

}  // namespace freshet::http
