// What the demo prints for people to copy and paste.
#pragma once

#include <string>

namespace freshet::cli {

struct Guide {
  std::string source_url{};  // PostgreSQL's
  std::string sql_url{};     // Freshet's
  std::string http_url{};
  std::string folder{};
  double rate = 0;  // transactions per second on the shop
  bool keep = false;
  int postgres_major = 15;
  int postgres_port = 0;
  bool as_root = false;  // then the server belongs to the user postgres
};

std::string what_to_try(const Guide& guide);
std::string how_to_start_again(const Guide& guide);

}  // namespace freshet::cli
