#include "server/server.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "collection/store.h"
#include "http/server.h"
#include "observe/log.h"
#include "pgwire/server.h"
#include "query/session.h"
#include "server/commands.h"
#include "server/folder_lock.h"
#include "server/status_view.h"
#include "server/supervisor.h"

namespace freshet::server {

// In the order of construction; destruction is the reverse.
struct Server::Parts {
  Parts(Config the_config, FolderLock the_lock)
      : config(std::move(the_config)), lock(std::move(the_lock)) {}

  const Config config;
  FolderLock lock;
  std::unique_ptr<collection::Store> store;
  std::unique_ptr<StatusView> status;
  ServerCommands commands;
  std::vector<std::unique_ptr<Supervisor>> supervisors;
  std::unique_ptr<pgwire::Server> sql;
  std::unique_ptr<http::Server> http;
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  stop();
}

Result<std::unique_ptr<Server>> Server::start(Config config) {
  TRY(check(config));
  FolderLock lock = TRY(FolderLock::take(config.data));
  auto parts = std::make_unique<Parts>(std::move(config), std::move(lock));
  const Config& set = parts->config;
  parts->store =
      TRY(collection::Store::open(set.data / "store", {.memory_bytes_max = set.memory_bytes_max})
              .context("open store"));
  parts->status = std::make_unique<StatusView>(*parts->store, set);
  for (const SourceConfig& source : set.sources) {
    parts->supervisors.push_back(std::make_unique<Supervisor>(source, set, *parts->store));
  }
  parts->status->watch(parts->supervisors);
  parts->commands.control(parts->supervisors);
  parts->sql = TRY(pgwire::Server::start({.address = set.listen,
                                          .port = set.sql_port,
                                          .connections_max = static_cast<int>(set.connections_max)},
                                         *parts->store, *parts->status, parts->commands)
                       .context("listen for SQL"));
  parts->http = TRY(http::Server::start({.address = set.listen,
                                         .port = set.http_port,
                                         .sql_address = fmt::format("postgresql://{}:{}/freshet",
                                                                    set.listen, parts->sql->port()),
                                         .version = std::string(query::freshet_version)},
                                        *parts->status, parts->commands)
                        .context("listen for HTTP"));
  for (const auto& supervisor : parts->supervisors) supervisor->start();
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

int Server::sql_port() const {
  return parts_->sql->port();
}
int Server::http_port() const {
  return parts_->http->port();
}
const query::Status& Server::status() const {
  return *parts_->status;
}

std::vector<std::string> Server::take_news() {
  std::vector<std::string> news;
  for (const auto& supervisor : parts_->supervisors) {
    supervisor->board().with([&](SourceFacts& facts) {
      for (std::string& line : facts.news) news.push_back(std::move(line));
      facts.news.clear();
    });
  }
  return news;
}

Result<> Server::check_engine() const {
  for (const auto& supervisor : parts_->supervisors) {
    if (supervisor->board().with([](const SourceFacts& facts) { return facts.state; }) != "failed")
      continue;
    const auto reader = parts_->store->reader();
    if (!reader.ok() && reader.error().sqlstate == "58030") return reader.error();
  }
  return {};
}

void Server::stop() {
  if (!parts_ || !parts_->store) return;
  if (parts_->http) parts_->http->stop();
  if (parts_->sql) parts_->sql->stop();
  // Status points at the supervisors; nobody asks it any more.
  parts_->http.reset();
  parts_->sql.reset();
  parts_->supervisors.clear();
  parts_->status.reset();
  parts_->store.reset();
  observe::info("stopped", {{"data", parts_->config.data.string()}});
}

}  // namespace freshet::server
