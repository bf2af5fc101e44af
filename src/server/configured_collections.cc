#include "server/configured_collections.h"

#include "observe/log.h"
#include "server/derived_collections.h"

namespace freshet::server {

Result<> ConfiguredCollections::make(const collection::Store& store, SourceId source,
                                     collection::Writer& writer) {
  for (auto at = wanted_.begin(); at != wanted_.end();) {
    if (!store.find_table(source, {at->table_schema, at->table.text})) {
      ++at;
      continue;
    }
    const query::CreateCollection asked = std::move(*at);
    at = wanted_.erase(at);
    const auto made = store.find_derived(source, {asked.schema, asked.name.text});
    if (made && made->definition == asked.definition) continue;
    const auto outcome = create_collection(asked, store, source, writer);
    if (outcome.ok()) continue;
    if (outcome.error().fault != Fault::Permanent) return outcome.error();
    const std::string name = asked.schema + "." + asked.name.text;
    observe::error("configured collection cannot be made", {{"collection", name},
                                                            {"sqlstate", outcome.error().sqlstate},
                                                            {"reason", outcome.error().message}});
    board_.with([&](SourceFacts& facts) {
      facts.news.push_back("collection " + name + ": " + outcome.error().message + "\n  " +
                           outcome.error().hint);
    });
  }
  return {};
}

}  // namespace freshet::server
