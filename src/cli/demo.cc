#include "cli/demo.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/figures.h"
#include "base/file.h"
#include "cli/demo_guide.h"
#include "cli/demo_report.h"
#include "cli/demo_screen.h"
#include "cli/demo_shop.h"
#include "cli/demo_traffic.h"
#include "cli/progress_line.h"
#include "cli/signals.h"
#include "postgres/connection.h"
#include "postgres/scratch_server.h"
#include "server/server.h"

namespace freshet::cli {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Removed at the end, unless kept.
class Folder {
 public:
  static Result<Folder> create(const DemoOptions& options) {
    namespace fs = std::filesystem;
    fs::path path = options.folder;
    if (path.empty()) {
      std::string pattern = (fs::temp_directory_path() / "freshet-demo-XXXXXX").string();
      if (::mkdtemp(pattern.data()) == nullptr) return io_error("create folder", pattern, errno);
      path = pattern;
    } else if (fs::exists(path)) {
      Error error;
      error.sqlstate = "58P02";
      error.message = "the folder " + path.string() + " exists already";
      error.hint = "Name one that does not, or remove it.";
      return error;
    } else {
      std::error_code code;
      if (!fs::create_directories(path, code)) return io_error("create folder", path, code.value());
    }
    // The PostgreSQL server may run as another user and must find its own folder inside.
    std::error_code ignored;
    fs::permissions(path, fs::perms(0755), ignored);
    return Folder(fs::absolute(path), options.keep);
  }
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})), keep_(other.keep_) {}
  Folder& operator=(Folder&&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty() && !keep_) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  Folder(std::filesystem::path path, bool keep) : path_(std::move(path)), keep_(keep) {}
  std::filesystem::path path_;
  bool keep_;
};

// In the order of construction; what is below is stopped first.
struct Demo {
  Demo(const DemoOptions& the_options, Folder the_folder)
      : options(the_options), folder(std::move(the_folder)) {}

  const DemoOptions& options;
  Folder folder;
  std::unique_ptr<postgres::ScratchServer> postgres;
  std::unique_ptr<Traffic> traffic;
  std::unique_ptr<server::Server> server;
  std::unique_ptr<postgres::Connection> client;  // of Freshet's SQL port; null until it answers

  std::string source_url() const { return postgres->url("shop"); }
  std::string sql_url() const {
    return fmt::format("postgresql://127.0.0.1:{}/freshet", server->sql_port());
  }
  Guide guide(int postgres_major) const {
    return {.source_url = source_url(),
            .sql_url = sql_url(),
            .http_url = fmt::format("http://127.0.0.1:{}", server->http_port()),
            .folder = folder.path().string(),
            .rate = options.rate,
            .keep = options.keep,
            .postgres_major = postgres_major,
            .postgres_port = postgres->port(),
            .as_root = ::geteuid() == 0};
  }
};

std::string took(Clock::time_point since) {
  return fmt::format("{:.1f} s", std::chrono::duration<double>(Clock::now() - since).count());
}

// True when it was filled; false when asked to stop meanwhile.
Result<bool> fill_shop(Demo& demo, Screen& screen) {
  const auto started = Clock::now();
  const ShopSize size = shop_size(demo.options.orders);
  const std::string admin_url = demo.postgres->url();
  const std::string shop_url = demo.source_url();
  std::promise<Result<>> promise;
  auto done = promise.get_future();
  const auto fill = [&]() -> Result<> {
    auto admin = TRY(postgres::Connection::connect(admin_url, {}));
    TRY(admin->query("CREATE DATABASE shop"));
    auto shop = TRY(postgres::Connection::connect(shop_url, {}));
    return create_shop(*shop, size);
  };
  const std::jthread worker([&] { promise.set_value(fill()); });
  while (done.wait_for(0s) != std::future_status::ready) {
    if (wait_for_stop_signal(100ms)) {
      // Ends the statement that runs, and with it the worker.
      ignore(demo.postgres->stop(postgres::StopMode::Immediate));
      return false;
    }
    if (screen.terminal()) {
      screen.show({fmt::format("filling a shop with {} orders  {}", size.orders, took(started))});
    }
  }
  TRY(done.get().context("fill the shop"));
  if (screen.terminal()) screen.show({});
  screen.say(fmt::format("filled a shop with {} customers, {} products, {} orders  ({})",
                         size.customers, size.products, size.orders, took(started)));
  demo.traffic = TRY(Traffic::start(shop_url, size, demo.options.rate));
  return true;
}

// `wanted` when it can be had, else a free one: a newcomer's machine may run something there.
int free_or_any(int wanted, const char* what, Screen& screen) {
  if (wanted == 0) return 0;
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(wanted));
  const bool free =
      ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(listener);
  if (free) return wanted;
  screen.say(fmt::format("port {} is taken: {} gets a free one", wanted, what));
  return 0;
}

Result<> start_freshet(Demo& demo, Screen& screen) {
  server::Config config;
  config.data = demo.folder.path() / "freshet-data";
  config.sources.push_back({.name = "shop", .url = demo.source_url(), .tables = {}});
  config.sql_port = free_or_any(demo.options.sql_port, "SQL", screen);
  config.http_port = free_or_any(demo.options.http_port, "HTTP", screen);
  demo.server = TRY(server::Server::start(std::move(config)).context("start Freshet"));
  return {};
}

// Traffic per second since the last call.
class Speed {
 public:
  std::string line(const Traffic& traffic) {
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - since_).count();
    const auto rate = [&](std::uint64_t before, std::uint64_t after) {
      return seconds > 0 ? static_cast<double>(after - before) / seconds : 0.0;
    };
    const std::string text =
        fmt::format("{:.0f} orders/s, {:.0f} transactions/s", rate(bought_, traffic.bought()),
                    rate(transactions_, traffic.transactions()));
    since_ = now;
    bought_ = traffic.bought();
    transactions_ = traffic.transactions();
    return text;
  }

 private:
  Clock::time_point since_ = Clock::now();
  std::uint64_t bought_ = 0;
  std::uint64_t transactions_ = 0;
};

bool all_live(const query::Status& status) {
  const auto tables = status.tables();
  return !tables.empty() &&
         std::ranges::all_of(tables, [](const auto& table) { return table.state == "live"; });
}

std::vector<std::string> block(Demo& demo, Speed& speed, bool with_queries) {
  const query::Status& status = demo.server->status();
  std::uint64_t rows = 0;
  for (const query::TableStatus& table : status.tables()) rows += table.rows;
  std::vector<std::string> lines = {fmt::format("{} · {} rows · shop: {}", summarize(status).text,
                                                short_number(static_cast<double>(rows)),
                                                speed.line(*demo.traffic))};
  if (!with_queries) return lines;
  if (!demo.client) {
    auto client = postgres::Connection::connect(demo.sql_url(), {.application_name = "demo"});
    if (!client.ok()) {
      lines.push_back("the SQL port does not answer: " + client.error().message);
      return lines;
    }
    demo.client = *std::move(client);
    ignore(demo.client->query("SET search_path = public"));  // our connections open with none
  }
  for (std::string& line : report_lines(*demo.client)) lines.push_back(std::move(line));
  return lines;
}

// Until asked to stop, until the time is over, or until the shop breaks.
Result<> watch(Demo& demo, Screen& screen) {
  // Redrawing may be frequent; a log should stay readable.
  const auto interval = screen.terminal() ? 1s : 5s;
  const int queries_every = screen.terminal() ? 1 : 3;
  const auto started = Clock::now();
  auto next = started + 1s;
  Speed speed;
  for (int rounds_live = 0; !wait_for_stop_signal(100ms);) {
    const auto now = Clock::now();
    if (demo.options.seconds > 0 && now - started >= std::chrono::seconds(demo.options.seconds)) {
      return {};
    }
    for (const std::string& news : demo.server->take_news()) screen.say(news);
    if (const auto failure = demo.traffic->failure()) {
      return Error(*failure).with_context("keep the shop busy");
    }
    if (now < next) continue;
    const bool live = all_live(demo.server->status());
    screen.show(block(demo, speed, live && rounds_live++ % queries_every == 0));
    next = now + interval;
  }
  return {};
}

Result<> run(Demo& demo, Screen& screen) {
  const auto started = Clock::now();
  demo.postgres = TRY(postgres::ScratchServer::start({.folder = demo.folder.path() / "postgres",
                                                      .bin_folder = {},
                                                      .settings = {},
                                                      .keep = demo.options.keep})
                          .context("start a scratch PostgreSQL"));
  int version = 0;
  {
    const auto admin = TRY(postgres::Connection::connect(demo.postgres->url(), {}));
    version = admin->server_version();
  }
  screen.say(fmt::format("started PostgreSQL {}.{} in {}  ({})", version / 10000, version % 10000,
                         demo.folder.path().string(), took(started)));
  if (wait_for_stop_signal(0ms)) return {};
  if (!TRY(fill_shop(demo, screen))) return {};
  TRY(start_freshet(demo, screen));
  const Guide guide = demo.guide(version / 10000);
  screen.say(what_to_try(guide));
  Result<> watched = watch(demo, screen);

  const auto stopping = Clock::now();
  screen.settle();
  screen.say("stopping");
  demo.client.reset();
  demo.traffic->stop();
  demo.server->stop();
  if (demo.options.keep) screen.say(how_to_start_again(guide));
  TRY(demo.postgres->stop(demo.options.keep ? postgres::StopMode::Fast
                                            : postgres::StopMode::Immediate));
  if (!demo.options.keep) {
    screen.say(fmt::format("removed {}  ({})", demo.folder.path().string(), took(stopping)));
  }
  return watched;
}

}  // namespace

Result<> run_demo(const DemoOptions& options) {
  if (options.orders < 1 || options.rate < 0) {
    Error error;
    error.sqlstate = "22023";
    error.message = "a demo needs at least one order, and a rate that is not negative";
    return error;
  }
  Screen screen(Screen::options_of_stdout(), [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  });
  Demo demo(options, TRY(Folder::create(options)));
  return run(demo, screen);
}

}  // namespace freshet::cli
