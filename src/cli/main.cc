// freshet: the commands and their flags.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "base/failpoint.h"
#include "cli/demo.h"
#include "cli/doctor.h"
#include "cli/drop_source.h"
#include "cli/report.h"
#include "cli/serve.h"
#include "cli/signals.h"
#include "cli/status.h"
#include "observe/log.h"
#include "postgres/connection.h"
#include "query/session.h"
#include "server/config.h"

namespace {

using namespace freshet;

struct ServeFlags {
  std::string data;
  std::string config;
  std::string listen;
  std::vector<std::string> sources;
  std::vector<std::string> tables;
  int sql_port = -1;
  int http_port = -1;
  int copy_workers = 0;
};

CLI::App* add_serve(CLI::App& app, ServeFlags& flags) {
  CLI::App* serve =
      app.add_subcommand("serve", "Mirror PostgreSQL databases and answer SQL on the copies");
  serve->add_option("--data", flags.data, "Data folder (default ./freshet-data)")->type_name("DIR");
  serve->add_option("--source", flags.sources, "A database to mirror; repeat for more")
      ->type_name("[NAME=]URL")
      ->allow_extra_args(false);
  serve
      ->add_option("--tables", flags.tables,
                   "Which tables: schema.table with *, ! in front excludes (default: every table "
                   "outside system schemas)")
      ->type_name("PATTERN");
  serve
      ->add_option("--sql-port", flags.sql_port,
                   "Port for PostgreSQL clients, 0 for a free one (default 5433)")
      ->type_name("N");
  serve
      ->add_option("--http-port", flags.http_port,
                   "Port for health and metrics, 0 for a free one (default 8080)")
      ->type_name("N");
  serve
      ->add_option("--listen", flags.listen,
                   "Address to listen on, loopback only (default 127.0.0.1)")
      ->type_name("ADDR");
  serve
      ->add_option("--copy-workers", flags.copy_workers,
                   "Connections that copy at the same time, several of them one large table; per "
                   "source (default: the number of cores, 2 to 4)")
      ->check(CLI::Range(1U, server::copy_workers_max))
      ->type_name("N");
  serve
      ->add_option("--config", flags.config,
                   "Settings file (default DIR/freshet.toml when it exists)")
      ->type_name("FILE");
  serve->footer(
      "Examples:\n"
      "  freshet serve --source postgresql://app@db.example/shop\n"
      "  freshet serve --source shop=postgresql://app@db/shop --tables 'public.*' --tables "
      "'!public.log'\n"
      "  psql -h 127.0.0.1 -p 5433 freshet -c 'select * from freshet.tables'\n"
      "Passwords: put them into ~/.pgpass or PGPASSFILE rather than into the URL.");
  return serve;
}

// Flags win over the file; the file wins over the defaults.
Result<server::Config> make_config(const ServeFlags& flags) {
  server::Config config;
  if (!flags.data.empty()) config.data = flags.data;
  std::filesystem::path file = flags.config;
  const std::filesystem::path usual = config.data / "freshet.toml";
  if (file.empty() && std::filesystem::exists(usual)) file = usual;
  if (!file.empty()) config = TRY(server::read_config(file, std::move(config)));
  if (!flags.data.empty()) config.data = flags.data;
  if (!flags.listen.empty()) config.listen = flags.listen;
  if (flags.sql_port >= 0) config.sql_port = flags.sql_port;
  if (flags.http_port >= 0) config.http_port = flags.http_port;
  if (flags.copy_workers > 0) config.copy_workers = static_cast<unsigned>(flags.copy_workers);
  if (!flags.sources.empty()) config.sources.clear();
  for (const std::string& text : flags.sources) {
    config.sources.push_back(TRY(server::parse_source(text)));
  }
  if (!flags.tables.empty()) {
    for (server::SourceConfig& source : config.sources) source.tables = flags.tables;
  }
  TRY(server::check(config));
  return config;
}

int run_serve(const ServeFlags& flags) {
  auto config = make_config(flags);
  if (!config.ok()) {
    cli::report(config.error());
    return 2;
  }
  return cli::serve(*std::move(config));
}

// FRESHET_FAILPOINT is for tests: it makes the server break at a named place.
Result<> arm_from_environment() {
  const char* const setting = std::getenv("FRESHET_FAILPOINT");
  if (setting == nullptr) return {};
  const char* const folder = std::getenv("FRESHET_FAILPOINT_FOLDER");
  TRY(arm_failpoints(setting, folder == nullptr ? "" : folder));
  observe::warn("failpoint armed", {{"FRESHET_FAILPOINT", setting}});
  return {};
}

CLI::App* add_doctor(CLI::App& app, cli::DoctorFlags& flags) {
  CLI::App* doctor =
      app.add_subcommand("doctor", "Examine a database before mirroring it; changes nothing there");
  doctor->add_option("URL", flags.url, "The database, as for serve: [NAME=]URL")->required();
  doctor->add_flag("--json", flags.json, "Print one JSON object instead of text");
  doctor
      ->add_option("--source-name", flags.source_name,
                   "What the source will be called (default: the database's name)")
      ->type_name("NAME");
  doctor
      ->add_option("--tables", flags.tables,
                   "Which tables, as for serve: schema.table with *, ! in front excludes")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  doctor
      ->add_option("--protocol", flags.protocol,
                   "What it is to be followed through: auto, pgoutput or test_decoding")
      ->capture_default_str();
  doctor->footer(
      "Examples:\n"
      "  freshet doctor postgresql://app@db.example/shop\n"
      "  freshet doctor postgresql://app@db.example/shop --tables 'public.*' --tables "
      "'!public.log'\n"
      "  freshet doctor --json postgresql://app@db.example/shop | jq '.findings[] | "
      "select(.severity != \"fine\")'\n"
      "Exit code: 0 nothing to do, 1 warnings, 2 something blocks or it could not be examined.\n"
      "It takes about two seconds, because it looks at how much is written meanwhile.");
  return doctor;
}

CLI::App* add_drop_source(CLI::App& app, cli::DropSourceFlags& flags) {
  CLI::App* drop = app.add_subcommand(
      "drop-source", "Remove what Freshet created on a database: slot, publications");
  drop->add_option("SOURCE", flags.source,
                   "The database, as for serve: [NAME=]URL; or a NAME of the "
                   "settings file")
      ->required();
  drop->add_option("--data", flags.data,
                   "A data folder, whose collections of the source are removed too")
      ->type_name("DIR");
  drop->add_option("--config", flags.config,
                   "Settings file that has the NAME (default DIR/freshet.toml when it exists)")
      ->type_name("FILE");
  drop->add_flag("--dry-run", flags.dry_run, "List what is there, and change nothing");
  drop->add_flag("--force", flags.force,
                 "Also when a running Freshet follows the source, or another data folder made it");
  drop->footer(
      "Examples:\n"
      "  freshet drop-source shop=postgresql://app@db.example/shop --dry-run\n"
      "  freshet drop-source shop=postgresql://app@db.example/shop\n"
      "  freshet drop-source shop --data freshet-data\n"
      "The name decides: without NAME= it is the database's, as for serve. It may be repeated.\n"
      "Exit code: 0 nothing is left, 1 refused or something is left, 2 it could not be reached.");
  return drop;
}

int demo_command(const cli::DemoOptions& options) {
  cli::block_stop_signals();
  const auto result = cli::run_demo(options);
  if (result.ok()) return 0;
  cli::report(result.error());
  return 1;
}

// CLI11 repeats what it does not understand, and that may be a URL with a password.
int usage(const CLI::App& app, const CLI::ParseError& problem) {
  std::ostringstream said;
  const int code = app.exit(problem, said, said);
  const bool is_asked_for = code == 0;
  std::fputs(is_asked_for ? said.str().c_str() : postgres::without_secrets(said.str()).c_str(),
             is_asked_for ? stdout : stderr);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Freshet keeps live, queryable copies of PostgreSQL tables.", "freshet"};
  app.set_version_flag("--version", fmt::format("freshet {}", query::freshet_version));
  app.require_subcommand(1);
  app.footer("freshet COMMAND --help shows a command's flags and examples.");
  std::string log_level = "info";
  app.add_option("--log-level", log_level, "debug, info, warn or error; logs go to stderr")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));

  ServeFlags serve_flags;
  CLI::App* serve = add_serve(app, serve_flags);

  cli::DoctorFlags doctor_flags;
  CLI::App* doctor = add_doctor(app, doctor_flags);

  cli::DropSourceFlags drop_flags;
  CLI::App* drop = add_drop_source(app, drop_flags);

  std::string status_url = "postgresql://127.0.0.1:5433/freshet";
  CLI::App* status =
      app.add_subcommand("status", "Show sources, tables, lag and progress of a running server");
  status->add_option("URL", status_url, "The server's SQL address")->capture_default_str();
  status->footer("Example:\n  freshet status postgresql://127.0.0.1:5433/freshet");

  cli::DemoOptions demo_options;
  CLI::App* demo = app.add_subcommand(
      "demo", "Start a scratch PostgreSQL with a small shop, live traffic, and mirror it");
  demo->add_option("--orders", demo_options.orders, "Orders in the shop at the start")
      ->capture_default_str();
  demo->add_option("--rate", demo_options.rate, "Transactions per second on the shop")
      ->capture_default_str();
  demo->add_option("--sql-port", demo_options.sql_port,
                   "Port for PostgreSQL clients, 0 for a free one")
      ->capture_default_str();
  demo->add_option("--http-port", demo_options.http_port,
                   "Port for health and metrics, 0 for a free one")
      ->capture_default_str();
  demo->add_option("--seconds", demo_options.seconds, "End by itself after so long; 0: at Ctrl-C")
      ->capture_default_str();
  demo->add_flag("--keep", demo_options.keep, "Leave the shop's folder behind");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return usage(app, problem);
  }
  const bool quiet = demo->parsed() || doctor->parsed() || drop->parsed();
  observe::start_logging(log_level == "debug"           ? observe::Level::Debug
                         : log_level == "warn" || quiet ? observe::Level::Warn
                         : log_level == "error"         ? observe::Level::Error
                                                        : observe::Level::Info);
  if (const Result<> armed = arm_from_environment(); !armed.ok()) {
    cli::report(armed.error());
    return 2;
  }
  if (serve->parsed()) return run_serve(serve_flags);
  if (doctor->parsed()) return cli::run_doctor(doctor_flags);
  if (drop->parsed()) return cli::drop_source(drop_flags);
  if (status->parsed()) return cli::show_status(status_url);
  return demo_command(demo_options);
}
