#include "server/resent.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "source/continuity.h"

namespace freshet::server {

Resent::Resent(Options options)
    : options_(std::move(options)),
      last_seen_(!options_.last || options_.last->commit_lsn < options_.from),
      passed_(options_.from) {}

Result<bool> Resent::take(const TransactionPart& part) {
  if (part.first) {
    if (!over() && !options_.last && options_.from < options_.begin) {
      return diverged(fmt::format("the slot went back to {}, which is too far to be compared",
                                  to_string(options_.from)));
    }
    skipping_ = part.commit_lsn < options_.end;
    const stream::TransactionMark mark{part.commit_lsn, part.commit_time};
    if (!skipping_) {
      TRY(pass(part.commit_lsn));
    } else if (options_.last == mark) {
      last_seen_ = true;
    } else if (!options_.last || part.commit_lsn >= options_.last->commit_lsn) {
      return diverged(fmt::format("the source sent a transaction at {} that it did not have before",
                                  to_string(part.commit_lsn)));
    }
  }
  if (!skipping_) return false;
  keep_descriptions(part.messages);
  if (part.last) TRY(pass(part.end_lsn));
  return true;
}

Result<> Resent::pass(Lsn lsn) {
  if (!last_seen_ && lsn > options_.last->commit_lsn) {
    return diverged(fmt::format("the source no longer has the transaction at {} that was received",
                                to_string(options_.last->commit_lsn)));
  }
  passed_ = std::max(passed_, lsn);
  return {};
}

Error Resent::diverged(std::string message) const {
  return {.sqlstate = source::history_differs,
          .message = std::move(message),
          .detail =
              "It was put back to an earlier state and has been written to since then, or an old "
              "primary took over: its positions now stand for other transactions.",
          .hint = source::copy_again_hint(options_.source)};
}

// Relation: 'R', then the table's oid. Type: 'Y', then the type's.
void Resent::keep_descriptions(Bytes messages) {
  constexpr std::size_t id_bytes = 1 + sizeof(std::uint32_t);
  ByteReader reader(messages);
  while (reader.ok() && !reader.at_end()) {
    const std::string_view message = as_text(reader.bytes(reader.little<std::uint32_t>()));
    if (message.size() < id_bytes || (message[0] != 'R' && message[0] != 'Y')) continue;
    descriptions_[std::string(message.substr(0, id_bytes))] = message;
  }
}

TransactionPart Resent::with_descriptions(const TransactionPart& part) {
  if (!part.first || descriptions_.empty()) return part;
  messages_.clear();
  ByteWriter writer(messages_);
  const auto put = [&](Bytes message) {
    writer.little(static_cast<std::uint32_t>(message.size()));
    writer.bytes(message);
  };
  ByteReader reader(part.messages);
  put(reader.bytes(reader.little<std::uint32_t>()));  // Begin
  for (const auto& [id, message] : descriptions_) put(as_bytes(message));
  writer.bytes(reader.rest());
  descriptions_.clear();
  TransactionPart whole = part;
  whole.messages = as_bytes(messages_);
  return whole;
}

}  // namespace freshet::server
