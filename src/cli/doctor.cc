#include "cli/doctor.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "cli/doctor_report.h"
#include "cli/report.h"
#include "postgres/connection.h"
#include "server/config.h"

namespace freshet::cli {

namespace {

// https://no-color.org: set to anything, it means no.
bool wants_colours() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool refused = no_color != nullptr && *no_color != '\0';
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return ::isatty(STDOUT_FILENO) == 1 && !refused && !dumb;
}

Result<Examined> examine(const DoctorFlags& flags) {
  server::SourceConfig source = TRY(server::parse_source(flags.url));
  if (!flags.source_name.empty()) source.name = flags.source_name;
  source.tables = flags.tables;
  source.protocol = TRY(server::parse_protocol(flags.protocol));
  TRY(server::check(source));
  source::Diagnosis diagnosis = TRY(source::examine(
      source.url,
      {.source_name = source.name, .tables = source.tables, .protocol = source.protocol}));
  return Examined{.url = postgres::without_password(source.url),
                  .source_name = source.name,
                  .diagnosis = std::move(diagnosis)};
}

}  // namespace

int run_doctor(const DoctorFlags& flags) {
  const auto examined = examine(flags);
  if (!examined.ok()) {
    report(examined.error());
    return 2;
  }
  const std::string text =
      flags.json ? doctor_json(*examined) : doctor_text(*examined, wants_colours());
  std::fputs(text.c_str(), stdout);
  return exit_code(examined->diagnosis.worst());
}

}  // namespace freshet::cli
