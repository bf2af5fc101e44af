// `freshet serve`: runs the server and tells on the terminal what it is doing.
#pragma once

#include "server/config.h"

namespace freshet::cli {

// Until SIGINT or SIGTERM. The exit code: 0 after a clean stop, 1 when nothing could be served (a
// data folder in use, a port taken, a source that never answered as it must).
int serve(server::Config config);

}  // namespace freshet::cli
