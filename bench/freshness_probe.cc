// How long after its commit was acknowledged a change is visible: commits a number on the source,
// then asks the copy every millisecond until it answers with that number. (Without a pause the
// questions take as much of a core as the work that is being measured.)
//
//   freshness_probe SOURCE_URL COPY_URL SAMPLES
//
// Prints one latency in microseconds per line. The table `probe (id, n)` has one row, of id 1.
#include <libpq-fe.h>
#include <poll.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

PGconn* connect(const char* url) {
  PGconn* connection = PQconnectdb(url);
  if (PQstatus(connection) != CONNECTION_OK) {
    std::fprintf(stderr, "%s", PQerrorMessage(connection));
    std::exit(1);
  }
  return connection;
}

long ask(PGconn* connection, const std::string& sql, ExecStatusType expected) {
  PGresult* result = PQexec(connection, sql.c_str());
  if (PQresultStatus(result) != expected) {
    std::fprintf(stderr, "%s: %s", sql.c_str(), PQerrorMessage(connection));
    std::exit(1);
  }
  const long value = PQntuples(result) > 0 ? std::atol(PQgetvalue(result, 0, 0)) : 0;
  PQclear(result);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "freshness_probe SOURCE_URL COPY_URL SAMPLES\n");
    return 2;
  }
  PGconn* source = connect(argv[1]);
  PGconn* copy = connect(argv[2]);
  const int samples = std::atoi(argv[3]);
  std::mt19937 random(7);
  std::uniform_int_distribution<int> pause(5, 45);
  for (int n = 1; n <= samples; ++n) {
    // Spread, so that no rhythm of either server decides the result.
    ::poll(nullptr, 0, pause(random));
    ask(source, "UPDATE probe SET n = " + std::to_string(n) + " WHERE id = 1", PGRES_COMMAND_OK);
    const auto committed = Clock::now();
    while (ask(copy, "SELECT n FROM probe WHERE id = 1", PGRES_TUPLES_OK) != n) {
      ::poll(nullptr, 0, 1);
      if (Clock::now() - committed > std::chrono::seconds(30)) {
        std::fprintf(stderr, "not visible after 30 s\n");
        return 1;
      }
    }
    const auto latency = Clock::now() - committed;
    std::printf(
        "%ld\n",
        static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(latency).count()));
  }
  PQfinish(source);
  PQfinish(copy);
  return 0;
}
