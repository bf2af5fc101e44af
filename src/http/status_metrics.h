// The state of sources and tables as gauges, read from query::Status when they are asked for. They
// are not kept in a registry: a table that is gone must be gone from here too.
#pragma once

#include <string>

#include "query/status.h"

namespace freshet::http {

// In the Prometheus text format.
std::string status_metrics(const query::Status& status);

}  // namespace freshet::http
