// What the server knows about itself, put together from the store and the boards of the sources.
#pragma once

#include <memory>
#include <vector>

#include "collection/store.h"
#include "query/status.h"
#include "server/config.h"
#include "server/supervisor.h"

namespace freshet::server {

// Thread safe; the supervisors are set once, before clients can ask.
class StatusView : public query::Status {
 public:
  StatusView(const collection::Store& store, const Config& config)
      : store_(store), config_(config) {}
  void watch(const std::vector<std::unique_ptr<Supervisor>>& supervisors);

  std::vector<query::SourceStatus> sources() const override;
  std::vector<query::TableStatus> tables() const override;
  std::vector<query::ProgressStatus> progress() const override;
  std::vector<query::DerivedStatus> derived() const override;
  Result<std::vector<query::RejectStatus>> rejects() const override;
  Result<> wait_visible(Lsn lsn, std::chrono::milliseconds limit,
                        std::stop_token stop) const override;
  std::vector<std::string> not_ready() const override;

 private:
  void add_derived(std::vector<query::TableStatus>& mirrors) const;
  void add_fillings(std::vector<query::ProgressStatus>& copies) const;
  bool cannot_mean(const std::string& source_name, Lsn lsn,
                   std::chrono::steady_clock::time_point began) const;

  const collection::Store& store_;
  const Config& config_;
  std::vector<const Supervisor*> supervisors_;
};

}  // namespace freshet::server
