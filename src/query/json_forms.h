// The functions that make JSON of their arguments: PostgreSQL's names become the engine's, and
// every value goes through to_json, which alone knows types of ours (engine/json_value.h).
#pragma once

#include <vector>

#include "query/edit.h"
#include "query/tokens.h"

namespace freshet::query {

// json_build_object('ip', ip) → json_object('ip', to_json(ip))
std::vector<Edit> json_forms(const std::vector<Token>& tokens);

}  // namespace freshet::query
