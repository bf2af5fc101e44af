// The grammar of the ALTER statements that control the server.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/commands.h"
#include "query/tokens.h"

namespace freshet::query {

// Nothing when the statement is another ALTER, which would write. 42601 with the position of what
// does not fit.
Result<std::optional<Command>> parse_alter(std::string_view sql, const std::vector<Token>& tokens);

}  // namespace freshet::query
