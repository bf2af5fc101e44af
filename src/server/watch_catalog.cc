#include "server/watch_catalog.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "observe/log.h"
#include "postgres/shape.h"
#include "server/mirrored_tables.h"

namespace freshet::server {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Unless the source tells of altered tables.
constexpr std::chrono::milliseconds interval = 1s;
// A large catalog is asked less often, so that asking takes no more than a twentieth of a core.
constexpr int rest_per_work = 20;
constexpr std::chrono::milliseconds rest_max = 60s;
// Longer than publications are waited for.
constexpr std::chrono::milliseconds answers_within = 60s;

bool needs_publishing(const TableNews& news) {
  const bool got_a_key = news.known && news.known->identity == Identity::None;
  return std::holds_alternative<TableNews::Came>(news.what) ||
         (got_a_key && std::holds_alternative<TableNews::CopyAgain>(news.what));
}

}  // namespace

WatchCatalog::WatchCatalog(const SourceConfig& config, const source::Owner& owner, Options options,
                           const collection::Store& store, SourceId source, Handover& handover)
    : config_(config),
      owner_(owner),
      options_(std::move(options)),
      store_(store),
      source_(source),
      handover_(handover),
      reader_(source, options_.plugin, options_.binary) {}

Result<> WatchCatalog::run(std::stop_token stop) {
  Guarded<bool> never;
  while (!stop.stop_requested()) {
    const std::uint64_t looks = handover_.looks_wanted.get();
    const auto began = Clock::now();
    const Result<> looked = look(stop);
    if (!looked.ok()) {
      seen_.clear();
      if (looked.error().fault == Fault::Transient) connection_.reset();
      if (looked.error().fault != Fault::Transient && complaint_ != looked.error().message) {
        complaint_ = looked.error().message;
        observe::warn("cannot follow the catalog", {{"sqlstate", looked.error().sqlstate},
                                                    {"reason", looked.error().message},
                                                    {"hint", looked.error().hint}});
      }
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    const auto rest = std::min(took * rest_per_work, rest_max);
    never.wait_for(stop, rest, [](bool) { return false; });
    handover_.looks_wanted.wait_for(stop, std::max(interval - rest, 0ms),
                                    [&](std::uint64_t wanted) { return wanted != looks; });
  }
  return {};
}

Result<> WatchCatalog::look(std::stop_token stop) {
  // Apply has not come to the last news yet.
  if (handover_.news.get()) return {};
  if (!connection_) {
    connection_ = TRY(postgres::Connection::connect(
        config_.url, {.application_name = owner_.application_name(), .stop = stop}));
    connection_->limit_answers(std::move(stop), answers_within);
  }
  const std::string now =
      TRY(postgres::catalog_fingerprint(*connection_)) + states(store_.tables());
  if (now == seen_) return {};
  TRY(tell());
  seen_ = handover_.news.get() ? "" : now;
  return {};
}

// A table can only be looked at when it is live, so that its becoming so is a reason to look.
std::string WatchCatalog::states(const std::vector<collection::TableRecord>& records) const {
  std::string text;
  for (const collection::TableRecord& record : records) {
    if (record.source != source_) continue;
    text += std::to_string(value(record.schema->id)) + ':';
    text += to_string(record.state);
    text += record.resync ? "+ " : " ";
  }
  return text;
}

Result<> WatchCatalog::tell() {
  const std::scoped_lock lock(handover_.publishing);
  const std::vector<collection::TableRecord> records = store_.tables();
  const auto record = store_.find_source(config_.name);
  CHECK(record);  // whoever is followed is recorded
  const postgres::TablePatterns patterns = TRY(patterns_of(config_, *record));
  std::vector<postgres::CatalogTable> tables =
      TRY(postgres::read_tables(*connection_, patterns, options_.plugin, postgres::Sizes::AsKnown));
  widen(tables, records, source_);
  // First of all: until it is done, the application's updates of a table without a key fail.
  Result<> published;
  if (options_.plugin == postgres::Plugin::Pgoutput) {
    published = source::publish(*connection_, options_.names, tables);
  }
  CatalogNews news = TRY(reader_.compare(*connection_, records, tables, patterns));
  // A copy of what is not published would miss what comes after it.
  if (!published.ok()) std::erase_if(news.tables, needs_publishing);
  news.at = TRY(source::source_clock(*connection_)).flushed;
  if (!news.tables.empty()) {
    auto given = std::make_shared<const CatalogNews>(std::move(news));
    handover_.news.update([&](auto& waiting) { waiting = std::move(given); });
  }
  return published;
}

}  // namespace freshet::server
