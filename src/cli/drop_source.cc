#include "cli/drop_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/report.h"
#include "postgres/connection.h"
#include "server/config.h"
#include "server/drop_source.h"

namespace freshet::cli {

namespace {

namespace fs = std::filesystem;
using server::Dropped;
using server::SourceConfig;
using source::Leftover;

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
}

// A name alone is one of the settings file, which has the URL.
Result<SourceConfig> find_source(const DropSourceFlags& flags) {
  fs::path file = flags.config;
  const fs::path usual = fs::path(flags.data) / "freshet.toml";
  if (file.empty() && !flags.data.empty() && fs::exists(usual)) file = usual;
  if (!file.empty()) {
    const server::Config config = TRY(server::read_config(file, {}));
    const auto named = std::ranges::find(config.sources, flags.source, &SourceConfig::name);
    if (named != config.sources.end()) return *named;
  }
  SourceConfig source = TRY(server::parse_source(flags.source));
  TRY(server::check(source));
  return source;
}

void list(const Dropped& dropped) {
  for (const Leftover& leftover : dropped.found) {
    say(fmt::format("  {:<18}{}{}", leftover.kind, leftover.name,
                    leftover.note.empty() ? "" : "  (" + leftover.note + ")"));
    say(fmt::format(
        "{:<20}{}", "",
        leftover.why_not.empty() ? leftover.statement + ";" : "left alone: " + leftover.why_not));
  }
  if (dropped.collections) say(fmt::format("  collections here  {}", *dropped.collections));
}

// Whether nothing is left.
bool tell(const Dropped& dropped, const SourceConfig& source, const DropSourceFlags& flags) {
  bool all_gone = true;
  for (std::size_t i = 0; i < dropped.found.size(); ++i) {
    const Leftover& leftover = dropped.found[i];
    const auto& failure = dropped.still_there[i];
    if (!failure) {
      say(fmt::format("dropped {} {}", leftover.kind, leftover.name));
      continue;
    }
    all_gone = false;
    Error error = *failure;
    error.message =
        fmt::format("{} {} is still there: {}", leftover.kind, leftover.name, error.message);
    error.hint += (error.hint.empty() ? "" : " ") + ("By hand: " + leftover.statement + ";");
    report(error);
  }
  if (!all_gone) return false;
  if (dropped.collections) {
    say(fmt::format("forgot {} collections and their stream in {}", *dropped.collections,
                    flags.data));
  } else if (!flags.data.empty()) {
    say(fmt::format("{} has no source {}", flags.data, source.name));
  }
  say(fmt::format("nothing of source {} is left on {}", source.name,
                  postgres::without_password(source.url)));
  if (dropped.found.empty() && !dropped.other_names.empty()) {
    say("there was nothing; this database has other sources of Freshet: " + dropped.other_names);
  }
  if (flags.data.empty()) {
    say("its collections stay in their data folder, readable, until that is removed; --data DIR "
        "removes them too");
  }
  return true;
}

}  // namespace

int drop_source(const DropSourceFlags& flags) {
  const auto source = find_source(flags);
  if (!source.ok()) {
    report(source.error());
    return 2;
  }
  server::DropOptions options{.dry_run = flags.dry_run, .force = flags.force};
  if (!flags.data.empty()) options.data = flags.data;
  const auto dropped = server::drop_source(*source, options);
  if (!dropped.ok()) {
    report(dropped.error());
    const std::string& code = dropped.error().sqlstate;
    const bool refused = code == "55006" || code == "42710";
    return refused ? 1 : 2;
  }
  if (!flags.dry_run) return tell(*dropped, *source, flags) ? 0 : 1;
  say(fmt::format("source {} on {} · PostgreSQL {}", source->name,
                  postgres::without_password(source->url), dropped->server_version));
  list(*dropped);
  say(dropped->found.empty() ? "nothing of it is there" : "nothing was changed (--dry-run)");
  return 0;
}

}  // namespace freshet::cli
