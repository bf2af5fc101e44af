#include "server/alter_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/failpoint.h"
#include "observe/log.h"
#include "postgres/sqlstate.h"
#include "server/mirrored_tables.h"
#include "source/table_refusal.h"

namespace freshet::server {

namespace {

using namespace std::chrono_literals;
namespace sqlstate = postgres::sqlstate;
using collection::TableRecord;
using postgres::CatalogTable;
using postgres::Connection;
using postgres::Plugin;
using postgres::TablePatterns;

constexpr std::chrono::milliseconds look_interval = 1s;
// Longer than any lock is waited for.
constexpr std::chrono::milliseconds answers_within = 60s;

Error about(Error error, const query::Word& word) {
  error.position = word.position;
  return error;
}

// A pattern that says which; what is excluded is said by the other statement.
Result<TablePatterns> parse(const query::Word& word) {
  if (word.text.starts_with('!')) {
    return about({.sqlstate = "42601",
                  .message = "a pattern that excludes: " + word.text,
                  .hint = "ADD TABLE names what is to be mirrored, DROP TABLE what is not."},
                 word);
  }
  auto patterns = TablePatterns::parse({word.text});
  if (!patterns.ok()) return about(patterns.error(), word);
  return patterns;
}

// Whoever says a name means that table; a pattern with a star means those that can be mirrored.
bool names_one(const query::Word& word) {
  return word.text.find('*') == std::string::npos;
}

std::string names_of(const std::vector<CatalogTable>& tables) {
  std::string names;
  for (const CatalogTable& table : tables) {
    names += (names.empty() ? "" : ", ") + table.schema.qualified_name();
  }
  return names;
}

}  // namespace

AlterSourceTables::AlterSourceTables(const SourceConfig& config, const source::Owner& owner,
                                     source::Names names, collection::Store& store, SourceId source,
                                     Handover& handover, Requests& requests, Board& board)
    : config_(config),
      owner_(owner),
      names_(std::move(names)),
      store_(store),
      source_(source),
      handover_(handover),
      requests_(requests),
      board_(board) {}

Result<> AlterSourceTables::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto asked = requests_.wait_for_one<query::AlterSource>(stop, look_interval);
    if (!asked) continue;
    asked->answer(answer(std::get<query::AlterSource>(asked->command), stop));
  }
  return {};
}

Result<Notes> AlterSourceTables::answer(const query::AlterSource& asked, std::stop_token stop) {
  const auto connection = TRY(Connection::connect(
      config_.url, {.application_name = owner_.application_name(), .stop = stop}));
  connection->limit_answers(stop, answers_within);
  const std::scoped_lock lock(handover_.publishing);
  return asked.action == query::AlterSource::Action::AddTables ? add(*connection, asked, stop)
                                                               : drop(*connection, asked, stop);
}

Result<Notes> AlterSourceTables::add(Connection& connection, const query::AlterSource& asked,
                                     std::stop_token stop) {
  Tables fresh;
  std::set<TableId> seen;
  for (const query::Word& pattern : asked.patterns) {
    for (CatalogTable& table : TRY(new_tables(connection, pattern))) {
      if (seen.insert(table.schema.id).second) fresh.push_back(std::move(table));
    }
  }
  Tables published = TRY(still_published(connection));
  published.insert(published.end(), fresh.begin(), fresh.end());
  TRY(publish(connection, published));
  FAILPOINT("alter_source.add.published");
  TRY(choose(asked.patterns, ""));
  FAILPOINT("alter_source.add.chosen");
  observe::info("tables added", {{"source", config_.name}, {"tables", names_of(fresh)}});
  std::vector<Order> orders;
  for (const CatalogTable& table : fresh) orders.emplace_back(record_for(source_, table));
  hand_over(std::move(orders), stop);
  handover_.copies_wanted.update([](std::uint64_t& count) { ++count; });
  return Notes{};
}

postgres::Plugin AlterSourceTables::plugin(const Connection& connection) const {
  return plugin_for(config_, connection.server_version());
}

// Through test_decoding every table comes: those that are not ours are left aside here.
Result<> AlterSourceTables::publish(Connection& connection, const Tables& tables) const {
  if (plugin(connection) != Plugin::Pgoutput) return {};
  return source::publish(connection, names_, tables);
}

// What a pattern brings that is not mirrored yet.
Result<AlterSourceTables::Tables> AlterSourceTables::new_tables(Connection& connection,
                                                                const query::Word& word) const {
  const TablePatterns pattern = TRY(parse(word));
  Tables found = TRY(postgres::read_tables(connection, pattern, plugin(connection)));
  if (found.empty()) return about(source::why_no_table(connection, word.text), word);
  std::set<TableId> known;
  for (const TableRecord& record : mirrored()) known.insert(record.schema->id);
  Tables fresh;
  for (CatalogTable& table : found) {
    if (!known.contains(table.schema.id)) fresh.push_back(std::move(table));
  }
  if (fresh.empty()) {
    return about({.sqlstate = sqlstate::duplicate_object,
                  .message = fmt::format("source {} has {} already", config_.name, word.text),
                  .hint = "freshet.tables lists what it has. ALTER COLLECTION … RESYNC copies a "
                          "table again."},
                 word);
  }
  if (names_one(word)) {
    const auto refused = TRY(source::why_not(connection, fresh.front()));
    if (refused) return about(*refused, word);
  }
  return fresh;
}

Result<Notes> AlterSourceTables::drop(Connection& connection, const query::AlterSource& asked,
                                      std::stop_token stop) {
  std::vector<TableId> gone;
  for (const query::Word& word : asked.patterns) {
    const TablePatterns pattern = TRY(parse(word));
    const std::size_t before = gone.size();
    for (const TableRecord& record : mirrored()) {
      if (!pattern.match(record.schema->schema, record.schema->name)) continue;
      gone.push_back(record.schema->id);
    }
    if (gone.size() > before) continue;
    return about({.sqlstate = sqlstate::undefined_table,
                  .message = fmt::format("source {} has no table {}", config_.name, word.text),
                  .hint = "freshet.tables lists what it has."},
                 word);
  }
  if (plugin(connection) == Plugin::Pgoutput) {
    TRY(source::may_change_publications(connection, names_));
  }
  TRY(choose(asked.patterns, "!"));
  FAILPOINT("alter_source.drop.chosen");
  std::vector<Order> orders;
  orders.emplace_back(TablesRemoved{gone});
  hand_over(std::move(orders), stop);
  board_.with([&](SourceFacts& facts) {
    for (const TableId table : gone) {
      facts.copies.erase(table);
      facts.table_errors.erase(table);
    }
  });
  observe::info("tables dropped", {{"source", config_.name}, {"tables", gone.size()}});
  FAILPOINT("alter_source.drop.removed");
  // They are gone here whatever the source says; the next start tries again.
  const Result<> published = publish(connection, TRY(still_published(connection)));
  if (published.ok()) return Notes{};
  Error note = published.error();
  observe::warn("dropped tables are still published",
                {{"source", config_.name}, {"reason", note.message}});
  note.message = "the tables are still published: " + note.message;
  return Notes{std::move(note)};
}

std::vector<TableRecord> AlterSourceTables::mirrored() const {
  std::vector<TableRecord> records = store_.tables();
  std::erase_if(records, [&](const TableRecord& record) { return record.source != source_; });
  return records;
}

// The tables of today that are recorded, or will be: apply may not have come to the news of them.
Result<AlterSourceTables::Tables> AlterSourceTables::still_published(Connection& connection) const {
  std::set<TableId> known;
  for (const TableRecord& record : mirrored()) known.insert(record.schema->id);
  if (const auto news = handover_.news.get()) {
    for (const TableNews& table : news->tables) {
      if (std::holds_alternative<TableNews::Came>(table.what)) known.insert(table.table);
    }
  }
  Tables tables = TRY(postgres::read_tables(connection, TablePatterns(), plugin(connection)));
  std::erase_if(tables,
                [&](const CatalogTable& table) { return !known.contains(table.schema.id); });
  return tables;
}

// A choice takes the place of an older one about the same pattern.
Result<> AlterSourceTables::choose(const std::vector<query::Word>& patterns,
                                   const std::string& mark) {
  auto record = store_.find_source(config_.name);
  if (!record) return Error{.message = "the source is not recorded"};
  for (const query::Word& word : patterns) {
    std::erase_if(record->choices, [&](const std::string& choice) {
      return choice == word.text || choice == "!" + word.text;
    });
    record->choices.push_back(mark + word.text);
  }
  return store_.update_source(*record);
}

// Returns when apply has done it, which also makes it durable; or when asked to stop: then the next
// start does it.
void AlterSourceTables::hand_over(std::vector<Order> orders, std::stop_token stop) {
  std::uint64_t last = 0;
  handover_.orders.update([&](Orders& all) {
    for (Order& order : orders) all.waiting.push_back(std::move(order));
    last = all.given += orders.size();
  });
  handover_.orders.wait(std::move(stop), [&](const Orders& all) { return all.taken >= last; });
}

}  // namespace freshet::server
