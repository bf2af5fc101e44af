# Warnings are errors. Applied to our own targets only.
add_library(freshet_warnings INTERFACE)
target_compile_options(freshet_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees overflows in std::string and std::vector that are not there (GCC bugs 105329, 105651).
  target_compile_options(freshet_warnings INTERFACE -Wno-restrict -Wno-stringop-overflow
    -Wno-array-bounds -Wno-maybe-uninitialized)
endif()
if(FRESHET_SANITIZE)
  target_compile_options(freshet_warnings INTERFACE -fsanitize=${FRESHET_SANITIZE}
    -fno-omit-frame-pointer)
  target_link_options(freshet_warnings INTERFACE -fsanitize=${FRESHET_SANITIZE})
endif()
