// Makes the statements of statement.h.
#pragma once

#include <memory>
#include <string_view>

#include "engine/connection.h"
#include "engine/statement.h"

namespace freshet::engine {

Result<std::unique_ptr<Statement>> prepare_statement(Connection::Handle& connection,
                                                     std::string_view sql);

}  // namespace freshet::engine
