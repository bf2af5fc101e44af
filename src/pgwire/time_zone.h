// UTC offsets of a time zone, read from the system's zone files (TZif), for timestamps with time
// zone as text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace freshet::pgwire {

class TimeZone {
 public:
  // UTC for "UTC" and for a zone whose file is missing: the instant stays right, and +00 is said.
  static std::shared_ptr<const TimeZone> find(const std::string& name);
  // The zone in the bytes of a zone file; UTC when they are none.
  static TimeZone parse(Bytes file);

  bool is_utc() const { return transitions_.empty() && first_offset_ == 0; }
  // Seconds east of Greenwich at a time in seconds since 1970 UTC.
  std::int32_t offset(std::int64_t seconds) const;

 private:
  struct Transition {
    std::int64_t at;
    std::int32_t offset;
  };
  std::int32_t offset_in_table(std::int64_t seconds) const;

  std::int32_t first_offset_ = 0;  // before the first transition
  std::vector<Transition> transitions_;
};

}  // namespace freshet::pgwire
