// What the engine carries about for its functions, as its C API wants it: a pointer and how to drop
// it.
#pragma once

#include <utility>

namespace freshet::engine {

template <typename T>
void* boxed(T value) {
  return new T(std::move(value));
}

template <typename T>
void drop(void* box) {
  delete static_cast<T*>(box);
}

}  // namespace freshet::engine
