#include "source/line_commit.h"

#include "model/date_time.h"

namespace freshet::source {

std::optional<Time> commit_time_of(std::string_view line) {
  constexpr std::string_view before = "(at ";
  const std::size_t at = line.find(before);
  if (at == std::string_view::npos || !line.ends_with(')')) return std::nullopt;
  std::string_view text = line.substr(at + before.size());
  text.remove_suffix(1);
  const auto micros = timestamp_from_text(text, true);
  if (micros.fault != ValueFault::None) return std::nullopt;
  return Time(std::chrono::microseconds(micros.value));
}

}  // namespace freshet::source
