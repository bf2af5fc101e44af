#include <memory>

#include "collection/state.h"
#include "collection/store.h"

namespace freshet::collection {

namespace {

class VersionReader final : public Reader {
 public:
  VersionReader(std::shared_ptr<Store::State> state, std::unique_ptr<engine::Connection> connection)
      : state_(std::move(state)), connection_(std::move(connection)) {}
  ~VersionReader() override { end(); }

  engine::Connection& connection() override { return *connection_; }

  Result<> begin() override {
    end();
    version_ = TRY(state_->versions.pin([this] { return connection_->begin(); }));
    connection_->set_live_rows(version_->root);
    return {};
  }

  void end() override {
    connection_->rollback();
    if (!version_) return;
    connection_->set_live_rows(nullptr);
    state_->versions.unpin(*version_);
    version_.reset();
  }

  std::vector<std::pair<SourceId, Applied>> pinned() const override {
    if (!version_) return {};
    return version_->applied;
  }

 private:
  std::shared_ptr<Store::State> state_;
  std::unique_ptr<engine::Connection> connection_;
  std::shared_ptr<const Version> version_;
};

}  // namespace

Result<std::unique_ptr<Reader>> make_reader(std::shared_ptr<Store::State> state) {
  auto connection = TRY(state->database->connect());
  return std::unique_ptr<Reader>(
      std::make_unique<VersionReader>(std::move(state), std::move(connection)));
}

}  // namespace freshet::collection
