#include "observe/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <memory>

namespace freshet::observe {
namespace {

spdlog::level::level_enum backend_level(Level level) {
  switch (level) {
    case Level::Debug: return spdlog::level::debug;
    case Level::Info: return spdlog::level::info;
    case Level::Warn: return spdlog::level::warn;
    case Level::Error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::Debug: return "debug";
    case Level::Info: return "info";
    case Level::Warn: return "warn";
    case Level::Error: return "error";
  }
  return "error";
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink, Level level) {
  auto logger = std::make_shared<spdlog::logger>("freshet", std::move(sink));
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
  logger->set_level(backend_level(level));
  logger->flush_on(spdlog::level::debug);
  return logger;
}

// A line written before start_logging() goes where somebody sees it.
std::shared_ptr<spdlog::logger>& the_logger() {
  static std::shared_ptr<spdlog::logger> logger =
      make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), Level::Info);
  return logger;
}

// One event is one line, whatever a value contains: values come from outside too.
void append_escaped(std::string& line, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      line += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    } else {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
  }
}

void append_value(std::string& line, std::string_view value) {
  const bool plain = !value.empty() && std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f || c == '"' || c == '\\' || c == '=';
  });
  if (plain) {
    line += value;
    return;
  }
  line += '"';
  append_escaped(line, value);
  line += '"';
}

void write(Level level, std::string_view event, Fields fields) {
  spdlog::logger& logger = *the_logger();
  if (!logger.should_log(backend_level(level))) return;
  std::string line(level_name(level));
  line += ' ';
  append_escaped(line, event);
  for (const Field& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    append_value(line, field.value);
  }
  logger.log(backend_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void start_logging(Level level, const std::string& file) {
  the_logger() = make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), level);
  if (file.empty()) return;
  try {
    the_logger() = make_logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file), level);
  } catch (const spdlog::spdlog_ex& failed) {
    // No reason to stop a server: its lines still go to stderr.
    error("log file cannot be written", {{"file", file}, {"reason", failed.what()}});
  }
}

void debug(std::string_view event, Fields fields) {
  write(Level::Debug, event, fields);
}
void info(std::string_view event, Fields fields) {
  write(Level::Info, event, fields);
}
void warn(std::string_view event, Fields fields) {
  write(Level::Warn, event, fields);
}
void error(std::string_view event, Fields fields) {
  write(Level::Error, event, fields);
}

}  // namespace freshet::observe
