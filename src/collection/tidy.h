// Tidying: what keeps garbage and the number of segments bounded while changes keep arriving.
//
// Small rewrites happen at once, in the Writer's transaction. A large one copies rows from a pinned
// version on a thread of its own; the Writer then carries over what died since and puts the new
// segment in place.
#pragma once

#include <memory>
#include <optional>
#include <thread>

#include "base/guarded.h"
#include "collection/rewrite.h"
#include "collection/workspace.h"

namespace freshet::collection {

class Tidy {
 public:
  explicit Tidy(Workspace& workspace) : workspace_(workspace) {}
  ~Tidy();

  // A bounded piece of work, between transactions. True when there is more to do.
  Result<bool> step();

 private:
  static constexpr std::uint64_t rows_at_once_max = 200'000;

  struct Background {
    explicit Background(Rewrite planned) : rewrite(std::move(planned)) {}
    Rewrite rewrite;
    std::unique_ptr<engine::Connection> connection;
    Guarded<std::optional<Result<>>> outcome;
    std::jthread thread;
  };
  Result<> start(Table& table, const RewritePlan& plan);
  void run(Background& background);
  Result<bool> finish();
  Result<> put_in_place(Table& table, const Rewrite& rewrite);
  Result<> drop_retired();
  Result<bool> rewrite_one();
  Result<> shorten_journal();
  Result<> check_rows();

  Workspace& workspace_;
  std::unique_ptr<Background> background_;
  std::optional<TableId> looked_at_;  // the last table whose rows were counted
};

}  // namespace freshet::collection
