// `freshet status`: freshet.sources, freshet.tables and freshet.progress for people.
#pragma once

#include <string>

namespace freshet::cli {

// Asks the server at `url` (its SQL address) and prints. Exit code 0 when everything is live, 1
// when something is not, 2 when the server does not answer.
int show_status(const std::string& url);

}  // namespace freshet::cli
