// SIGINT and SIGTERM as something to wait for: blocked in every thread, taken by the main one.
#pragma once

#include <chrono>

namespace freshet::cli {

// Call before any other thread is started; they inherit it. Also ignores SIGPIPE.
void block_stop_signals();

// Waits for one of them; false when the time is over first.
bool wait_for_stop_signal(std::chrono::milliseconds limit);

}  // namespace freshet::cli
