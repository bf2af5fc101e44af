// A Status for the tests of this module: says what it is told to.
#pragma once

#include <string>
#include <vector>

#include "query/status.h"

namespace freshet::http {

class FakeStatus final : public query::Status {
 public:
  std::vector<query::SourceStatus> all_sources;
  std::vector<query::TableStatus> all_tables;
  std::vector<query::ProgressStatus> all_progress;
  std::vector<std::string> reasons;

  std::vector<query::SourceStatus> sources() const override { return all_sources; }
  std::vector<query::TableStatus> tables() const override { return all_tables; }
  std::vector<query::ProgressStatus> progress() const override { return all_progress; }
  Result<> wait_visible(Lsn, std::chrono::milliseconds, std::stop_token) const override {
    return {};
  }
  std::vector<std::string> not_ready() const override { return reasons; }
};

}  // namespace freshet::http
