// CHECK: a promise we make to ourselves. On in every build; never on input from outside.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace freshet {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: a promise was broken: %s\n", file, line, condition);
  std::abort();
}

}  // namespace freshet

#define CHECK(condition) \
  ((condition) ? void(0) : ::freshet::check_failed(#condition, __FILE__, __LINE__))
