// Where the row with a key lies: hash tables from keys to locations.
//
//   integer keys      the key itself, 8 bytes
//   any other key     128 bits of XXH3 over its canonical form (row_key.h); equality of the hash
//                     counts as equality of the key
//   whole rows        the same hash, with multiplicity: equal rows are legal, each has a location
//
// One owner; derived, so it is never written to disk.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.h"
#include "collection/live_rows.h"

namespace freshet::collection {

// A row: segment in the upper 23 bits below the top one, row id in the lower 40.
struct Location {
  static constexpr unsigned row_bits = 40;
  std::uint64_t value = 0;

  Location() = default;
  explicit Location(std::uint64_t raw) : value(raw) {}
  Location(SegmentId segment, std::uint64_t row)
      : value(std::uint64_t{segment} << row_bits | row) {}
  SegmentId segment() const { return static_cast<SegmentId>(value >> row_bits); }
  std::uint64_t row() const { return value & ((std::uint64_t{1} << row_bits) - 1); }
  friend bool operator==(Location, Location) = default;
};

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

struct KeyHasher {
  using is_avalanching = void;
  std::size_t operator()(std::int64_t key) const {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{static_cast<std::uint64_t>(key)} * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::size_t>(product >> 64) ^ static_cast<std::size_t>(product);
  }
  std::size_t operator()(const Hash128& key) const { return static_cast<std::size_t>(key.low); }
};

// One row per key.
template <typename KeyType>
class UniqueIndex {
 public:
  using Key = KeyType;

  // The slot of a key for reading and replacing; null when absent. Valid until the next change.
  std::uint64_t* find(const Key& key) {
    const auto found = map_.find(key);
    return found == map_.end() ? nullptr : &found->second;
  }
  // Puts the key at `location`; the location it had before, if it had one.
  std::optional<Location> put(const Key& key, Location location) {
    const auto [at, added] = map_.try_emplace(key, location.value);
    if (added) return std::nullopt;
    const Location before(at->second);
    at->second = location.value;
    return before;
  }
  std::optional<Location> take(const Key& key) {
    const auto found = map_.find(key);
    if (found == map_.end()) return std::nullopt;
    const Location location(found->second);
    map_.erase(found);
    return location;
  }
  // Replaces every location by move(location).
  template <typename Move>
  void relocate(Move&& move) {
    for (auto& [key, location] : map_) location = move(Location(location)).value;
  }
  void clear() { map_ = {}; }
  std::uint64_t size() const { return map_.size(); }
  // A slot and its byte of metadata; full or not, capacity is what is allocated.
  std::uint64_t memory_bytes() const {
    return map_.bucket_count() * (sizeof(typename Map::value_type) + 1);
  }

 private:
  using Map = boost::unordered_flat_map<Key, std::uint64_t, KeyHasher>;
  Map map_;
};

// Any number of rows per key. Nearly all have one: only the others cost a node in a list.
class MultiIndex {
 public:
  using Key = Hash128;

  void add(const Key& key, Location location);
  // Takes one of the rows with that key, the newest.
  std::optional<Location> take(const Key& key);
  template <typename Move>
  void relocate(Move&& move);
  void clear();
  std::uint64_t size() const { return size_; }
  std::uint64_t memory_bytes() const;

 private:
  // In the map: a location, or with the top bit the first node of a list.
  static constexpr std::uint64_t list_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t no_node = list_bit - 1;
  struct Node {
    std::uint64_t location = 0;
    std::uint64_t next = no_node;
  };
  std::uint64_t new_node(Node node);

  boost::unordered_flat_map<Key, std::uint64_t, KeyHasher> map_;
  std::vector<Node> nodes_;
  std::uint64_t free_ = no_node;
  std::uint64_t size_ = 0;
};

using IntegerIndex = UniqueIndex<std::int64_t>;
using HashIndex = UniqueIndex<Hash128>;

template <typename Move>
void MultiIndex::relocate(Move&& move) {
  for (auto& [key, slot] : map_) {
    if ((slot & list_bit) == 0) {
      slot = move(Location(slot)).value;
      continue;
    }
    for (std::uint64_t at = slot & ~list_bit; at != no_node; at = nodes_[at].next) {
      nodes_[at].location = move(Location(nodes_[at].location)).value;
    }
  }
}

}  // namespace freshet::collection
