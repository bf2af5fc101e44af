#include "http/status_metrics.h"

#include <fmt/format.h>

#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "http/text.h"

namespace freshet::http {
namespace {

using query::ProgressStatus;
using query::SourceStatus;
using query::TableStatus;

// Labels of one series: {source="shop",table="public.orders"}
std::string labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) {
    text += fmt::format("{}{}={}", text.empty() ? '{' : ',', name, label_quoted(value));
  }
  return text + '}';
}

std::string table_name(const auto& table) {
  return table.schema + '.' + table.name;
}

std::string labels_of(const SourceStatus& source) {
  return labels({{"source", source.name}});
}
std::string labels_of(const TableStatus& table) {
  return labels({{"source", table.source}, {"table", table_name(table)}});
}
std::string labels_of(const ProgressStatus& copy) {
  return labels({{"source", copy.source}, {"table", table_name(copy)}});
}

std::optional<double> number(auto value) {
  return static_cast<double>(value);
}
template <typename T>
std::optional<double> number(std::optional<T> value) {
  return value ? number(*value) : std::nullopt;
}
std::optional<double> seconds(std::optional<std::int64_t> milliseconds) {
  return milliseconds ? std::optional(static_cast<double>(*milliseconds) / 1000) : std::nullopt;
}

std::string head(std::string_view name, std::string_view help) {
  return fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, help, name);
}

// One gauge with a series per item; an item without a value has none.
template <typename Item>
std::string gauge(const std::vector<Item>& items, std::string_view name, std::string_view help,
                  auto value_of) {
  std::string text = head(name, help);
  for (const Item& item : items) {
    const std::optional<double> value = value_of(item);
    if (value) text += fmt::format("{}{} {}\n", name, labels_of(item), *value);
  }
  return text;
}

std::string source_metrics(const std::vector<SourceStatus>& sources) {
  std::string text = head("freshet_source_state", "1 for the state a source is in.");
  for (const SourceStatus& source : sources) {
    text += fmt::format("freshet_source_state{} 1\n",
                        labels({{"source", source.name}, {"state", source.state}}));
  }
  text += gauge(sources, "freshet_source_lag_seconds",
                "Age of the newest commit that queries do not see yet.",
                [](const SourceStatus& s) { return seconds(s.lag_ms); });
  text += gauge(sources, "freshet_source_lag_bytes", "WAL that queries do not see yet.",
                [](const SourceStatus& s) { return number(s.lag_bytes); });
  text += gauge(sources, "freshet_source_stream_bytes", "Bytes of the stream on our disk.",
                [](const SourceStatus& s) { return number(s.stream_bytes); });
  text += gauge(sources, "freshet_source_spool_bytes",
                "Bytes received of transactions that have not committed.",
                [](const SourceStatus& s) { return number(s.spool_bytes); });
  text +=
      gauge(sources, "freshet_source_retained_wal_bytes", "WAL that our slot holds on the source.",
            [](const SourceStatus& s) { return number(s.retained_wal_bytes); });
  text += gauge(sources, "freshet_source_safe_wal_bytes",
                "WAL that the source may still write before it may give up our slot.",
                [](const SourceStatus& s) { return number(s.safe_wal_bytes); });
  text += gauge(sources, "freshet_source_wal_bytes_per_second",
                "How fast the source writes WAL, smoothed.",
                [](const SourceStatus& s) { return s.wal_bytes_per_second; });
  text += gauge(sources, "freshet_source_slot_lost_in_seconds",
                "When the source may give up our slot, if nothing is confirmed from now on.",
                [](const SourceStatus& s) { return s.slot_lost_in_seconds; });
  text += gauge(sources, "freshet_source_resting",
                "1 while nothing is received because there is no room here.",
                [](const SourceStatus& s) { return number(s.resting ? 1 : 0); });
  return text;
}

std::string table_metrics(const std::vector<TableStatus>& tables) {
  std::string text = head("freshet_table_state", "1 for the state a table is in.");
  for (const TableStatus& table : tables) {
    const std::string name = table_name(table);
    text +=
        fmt::format("freshet_table_state{} 1\n",
                    labels({{"source", table.source}, {"table", name}, {"state", table.state}}));
  }
  text += gauge(tables, "freshet_table_rows", "Live rows.",
                [](const TableStatus& t) { return number(t.rows); });
  text += gauge(tables, "freshet_table_dead_rows", "Rows updated or deleted, not yet compacted.",
                [](const TableStatus& t) { return number(t.dead_rows); });
  text += gauge(tables, "freshet_table_key_index_bytes", "Memory of the key index.",
                [](const TableStatus& t) { return number(t.key_index_bytes); });
  text += gauge(tables, "freshet_table_live_row_map_bytes", "Memory of the live-row map.",
                [](const TableStatus& t) { return number(t.live_row_map_bytes); });
  text += gauge(tables, "freshet_table_lag_seconds",
                "Age of the newest commit that queries of this table do not see yet.",
                [](const TableStatus& t) { return seconds(t.lag_ms); });
  text += gauge(tables, "freshet_table_lag_bytes", "WAL that queries of this table do not see yet.",
                [](const TableStatus& t) { return number(t.lag_bytes); });
  return text;
}

std::string copy_metrics(const std::vector<ProgressStatus>& copies) {
  std::string text = gauge(copies, "freshet_copy_rows", "Rows copied so far by a running copy.",
                           [](const ProgressStatus& c) { return number(c.rows); });
  text += gauge(copies, "freshet_copy_bytes", "Bytes received so far by a running copy.",
                [](const ProgressStatus& c) { return number(c.bytes); });
  return text;
}

}  // namespace

std::string status_metrics(const query::Status& status) {
  std::string text = source_metrics(status.sources());
  text += table_metrics(status.tables());
  text += copy_metrics(status.progress());
  text += head("freshet_ready", "1 when all tables are live and the lag is under its limit.");
  text += fmt::format("freshet_ready {}\n", status.not_ready().empty() ? 1 : 0);
  return text;
}

}  // namespace freshet::http
