// DuckDB's own table with the same rows: what the store's answers are compared with.
//
//   duckdb_baseline FILE THREADS < commands
//
// Commands, one per line:  run SQL   executes and answers "ok"
//                          time SQL  executes, reads every value, answers microseconds and row
//                          count
#include <duckdb.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

// Every chunk is fetched and every vector touched, as a client would get them.
std::size_t read_all(duckdb_result& result) {
  std::size_t rows = 0;
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result)) {
    rows += duckdb_data_chunk_get_size(chunk);
    for (idx_t column = 0; column < duckdb_data_chunk_get_column_count(chunk); ++column) {
      duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, column));
    }
    duckdb_destroy_data_chunk(&chunk);
  }
  return rows;
}

std::size_t execute(duckdb_connection connection, const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(connection, sql.c_str(), &result) == DuckDBError) {
    fail(sql + ": " + duckdb_result_error(&result));
  }
  const std::size_t rows = read_all(result);
  duckdb_destroy_result(&result);
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) fail("duckdb_baseline FILE THREADS");
  duckdb_database database;
  duckdb_connection connection;
  if (duckdb_open(argv[1], &database) == DuckDBError) fail("cannot open");
  if (duckdb_connect(database, &connection) == DuckDBError) fail("cannot connect");
  execute(connection, std::string("SET threads = ") + argv[2]);
  execute(connection, "SET TimeZone = 'UTC'");
  for (std::string line; std::getline(std::cin, line);) {
    const std::string verb = line.substr(0, line.find(' '));
    const std::string sql = line.substr(verb.size() + 1);
    const auto began = std::chrono::steady_clock::now();
    const std::size_t rows = execute(connection, sql);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began);
    if (verb == "time") {
      std::printf("%ld %zu\n", static_cast<long>(took.count()), rows);
    } else {
      std::printf("ok\n");
    }
    std::fflush(stdout);
  }
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  return 0;
}
