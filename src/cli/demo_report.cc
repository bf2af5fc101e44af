#include "cli/demo_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace freshet::cli {

namespace {

struct Question {
  const char* title;
  const char* sql;
};

constexpr std::array questions = {
    Question{"orders by status", R"sql(
SELECT status, count(*) AS orders, sum(total) AS total, max(updated_at) AS newest
FROM orders GROUP BY status ORDER BY orders DESC)sql"},
    Question{"best categories of the last hour (a join of three tables)", R"sql(
SELECT p.category, count(DISTINCT o.id) AS orders, sum(i.quantity) AS pieces,
       sum(i.quantity * i.price) AS revenue
FROM orders o JOIN order_items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id
WHERE o.placed_at > now() - INTERVAL '1 hour' AND o.status <> 'cancelled'
GROUP BY p.category ORDER BY revenue DESC LIMIT 4)sql"},
    Question{"books: orders minus payments, which every transaction keeps at zero", R"sql(
SELECT sum(total) AS orders, (SELECT sum(amount) FROM payments) AS payments,
       sum(total) - (SELECT sum(amount) FROM payments) AS difference
FROM orders WHERE status <> 'cancelled')sql"},
};

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("-+.0123456789eE") == std::string::npos;
}

}  // namespace

std::vector<std::string> report_lines(postgres::Connection& freshet) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::string> lines;
  for (const Question& question : questions) {
    const auto started = Clock::now();
    const auto answer = freshet.query(question.sql);
    const std::chrono::duration<double, std::milli> took = Clock::now() - started;
    lines.emplace_back();
    if (!answer.ok()) {
      lines.push_back(fmt::format("{}: {}", question.title, answer.error().message));
      continue;
    }
    lines.push_back(fmt::format("{}  ({:.1f} ms)", question.title, took.count()));
    for (const std::string& line : table_lines(*answer)) lines.push_back("  " + line);
  }
  return lines;
}

std::vector<std::string> table_lines(const postgres::Rows& rows) {
  const std::size_t columns = rows.columns.size();
  std::vector<std::size_t> widths;
  std::vector<bool> numeric(columns, !rows.rows.empty());
  for (const std::string& column : rows.columns) widths.push_back(column.size());
  for (const auto& row : rows.rows) {
    for (std::size_t i = 0; i < columns; ++i) {
      if (!row[i]) continue;
      widths[i] = std::max(widths[i], row[i]->size());
      if (!is_number(*row[i])) numeric[i] = false;
    }
  }
  std::vector<std::string> lines;
  const auto add = [&](auto&& cell) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string text = cell(i);
      line += numeric[i] ? fmt::format("{:>{}}  ", text, widths[i])
                         : fmt::format("{:<{}}  ", text, widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  };
  add([&](std::size_t i) { return rows.columns[i]; });
  for (const auto& row : rows.rows) add([&](std::size_t i) { return row[i].value_or(""); });
  return lines;
}

}  // namespace freshet::cli
