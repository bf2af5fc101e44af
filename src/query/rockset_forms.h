// Rockset's spelling of what the engine spells otherwise, beyond functions:
//
//   * EXCEPT (a, b)                    * EXCLUDE (a, b)
//   STATIC_CAST, TRY_STATIC_CAST       CAST, TRY_CAST
//   PG_ARRAY_PARSE(x, 'int[]')         CAST(pg_array_text(x) AS BIGINT[])
//   CURRENT_TIMESTAMP(), DATE(y, m, d) calls, where the engine's grammar has a keyword
//   x IS UNDEFINED                     x IS NULL
//   orders HINT(…)                     orders
#pragma once

#include <vector>

#include "query/edit.h"
#include "query/tokens.h"

namespace freshet::query {

std::vector<Edit> rockset_forms(const std::vector<Token>& tokens);

// UNNEST(values AS label): the AS, of the parenthesis at `open`; where it closes when there is
// none.
std::size_t name_of_values(const std::vector<Token>& tokens, std::size_t open);

}  // namespace freshet::query
