#include "collection/versions.h"

#include <algorithm>

namespace freshet::collection {

Applied Version::applied_of(SourceId source) const {
  for (const auto& [id, position] : applied) {
    if (id == source) return position;
  }
  return {};
}

void Version::set_applied(SourceId source, const Applied& to) {
  const auto found = std::ranges::find(applied, source, &std::pair<SourceId, Applied>::first);
  if (found == applied.end()) {
    applied.emplace_back(source, to);
  } else {
    found->second = to;
  }
}

Versions::Versions(Version first) : newest_(std::make_shared<const Version>(std::move(first))) {}

void Versions::unpin(const Version& version) {
  pins_.with([&](Pins& pins) {
    const auto found = pins.find(version.number);
    if (--found->second == 0) pins.erase(found);
  });
}

std::optional<std::uint64_t> Versions::oldest_pinned() const {
  return pins_.with([](const Pins& pins) -> std::optional<std::uint64_t> {
    if (pins.empty()) return std::nullopt;
    return pins.begin()->first;
  });
}

bool Versions::wait_visible(SourceId source, Lsn lsn, std::chrono::milliseconds limit,
                            std::stop_token stop) const {
  return newest_.wait_for(stop, limit, [&](const std::shared_ptr<const Version>& version) {
    return version->applied_of(source).lsn >= lsn;
  });
}

}  // namespace freshet::collection
