// Names for threads, so that `top -H` and a debugger read like the architecture.
#pragma once

#include <pthread.h>

#include <string>

namespace freshet {

// The kernel keeps 15 characters.
inline void name_this_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace freshet
