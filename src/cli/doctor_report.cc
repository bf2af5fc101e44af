#include "cli/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace freshet::cli {

using source::Finding;
using source::Severity;

namespace {

constexpr std::size_t indent = 12;

struct Look {
  const char* label;  // as wide as the others
  const char* colour;
};
Look look_of(Severity severity) {
  switch (severity) {
    case Severity::Fine: return {"fine", "\x1b[32m"};
    case Severity::Info: return {"info", "\x1b[36m"};
    case Severity::Warning: return {"warning", "\x1b[33;1m"};
    case Severity::Blocking: return {"blocking", "\x1b[31;1m"};
  }
  return {"", ""};
}

// Prints ANSI sequences, or nothing.
class Paint {
 public:
  explicit Paint(bool colours) : colours_(colours) {}
  std::string in(const char* colour, const std::string& text) const {
    return colours_ ? colour + text + "\x1b[0m" : text;
  }
  std::string dim(const std::string& text) const { return in("\x1b[2m", text); }
  std::string bold(const std::string& text) const { return in("\x1b[1m", text); }

 private:
  bool colours_;
};

std::string indented(const std::string& text) {
  std::string result;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    result += std::string(indent, ' ') + text.substr(begin, end - begin) + '\n';
    begin = end + 1;
  }
  return result;
}

std::string text_of(const Finding& finding, const Paint& paint) {
  const Look look = look_of(finding.severity);
  std::string text =
      "  " + paint.in(look.colour, fmt::format("{:<8}", look.label)) + "  " + finding.message;
  if (finding.number > 0) {
    text += "  " + paint.dim(fmt::format("[{} {}]", finding.number, finding.check));
  }
  text += '\n';
  if (finding.severity == Severity::Fine) return text;
  if (!finding.detail.empty()) text += paint.dim(indented(finding.detail));
  if (!finding.fix.empty()) text += indented("→ " + finding.fix);
  return text;
}

std::string headline(const Examined& examined, const Paint& paint) {
  const source::Diagnosis& diagnosis = examined.diagnosis;
  std::string text = paint.bold("freshet doctor") + " · " + examined.url;
  if (!diagnosis.server_version.empty()) {
    text += fmt::format(" · PostgreSQL {} · {}", diagnosis.server_version,
                        source::title(diagnosis.provider));
  }
  return text + " · source " + examined.source_name + "\n\n";
}

std::string summary(const std::vector<Finding>& findings) {
  const auto count = [&](Severity severity) {
    return std::ranges::count(findings, severity, &Finding::severity);
  };
  const auto warnings = count(Severity::Warning);
  return fmt::format("{} blocking, {} warning{}, {} for information, {} fine\n",
                     count(Severity::Blocking), warnings, warnings == 1 ? "" : "s",
                     count(Severity::Info), count(Severity::Fine));
}

}  // namespace

int exit_code(Severity worst) {
  switch (worst) {
    case Severity::Fine:
    case Severity::Info: return 0;
    case Severity::Warning: return 1;
    case Severity::Blocking: return 2;
  }
  return 2;
}

std::string doctor_text(const Examined& examined, bool colours) {
  constexpr std::size_t shown_per_check_max = 10;
  const Paint paint(colours);
  std::vector<Finding> findings = examined.diagnosis.findings;
  std::ranges::stable_sort(findings, std::ranges::greater{}, &Finding::severity);
  std::string text = headline(examined, paint);
  for (std::size_t begin = 0; begin < findings.size();) {
    // One check's findings of one severity stand together.
    const Finding& first = findings[begin];
    std::size_t end = begin;
    while (end < findings.size() && findings[end].number == first.number &&
           findings[end].severity == first.severity) {
      ++end;
    }
    const std::size_t shown = std::min(end - begin, shown_per_check_max);
    for (std::size_t i = begin; i < begin + shown; ++i) text += text_of(findings[i], paint);
    if (begin + shown < end) {
      text +=
          indented(fmt::format("… and {} more like these; --json lists all", end - begin - shown));
    }
    begin = end;
  }
  return text + '\n' + summary(findings);
}

std::string doctor_json(const Examined& examined) {
  const source::Diagnosis& diagnosis = examined.diagnosis;
  using Json = nlohmann::ordered_json;
  Json findings = Json::array();
  for (const Finding& finding : diagnosis.findings) {
    findings.push_back({{"number", finding.number},
                        {"check", finding.check},
                        {"severity", source::to_string(finding.severity)},
                        {"message", finding.message},
                        {"detail", finding.detail},
                        {"fix", finding.fix},
                        {"table", finding.table},
                        {"sqlstate", finding.sqlstate}});
  }
  const Json whole{{"url", examined.url},
                   {"source_name", examined.source_name},
                   {"server_version", diagnosis.server_version},
                   {"provider", source::to_string(diagnosis.provider)},
                   {"severity", source::to_string(diagnosis.worst())},
                   {"exit_code", exit_code(diagnosis.worst())},
                   {"findings", std::move(findings)}};
  // Names in an SQL_ASCII database need not be UTF-8.
  return whole.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace freshet::cli
