#include "stream/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/file.h"
#include "stream/blocks.h"
#include "stream/format.h"

namespace freshet::stream {
namespace {

class FileReader final : public Reader {
 public:
  FileReader(std::shared_ptr<Shared> shared, Offset from) : shared_(std::move(shared)), at_(from) {}

  Result<std::optional<Record>> next(std::stop_token stop, std::chrono::milliseconds wait) override;

 private:
  Result<> open_file();
  Result<Record> read();
  Error damaged(std::string message) const;

  const std::shared_ptr<Shared> shared_;
  Offset at_;          // of the record to read next
  Offset durable_{0};  // as last seen: no need to ask while we are behind it
  std::optional<File> file_;
  Offset file_first_{0};
  Offset file_end_{0};  // where the next file begins; while there is none, as far as is durable
  Blocks blocks_;
};

Result<std::optional<Record>> FileReader::next(std::stop_token stop,
                                               std::chrono::milliseconds wait) {
  if (at_ >= durable_) {
    const bool more = shared_->published.wait_for(stop, wait, [this](const Published& published) {
      durable_ = published.durable.offset;
      return at_ < durable_;
    });
    if (!more) return std::optional<Record>();
  }
  if (!file_ || at_ >= file_end_) TRY(open_file());
  return std::optional<Record>(TRY(read()));
}

// Opens the file that holds `at_`, unless it is open and only its end moved.
Result<> FileReader::open_file() {
  const Published published = shared_->published.get();
  durable_ = published.durable.offset;
  const auto next = std::ranges::upper_bound(published.files, at_);
  if (next == published.files.begin()) return retired_error(at_, published.files.front());
  const Offset first = *std::prev(next);
  file_end_ = next == published.files.end() ? durable_ : *next;
  if (file_ && first == file_first_) return {};
  Result<File> opened = File::open(shared_->folder / file_name(first), File::Mode::Read);
  if (!opened.ok()) {
    // It may have been retired since we looked.
    const Offset begin = shared_->published.get().files.front();
    if (at_ < begin) return retired_error(at_, begin);
    return std::move(opened).error();
  }
  file_ = std::move(*opened);
  file_first_ = first;
  blocks_ = Blocks();
  return {};
}

Result<Record> FileReader::read() {
  const auto position_of = [this](Offset offset) {
    return sizeof(FileHeader) + offset.value - file_first_.value;
  };
  const std::uint64_t position = position_of(at_);
  const std::uint64_t limit = position_of(file_end_);
  if (limit - position < sizeof(RecordHeader)) return damaged("is cut off");
  const Bytes header_bytes = TRY(blocks_.view(*file_, position, sizeof(RecordHeader), limit));
  const auto header = parse_record_header(header_bytes.data(), at_);
  if (!header) return damaged("has a header whose checksum does not match");
  const std::size_t record_bytes = sizeof(RecordHeader) + header->messages_bytes;
  if (limit - position < record_bytes) return damaged("is cut off");
  if (header->messages_bytes > shared_->options.record_bytes_max) {
    return damaged("is over the limit");
  }
  const Bytes bytes = TRY(blocks_.view(*file_, position, record_bytes, limit));
  const Bytes messages = bytes.subspan(sizeof(RecordHeader));
  if (!messages_match(*header, messages, at_)) {
    return damaged("has messages whose checksum does not match");
  }
  const Offset begin = std::exchange(at_, Offset{at_.value + record_bytes});
  return Record{part_of(*header, messages), begin, at_, blocks_.memory()};
}

Error FileReader::damaged(std::string message) const {
  return {.fault = Fault::Corruption,
          .sqlstate = "XX001",
          .message = fmt::format("read stream: the record at offset {} {}", at_.value, message),
          .detail = fmt::format("In {}.", (shared_->folder / file_name(file_first_)).string()),
          .hint = "Check the disk. To start over, drop the source and create it again."};
}

}  // namespace

std::unique_ptr<Reader> make_reader(std::shared_ptr<Shared> shared, Offset from) {
  return std::make_unique<FileReader>(std::move(shared), from);
}

Error retired_error(Offset offset, Offset begin) {
  return {.sqlstate = "58P01",
          .message = fmt::format("read stream: offset {} was retired, the stream begins at {}",
                                 offset.value, begin.value),
          .hint = "The collections have to be copied again."};
}

}  // namespace freshet::stream
