#include "cli/demo_guide.h"

#include <fmt/format.h>

namespace freshet::cli {

namespace {

constexpr auto try_text = R"text(
source   {source}   ({traffic})
freshet  {sql}   {http}

try, in another terminal:
  psql {sql} -c 'select status, count(*), sum(total) from orders group by 1'
  psql {sql} -c 'select name, state, rows, lag_ms from freshet.tables'
  psql {sql} -c '\d orders'
  curl {http}/health/ready
  curl -s {http}/metrics | grep freshet_
write into the source, and read your own write back from the copy:
  LSN=$(psql {source} -qAt \
    -c "insert into customers (name, email) values ('You', gen_random_uuid())" \
    -c 'select pg_current_wal_lsn()')
  psql {sql} -c "set freshet.wait_for_lsn = '$LSN'" \
    -c "select id, name, created_at from customers where name = 'You'"

Ctrl-C ends it and {ending} {folder}
)text";

constexpr auto again_text = R"text(kept in {folder}; to start it again:
  {user}/usr/lib/postgresql/{major}/bin/pg_ctl -D {folder}/postgres/data \
    -l {folder}/postgres/again.log -o '-p {port}' -w start
  freshet serve --data {folder}/freshet-data --source shop={source}
to remove it: rm -rf {folder})text";

}  // namespace

std::string what_to_try(const Guide& guide) {
  const std::string traffic =
      guide.rate > 0 ? fmt::format("about {:g} transactions/s", guide.rate) : "no traffic";
  return fmt::format(try_text, fmt::arg("source", guide.source_url), fmt::arg("sql", guide.sql_url),
                     fmt::arg("http", guide.http_url), fmt::arg("traffic", traffic),
                     fmt::arg("ending", guide.keep ? "keeps" : "removes"),
                     fmt::arg("folder", guide.folder));
}

std::string how_to_start_again(const Guide& guide) {
  return fmt::format(again_text, fmt::arg("folder", guide.folder),
                     fmt::arg("user", guide.as_root ? "runuser -u postgres -- " : ""),
                     fmt::arg("major", guide.postgres_major), fmt::arg("port", guide.postgres_port),
                     fmt::arg("source", guide.source_url));
}

}  // namespace freshet::cli
