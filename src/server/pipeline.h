// The pipeline of one source: from PostgreSQL to its collections.
//
//            ┌─ copy ─────────────────────┐
//   Postgres ┤                            ▼
//            └─ receive ──► stream ──► apply ──► collections
#pragma once

#include <stop_token>

#include "base/result.h"
#include "collection/store.h"
#include "server/board.h"
#include "server/config.h"
#include "server/requests.h"
#include "source/lease.h"

namespace freshet::server {

// Follows one source until asked to stop or until a stage fails; the error is the first stage's.
// The calling thread waits; each stage has a thread of its own.
Result<> run_pipeline(const SourceConfig& source, const Config& config, const source::Owner& owner,
                      collection::Store& store, Requests& requests, Board& board,
                      std::stop_token stop);

}  // namespace freshet::server
