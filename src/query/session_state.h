// The insides of a session, shared by session.cc (statements and portals) and session_control.cc
// (the statements it answers itself).
#pragma once

#include <map>
#include <stop_token>

#include "base/guarded.h"
#include "query/portal.h"
#include "query/session.h"
#include "query/watchdog.h"

namespace freshet::query {

// What cancel(), terminate() and the watchdog touch from other threads.
struct Running {
  enum class Why { None, Request, Timeout, Shutdown };
  bool now = false;
  Why stopped = Why::None;
  std::stop_source stop;
};

struct Session::State {
  State(const Status& server_status, Commands& server_commands,
        std::unique_ptr<collection::Reader> store_reader)
      : status(server_status),
        commands(server_commands),
        reader(std::move(store_reader)),
        watchdog([this] { interrupt(Running::Why::Timeout); }) {}

  static constexpr std::size_t statements_max = 10'000;
  static constexpr std::size_t portals_max = 1'000;

  // session.cc
  Result<std::shared_ptr<Prepared>> make(std::string_view sql, std::vector<std::uint32_t> given);
  Result<std::shared_ptr<Prepared>> find_statement(const std::string& name) const;
  Result<Portal*> find_portal(const std::string& name);
  Result<Outcome> run(const std::string& name, Portal& portal, std::uint64_t rows_max,
                      ResultSink& sink);
  Result<Outcome> run_query(Portal& portal, std::uint64_t rows_max, ResultSink& sink);
  Result<> prepare_query(Prepared& prepared, const std::string& sql);
  Result<> pin();
  void unpin();
  Result<> wait_if_asked();
  Result<> make_way(const Portal* except);
  Result<> stopped() const;
  void interrupt(Running::Why why);
  Error explained(Error error, const std::vector<Token>& tokens) const;

  // session_control.cc
  Result<Outcome> control(Portal& portal, std::uint64_t rows_max, ResultSink& sink);
  Outcome begin(const Begin& statement);
  Outcome end_block(bool commit);
  Result<Outcome> set(const Set& statement, ResultSink& sink);
  Result<> assign(const std::string& name, const std::optional<std::string>& value);
  Result<Outcome> show(Portal& portal, const Show& statement, std::uint64_t rows_max,
                       ResultSink& sink);
  Outcome discard(const Discard& statement);
  Result<Outcome> declare(Portal& portal, const Declare& statement);
  Result<Outcome> fetch(const Fetch& statement, ResultSink& sink);
  Result<Outcome> close_cursor(const Close& statement);
  Result<Outcome> command(Command asked);
  Result<StatementDescription> describe(const Prepared& prepared);
  Result<> tell_engine();  // settings that the engine follows
  Result<> tell_variables();
  void restore_settings(const Settings& before);

  const Status& status;
  Commands& commands;
  const std::unique_ptr<collection::Reader> reader;
  Settings settings;
  std::vector<std::pair<std::string, std::string>> reported;  // as the client knows them
  std::string user;
  std::int32_t process_id = 0;

  TransactionStatus transaction = TransactionStatus::Idle;
  bool pinned = false;
  std::uint64_t pins = 0;  // how often a version was pinned
  Settings settings_at_begin;
  std::map<std::string, std::string> local_settings;  // SET LOCAL: what they were before

  std::map<std::string, std::shared_ptr<Prepared>> statements;
  std::map<std::string, std::unique_ptr<Portal>> portals;

  Guarded<Running> running;
  Watchdog watchdog;  // last: its thread uses the rest
};

}  // namespace freshet::query
