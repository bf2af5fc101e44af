#include "pgwire/time_zone.h"

#include <algorithm>
#include <chrono>

#include "base/file.h"

namespace freshet::pgwire {
namespace {

struct Header {
  char version = 0;
  std::size_t universal = 0, standard = 0, leaps = 0, times = 0, types = 0, names = 0;
  bool ok = false;
  // Bytes of the tables behind it, with times of `time_bytes` each.
  std::size_t tables(std::size_t time_bytes) const {
    return times * (time_bytes + 1) + types * 6 + names + leaps * (time_bytes + 4) + standard +
           universal;
  }
};

Header read_header(ByteReader& reader) {
  Header header;
  const std::string_view magic = as_text(reader.bytes(4));
  header.version = static_cast<char>(reader.big<std::uint8_t>());
  reader.bytes(15);
  header.universal = reader.big<std::uint32_t>();
  header.standard = reader.big<std::uint32_t>();
  header.leaps = reader.big<std::uint32_t>();
  header.times = reader.big<std::uint32_t>();
  header.types = reader.big<std::uint32_t>();
  header.names = reader.big<std::uint32_t>();
  header.ok = reader.ok() && magic == "TZif" && header.types > 0 && header.types <= 256 &&
              header.times <= 100'000;
  return header;
}

// Letters, digits, and what else names of zones have; no dots, so no way out of the folder.
bool is_zone_name(const std::string& name) {
  return !name.empty() && name.front() != '/' && name.size() < 100 &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '_' || c == '-' || c == '+';
         });
}

std::chrono::year year_of(std::int64_t seconds) {
  const std::chrono::sys_seconds at{std::chrono::seconds(seconds)};
  return std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(at)).year();
}

std::int64_t start_of(std::chrono::year year) {
  const std::chrono::sys_days first = year / std::chrono::January / 1;
  return std::chrono::sys_seconds(first).time_since_epoch().count();
}

}  // namespace

std::shared_ptr<const TimeZone> TimeZone::find(const std::string& name) {
  if (name != "UTC" && is_zone_name(name)) {
    const Result<std::string> file = read_text("/usr/share/zoneinfo/" + name);
    if (file.ok()) return std::make_shared<const TimeZone>(parse(as_bytes(file.value())));
  }
  return std::make_shared<const TimeZone>();
}

TimeZone TimeZone::parse(Bytes file) {
  TimeZone zone;
  ByteReader reader(file);
  Header header = read_header(reader);
  if (!header.ok) return zone;
  const bool wide = header.version >= '2';
  if (wide) {  // the tables come again, with times of eight bytes
    reader.bytes(header.tables(4));
    header = read_header(reader);
    if (!header.ok) return zone;
  }
  if (reader.remaining() < header.tables(wide ? 8 : 4)) return zone;
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < header.times; ++i)
    times.push_back(wide ? reader.big<std::int64_t>() : reader.big<std::int32_t>());
  const Bytes indexes = reader.bytes(header.times);
  std::vector<std::int32_t> offsets;
  for (std::size_t i = 0; i < header.types; ++i) {
    offsets.push_back(reader.big<std::int32_t>());
    reader.bytes(2);
  }
  zone.first_offset_ = offsets.front();
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto type = std::to_integer<std::size_t>(indexes[i]);
    if (type < offsets.size()) zone.transitions_.push_back({times[i], offsets[type]});
  }
  return zone;
}

std::int32_t TimeZone::offset_in_table(std::int64_t seconds) const {
  const auto after = std::ranges::upper_bound(transitions_, seconds, {}, &Transition::at);
  return after == transitions_.begin() ? first_offset_ : std::prev(after)->offset;
}

// Zone files end in 2037. Later years follow the last rules, so they are looked up in a year of the
// table that has the same calendar.
std::int32_t TimeZone::offset(std::int64_t seconds) const {
  if (transitions_.empty() || seconds < transitions_.back().at) return offset_in_table(seconds);
  const std::chrono::year year = year_of(seconds);
  const std::chrono::year last = year_of(transitions_.back().at);
  if (year <= last) return offset_in_table(seconds);
  const auto weekday = [](std::chrono::year y) {
    return std::chrono::weekday(std::chrono::sys_days(y / std::chrono::January / 1));
  };
  std::chrono::year like = last - std::chrono::years(1);
  for (int tried = 0; tried < 28; ++tried) {
    if (like.is_leap() == year.is_leap() && weekday(like) == weekday(year)) break;
    like -= std::chrono::years(1);
  }
  return offset_in_table(seconds - start_of(year) + start_of(like));
}

}  // namespace freshet::pgwire
