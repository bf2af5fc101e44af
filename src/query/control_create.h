// CREATE COLLECTION and DROP COLLECTION.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/commands.h"
#include "query/tokens.h"

namespace freshet::query {

// Nothing when the statement creates or drops something else. 42601 with its position for what does
// not parse, 22023 for an option that is none.
Result<std::optional<Command>> parse_create(std::string_view sql, const std::vector<Token>& tokens);
Result<std::optional<Command>> parse_drop(std::string_view sql, const std::vector<Token>& tokens);

// The SQL of a transformation as the engine has it, from PostgreSQL's spelling; 42501 as for
// queries.
Result<std::string> transformation_sql(std::string_view sql);

// "30 days", "12h", "86400": a length of time as options have it. 22023 for anything else.
Result<std::chrono::seconds> parse_retention(std::string_view text);
// "reject" or "stop".
Result<transform::OnError> parse_on_error(std::string_view text);

}  // namespace freshet::query
