// The whole server: opens the store, mirrors the sources, serves SQL and HTTP. Construction in the
// order of the path of the data; stop() is that order reversed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/status.h"
#include "server/config.h"

namespace freshet::server {

class Server {
 public:
  // Returns once clients can connect; the sources are reached and copied in the background.
  static Result<std::unique_ptr<Server>> start(Config config);
  ~Server();

  int sql_port() const;
  int http_port() const;
  const query::Status& status() const;
  // Lines for people about what happened since the last call: "source shop: PostgreSQL 16.4, …".
  std::vector<std::string> take_news();

  // An error when the engine answers nothing any more, because its file could not be synced: nobody
  // can know what of it is on the disk, so only a new start, which reads it again, can go on.
  Result<> check_engine() const;

  // Clean stop, within seconds: clients first, then sources; nothing received is lost.
  void stop();

  struct Parts;

 private:
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace freshet::server
