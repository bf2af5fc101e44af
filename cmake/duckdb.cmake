# Finds DuckDB's C library, which Debian does not package: from -DDUCKDB_ROOT=<prefix with include/ and
# lib/>, else from the npm packages that packaging/duckdb/package-lock.json pins. Defines duckdb::duckdb.
set(DUCKDB_ROOT "" CACHE PATH "Prefix with include/duckdb.h and lib/libduckdb.so")
set(duckdb_npm ${PROJECT_SOURCE_DIR}/packaging/duckdb/node_modules)
find_path(DUCKDB_INCLUDE duckdb.h NO_DEFAULT_PATH
  PATHS ${DUCKDB_ROOT}/include ${duckdb_npm}/duckdb/src/duckdb/src/include)
find_library(DUCKDB_LIBRARY duckdb NO_DEFAULT_PATH
  PATHS ${DUCKDB_ROOT}/lib ${duckdb_npm}/@duckdb/node-bindings-linux-x64)
if(NOT DUCKDB_INCLUDE OR NOT DUCKDB_LIBRARY)
  message(FATAL_ERROR "DuckDB is missing: run `make deps`, or pass -DDUCKDB_ROOT=<prefix>")
endif()
# Only the one header: the folder it lies in holds all of DuckDB's C++ headers too.
set(duckdb_include ${CMAKE_BINARY_DIR}/duckdb/include)
configure_file(${DUCKDB_INCLUDE}/duckdb.h ${duckdb_include}/duckdb.h COPYONLY)
add_library(duckdb::duckdb SHARED IMPORTED)
set_target_properties(duckdb::duckdb PROPERTIES
  IMPORTED_LOCATION ${DUCKDB_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${duckdb_include})
