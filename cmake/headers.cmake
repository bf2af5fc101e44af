# What nearly every file reads first, read once: the standard library's larger headers and fmt's, and
# GoogleTest's for the tests. Files still include what they use; this only makes it quick.
file(WRITE ${CMAKE_BINARY_DIR}/nothing.cc "")

add_library(freshet_headers OBJECT ${CMAKE_BINARY_DIR}/nothing.cc)
target_link_libraries(freshet_headers PRIVATE freshet_warnings fmt::fmt Threads::Threads)
set(common_headers <algorithm> <chrono> <functional> <map> <memory> <optional> <stop_token> <string>
  <string_view> <thread> <variant> <vector> <fmt/core.h>)
target_precompile_headers(freshet_headers PRIVATE ${common_headers})

if(FRESHET_TESTS)
  add_library(freshet_test_headers OBJECT ${CMAKE_BINARY_DIR}/nothing.cc)
  target_link_libraries(freshet_test_headers PRIVATE freshet_warnings fmt::fmt Threads::Threads GTest::gtest)
  target_precompile_headers(freshet_test_headers PRIVATE ${common_headers} <gtest/gtest.h>)
endif()
