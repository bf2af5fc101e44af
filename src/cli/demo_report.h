// What the demo asks Freshet again and again, through the SQL port like any client, and how the
// answers look.
#pragma once

#include <string>
#include <vector>

#include "postgres/connection.h"

namespace freshet::cli {

// The answers as lines; a query that fails is reported in its place.
std::vector<std::string> report_lines(postgres::Connection& freshet);

// Columns as wide as their widest value, numbers to the right.
std::vector<std::string> table_lines(const postgres::Rows& rows);

}  // namespace freshet::cli
