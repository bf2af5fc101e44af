#include "server/derived_collections.h"

#include <fmt/core.h>

#include "observe/log.h"

namespace freshet::server {

namespace {

using collection::DerivedRecord;
using Action = query::AlterCollection::Action;

Error about(const query::Word& word, std::string sqlstate, std::string message,
            std::string hint = {}) {
  return {.sqlstate = std::move(sqlstate),
          .message = std::move(message),
          .hint = std::move(hint),
          .position = word.position};
}

}  // namespace

Result<Notes> create_collection(const query::CreateCollection& asked,
                                const collection::Store& store, SourceId source,
                                collection::Writer& writer) {
  const std::string name = asked.schema + "." + asked.name.text;
  const auto known = store.find_derived(source, {asked.schema, asked.name.text});
  if (known && asked.if_not_exists) {
    return Notes{
        {.sqlstate = "42P07", .message = fmt::format("collection \"{}\" exists already", name)}};
  }
  if (known && !asked.replace) {
    return about(asked.name, "42P07", fmt::format("collection \"{}\" exists already", name),
                 "CREATE OR REPLACE COLLECTION gives it another definition.");
  }
  const collection::ViewName made_of{asked.table_schema, asked.table.text};
  const auto table = store.find_table(source, made_of);
  if (!table) {
    const bool derived = store.find_derived(source, made_of).has_value();
    return about(asked.table, derived ? "0A000" : "42P01",
                 derived ? "a collection is made of a table, not of another collection"
                         : fmt::format("no table \"{}.{}\" is mirrored", asked.table_schema,
                                       asked.table.text));
  }
  Result<> made = writer.derive({asked.schema, asked.name.text}, table->schema->id,
                                asked.definition, asked.replace);
  if (!made.ok()) {
    Error error = std::move(made).error();
    if (error.position > 0 && asked.sql_position > 0) error.position += asked.sql_position - 1;
    if (error.sqlstate == "42P07") error.position = asked.name.position;
    return error;
  }
  observe::info("collection created", {{"collection", name},
                                       {"table", asked.table_schema + "." + asked.table.text},
                                       {"replaced", known.has_value()}});
  return Notes{};
}

Result<Notes> drop_collection(const query::DropCollection& asked, const collection::Store& store,
                              SourceId source, collection::Writer& writer) {
  const auto known = store.find_derived(source, {asked.schema, asked.name.text});
  if (!known) {
    return about(asked.name, "42809",
                 fmt::format("\"{}.{}\" mirrors a table", asked.schema, asked.name.text),
                 "ALTER SOURCE … DROP TABLE ends that.");
  }
  const TableId ids[] = {known->schema->id};
  TRY(writer.remove_tables(ids));
  observe::info("collection dropped", {{"collection", known->schema->qualified_name()}});
  return Notes{};
}

Result<Notes> refill_collection(const query::AlterCollection& asked, const DerivedRecord& derived,
                                collection::Writer& writer) {
  if (asked.action != Action::Resync) {
    return about(asked.name, "0A000",
                 fmt::format("collection {} follows its table and cannot be paused alone",
                             derived.schema->qualified_name()),
                 "Pause the table it is made of.");
  }
  TRY(writer.refill(derived.schema->id));
  observe::info("collection is filled again", {{"collection", derived.schema->qualified_name()}});
  return Notes{};
}

}  // namespace freshet::server
