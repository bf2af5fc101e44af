// One change of a statement's text on its way to the engine.
#pragma once

#include <cstddef>
#include <string>

namespace freshet::query {

struct Edit {
  std::size_t begin;  // offsets in the statement
  std::size_t end;
  std::string text;
};

}  // namespace freshet::query
