// What the stages of one source hand to each other.
//
//   receive → apply   the stream itself, and how far the source was seen to be idle
//   receive → catalog a nudge: a transaction has altered tables
//   catalog → apply   news of tables, by the source's catalog
//   copy, ALTER SOURCE → apply
//                     orders: finished copies to attach, table records to store, tables to remove
//                     (only apply writes)
//   apply → copy      a nudge: some table waits to be copied
//   apply → receive   from where on the stream is needed
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "base/guarded.h"
#include "collection/store.h"
#include "model/position.h"
#include "server/catalog_news.h"

namespace freshet::server {

// Every commit that ends at or below `lsn` lies below `offset` in the stream.
struct Idle {
  Lsn lsn;
  Offset offset;
};

struct FinishedCopy {
  std::unique_ptr<collection::Copy> copy;
  Lsn snapshot_lsn;
  Offset replay_from;
};

struct TablesRemoved {
  std::vector<TableId> tables;
};

using Order = std::variant<FinishedCopy, collection::TableRecord, TablesRemoved>;

struct Orders {
  std::vector<Order> waiting;
  std::uint64_t given = 0;  // ever
  std::uint64_t taken = 0;  // ever; equal to given when apply has dealt with all
};

struct Handover {
  Guarded<Idle> idle;
  Guarded<Orders> orders;
  Guarded<std::shared_ptr<const CatalogNews>> news;  // until apply has taken them
  // Counts up when the source has told of altered tables.
  Guarded<std::uint64_t> looks_wanted;
  // Held by whoever changes what is published, from finding out what should be until it is recorded
  // or given to apply.
  std::mutex publishing;
  // Counts up when a table has become Waiting.
  Guarded<std::uint64_t> copies_wanted;
  // Everything below is applied by everybody, or nobody needs it; nothing before apply knows.
  Guarded<std::optional<Offset>> needed_from;
  // While tables are copied: the stream is kept from here on.
  Guarded<std::optional<Offset>> copying_from;

  void give(Order order) {
    orders.update([&](Orders& all) {
      all.waiting.push_back(std::move(order));
      ++all.given;
    });
  }
};

}  // namespace freshet::server
