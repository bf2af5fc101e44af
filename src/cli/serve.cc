#include "cli/serve.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "cli/progress_line.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "query/session.h"
#include "server/server.h"

namespace freshet::cli {

namespace {

using namespace std::chrono_literals;

// Refused for good before anything was mirrored: a wrong password, wal_level=replica, no such
// table.
bool hopeless(const server::Server& server) {
  const auto sources = server.status().sources();
  return server.status().tables().empty() &&
         std::ranges::all_of(
             sources, [](const query::SourceStatus& source) { return source.state == "failed"; });
}

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

int serve(server::Config config) {
  block_stop_signals();
  const std::string data = config.data.string();
  const std::string host = config.listen == "::1" ? "[::1]" : config.listen;
  auto started = server::Server::start(std::move(config));
  if (!started.ok()) {
    report(started.error());
    return 1;
  }
  server::Server& server = **started;
  say(fmt::format("freshet {} · data {} · console http://{}:{} · sql postgresql://{}:{}/freshet",
                  query::freshet_version, data, host, server.http_port(), host, server.sql_port()));
  ProgressLine line(::isatty(STDOUT_FILENO) == 1);
  while (!wait_for_stop_signal(250ms)) {
    for (const std::string& news : server.take_news()) line.print(news);
    if (hopeless(server)) {
      line.finish();
      std::fputs("freshet: nothing to serve, every source was refused\n", stderr);
      return 1;
    }
    if (const Result<> checked = server.check_engine(); !checked.ok()) {
      line.finish();
      Error error = checked.error();
      error.hint = "Look at the disk of the data folder, then start again: nothing is lost.";
      report(error);
      return 1;
    }
    line.show(server.status());
  }
  line.finish();
  say("stopping");
  server.stop();
  return 0;
}

}  // namespace freshet::cli
