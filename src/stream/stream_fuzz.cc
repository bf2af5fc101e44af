// Feeds damaged files to recovery and reading. Two ways, chosen by the first byte:
// - the input is the file behind a good header: any bytes at all must be read or refused;
// - the input is a list of damages done to a real file: what is read back must be a prefix of what
//   was written, by whole transactions, or be refused.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "stream/format.h"
#include "stream/stream.h"

namespace freshet::stream {
namespace {

namespace fs = std::filesystem;

struct Scratch {
  Scratch() {
    const char* memory = "/dev/shm";
    const fs::path base = fs::exists(memory) ? fs::path(memory) : fs::temp_directory_path();
    std::string pattern = (base / "freshet_fuzz_XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  ~Scratch() { fs::remove_all(folder); }
  void clear() const {
    for (const auto& entry : fs::directory_iterator(folder)) fs::remove(entry.path());
  }
  fs::path folder;
};

const fs::path& scratch_folder() {
  static const Scratch scratch;
  scratch.clear();
  return scratch.folder;
}

void put(const fs::path& path, Bytes head, Bytes tail) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  for (const Bytes bytes : {head, tail}) {
    out << as_text(bytes);
  }
}

// Everything readable; stops at the first refusal.
std::vector<std::string> read(const Stream& stream) {
  std::vector<std::string> messages;
  auto reader = stream.read_from(stream.begin());
  CHECK(reader.ok());
  for (;;) {
    const auto record = (*reader)->next({}, std::chrono::milliseconds(0));
    if (!record.ok() || !record->has_value()) return messages;
    messages.emplace_back(as_text((*record)->part.messages));
  }
}

void recover_any_bytes(Bytes input) {
  const fs::path& folder = scratch_folder();
  put(folder / file_name({0}), bytes_of(file_header({0}, {0})), input);
  const auto stream = Stream::open(folder, {});
  if (stream.ok()) read(**stream);
}

// Ten records of four transactions, the same every time.
struct Original {
  std::string bytes;
  std::vector<std::string> messages;
  std::vector<std::size_t> transaction_ends{0};  // counts of records
};

const Original& original() {
  static const Original made = [] {
    Original original;
    const fs::path& folder = scratch_folder();
    auto stream = std::move(*Stream::open(folder, {}));
    for (std::uint64_t number = 1; number <= 4; ++number) {
      for (std::uint64_t part = 1; part <= number; ++part) {
        original.messages.emplace_back(number * part * 11, static_cast<char>('a' + number + part));
        const bool last = part == number;
        CHECK(stream
                  ->append({.first = part == 1,
                            .last = last,
                            .commit_lsn = {number * 100},
                            .end_lsn = {last ? number * 100 + 50 : 0},
                            .messages = as_bytes(original.messages.back())})
                  .ok());
      }
      original.transaction_ends.push_back(original.messages.size());
      if (number % 2 == 0) CHECK(stream->sync().ok());
    }
    std::ifstream in(folder / file_name({0}), std::ios::binary);
    original.bytes.assign(std::istreambuf_iterator<char>(in), {});
    return original;
  }();
  return made;
}

// Each damage: what to do, where, with what.
std::string damaged(ByteReader input) {
  std::string bytes = original().bytes;
  while (input.remaining() >= 4 && !bytes.empty()) {
    const auto what = input.little<std::uint8_t>();
    const std::size_t where = input.little<std::uint16_t>() % bytes.size();
    const auto with = input.little<std::uint8_t>();
    switch (what % 4) {
      case 0: bytes[where] = static_cast<char>(bytes[where] ^ with); break;
      case 1: bytes.resize(where); break;
      case 2: bytes.append(with, static_cast<char>(where)); break;
      default: bytes.replace(where, with, with, '\0'); break;
    }
  }
  return bytes;
}

void recover_damaged(Bytes input) {
  const Original& written = original();
  const std::string bytes = damaged(ByteReader(input));
  const fs::path& folder = scratch_folder();
  put(folder / file_name({0}), as_bytes(bytes), {});
  auto stream = Stream::open(folder, {});
  if (!stream.ok()) return;
  std::vector<std::string> got = read(**stream);
  CHECK(got.size() <= written.messages.size());
  CHECK(std::equal(got.begin(), got.end(), written.messages.begin()));
  CHECK(std::ranges::find(written.transaction_ends, got.size()) != written.transaction_ends.end());

  got.emplace_back("appended");
  CHECK((*stream)
            ->append({.commit_lsn = {900}, .end_lsn = {900}, .messages = as_bytes(got.back())})
            .ok());
  CHECK((*stream)->sync().ok());
  stream->reset();
  auto again = Stream::open(folder, {});
  CHECK(again.ok());
  CHECK(read(**again) == got);
}

}  // namespace
}  // namespace freshet::stream

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const freshet::Bytes input(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    freshet::stream::recover_any_bytes(input);
  } else {
    freshet::stream::recover_damaged(input);
  }
  return 0;
}
