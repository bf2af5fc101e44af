// A failpoint: a named place where a test breaks the program.
//
//   FAILPOINT("stream.sync.before");
//
// They are in every build, because tests run what users run; while none is armed a place costs one
// relaxed load. The environment arms some, at start:
//
//   FRESHET_FAILPOINT=NAME:ACTION[:HIT[:TIMES]][,…]
//
//   kill          the process gets SIGKILL here: nothing more is written, nothing is closed
//   enospc, eio   the place fails as if its system call had said so
//   pause         this thread waits while the others go on: it makes a file called NAME in the
//   folder
//                 that FRESHET_FAILPOINT_FOLDER names, and goes on when somebody removes the file
//
// The action comes when the place is reached for the HIT-th time (1), and TIMES times in all (1).
#pragma once

#include <atomic>
#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace freshet {

// Arms what `setting` describes, as above, and nothing else; `folder` is for pauses. Call it before
// there are other threads.
Result<> arm_failpoints(std::string_view setting, const std::filesystem::path& folder);

// Says that a place was reached, and does what it is armed for. The errno with which the place
// should fail, or 0. Thread safe.
int reached_failpoint(std::string_view name);
Error failpoint_error(std::string_view name, int error_number);

namespace failpoint {
extern std::atomic<bool> armed;  // any
}

// For a place that handles errno itself: the number it should pretend to have got, or 0.
inline int injected_errno(std::string_view name) {
  return failpoint::armed.load(std::memory_order_relaxed) ? reached_failpoint(name) : 0;
}

}  // namespace freshet

// In a function that returns a Result.
#define FAILPOINT(name)                                                                  \
  do {                                                                                   \
    if (const int freshet_failed = ::freshet::injected_errno(name); freshet_failed != 0) \
      return ::freshet::failpoint_error(name, freshet_failed);                           \
  } while (false)
