#include "query/portal.h"

#include <algorithm>

#include "query/text_rows.h"

namespace freshet::query {

const std::vector<engine::ResultColumn>& Portal::columns() const {
  if (!own_columns_.empty() || !prepared_->query) return own_columns_;
  return prepared_->query->columns();
}

Result<> Portal::start() {
  CHECK(!started_ && prepared_->query);
  started_ = true;
  stream_ = TRY(prepared_->query->execute(parameters_));
  const auto* query = std::get_if<Query>(&prepared_->control);
  if (query && query->explain) TRY(explain());
  return {};
}

void Portal::start_with(std::unique_ptr<engine::Chunk> rows,
                        std::vector<engine::ResultColumn> columns) {
  started_ = true;
  own_columns_ = std::move(columns);
  kept_.push_back(std::move(rows));
}

// The engine explains in two columns, a name and a picture; clients of PostgreSQL expect lines.
Result<> Portal::explain() {
  std::vector<std::optional<std::string>> lines;
  for (;;) {
    const std::unique_ptr<engine::Chunk> chunk = TRY(stream_->next());
    if (!chunk) break;
    for (std::size_t row = 0; row < chunk->size(); ++row) {
      std::string_view text = chunk->column(1).text(row);
      while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
      }
    }
  }
  stream_.reset();
  std::vector<std::vector<std::optional<std::string>>> columns;
  columns.push_back(std::move(lines));
  kept_.push_back(std::make_unique<TextChunk>(std::move(columns)));
  return {};
}

Result<bool> Portal::next_chunk() {
  row_ = 0;
  while (!at_end_) {
    if (!kept_.empty()) {
      chunk_ = std::move(kept_.front());
      kept_.pop_front();
    } else if (stream_) {
      chunk_ = TRY(stream_->next());
    }
    if (chunk_ && chunk_->size() > 0) return true;
    if (!chunk_ || (kept_.empty() && !stream_)) at_end_ = true;
    chunk_.reset();
  }
  stream_.reset();
  return false;
}

Result<> Portal::drain() {
  std::uint64_t rows = 0;
  while (stream_) {
    std::unique_ptr<engine::Chunk> chunk = TRY(stream_->next());
    if (!chunk) {
      stream_.reset();
      break;
    }
    rows += chunk->size();
    if (rows > kept_rows_max) {
      stream_.reset();
      return Error{.sqlstate = "53400",
                   .message = "a suspended cursor has too many rows left to keep",
                   .hint = "Read it to its end, or close it, before the next statement."};
    }
    kept_.push_back(std::move(chunk));
  }
  return {};
}

}  // namespace freshet::query
