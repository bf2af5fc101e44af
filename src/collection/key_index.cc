#include "collection/key_index.h"

namespace freshet::collection {

void MultiIndex::add(const Key& key, Location location) {
  ++size_;
  const auto [at, added] = map_.try_emplace(key, location.value);
  if (added) return;
  std::uint64_t next = at->second & ~list_bit;
  if ((at->second & list_bit) == 0) next = new_node({.location = at->second, .next = no_node});
  at->second = new_node({.location = location.value, .next = next}) | list_bit;
}

std::optional<Location> MultiIndex::take(const Key& key) {
  const auto found = map_.find(key);
  if (found == map_.end()) return std::nullopt;
  --size_;
  if ((found->second & list_bit) == 0) {
    const Location location(found->second);
    map_.erase(found);
    return location;
  }
  const std::uint64_t node = found->second & ~list_bit;
  const Location location(nodes_[node].location);
  if (nodes_[node].next == no_node) {
    map_.erase(found);
  } else {
    found->second = nodes_[node].next | list_bit;
  }
  nodes_[node].next = free_;
  free_ = node;
  return location;
}

std::uint64_t MultiIndex::new_node(Node node) {
  if (free_ == no_node) {
    nodes_.push_back(node);
    return nodes_.size() - 1;
  }
  const std::uint64_t at = free_;
  free_ = nodes_[at].next;
  nodes_[at] = node;
  return at;
}

void MultiIndex::clear() {
  map_ = {};
  nodes_ = {};
  free_ = no_node;
  size_ = 0;
}

std::uint64_t MultiIndex::memory_bytes() const {
  return map_.bucket_count() * (sizeof(Key) + sizeof(std::uint64_t) + 1) +
         nodes_.capacity() * sizeof(Node);
}

}  // namespace freshet::collection
