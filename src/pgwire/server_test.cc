// A whole server on a free port, with real clients: psql, psycopg, and a socket of our own for what
// those do not do.
#include "pgwire/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <thread>

#include "query/scratch_world.h"

namespace freshet::pgwire {
namespace {

using collection::must;

// A client that speaks the protocol byte by byte.
class RawClient {
 public:
  explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes) {
    ASSERT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  static std::string message(char type, std::string_view body) {
    std::string out(1, type);
    ByteWriter(out).big(static_cast<std::uint32_t>(body.size() + 4));
    return out.append(body);
  }
  static std::string first_packet(std::string_view body) {
    std::string out;
    ByteWriter(out).big(static_cast<std::uint32_t>(body.size() + 4));
    return out.append(body);
  }
  static std::string startup(const std::string& database = "freshet") {
    return first_packet(std::string("\0\3\0\0user\0me\0database\0", 21) + database +
                        std::string("\0\0", 2));
  }
  // The next message as its type and its body; '\0' at the end of the connection.
  std::pair<char, std::string> receive() {
    std::string head = read(5);
    if (head.size() < 5) return {'\0', ""};
    const auto size = load_big<std::uint32_t>(reinterpret_cast<const std::byte*>(head.data() + 1));
    return {head.front(), read(size - 4)};
  }
  // The types of all messages up to ReadyForQuery, whose status follows.
  std::string until_ready() {
    std::string types;
    for (;;) {
      const auto [type, body] = receive();
      if (type == '\0') return types + "!";
      types.push_back(type);
      if (type == 'K') key_ = body;
      if (type == 'Z') return types + body;
    }
  }
  std::string login() {
    send(startup());
    return until_ready();
  }
  std::string read(std::size_t size) {
    std::string out(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const ssize_t got = ::recv(socket_, out.data() + have, size - have, 0);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
  }
  const std::string& key() const { return key_; }
  void half_close() { ::shutdown(socket_, SHUT_WR); }

 private:
  int socket_;
  std::string key_;
};

std::string query(const std::string& sql) {
  return RawClient::message('Q', sql + std::string(1, '\0'));
}
std::string parse(const std::string& name, const std::string& sql) {
  return RawClient::message('P', name + '\0' + sql + '\0' + std::string(2, '\0'));
}
std::string bind(const std::string& portal, const std::string& statement) {
  return RawClient::message('B', portal + '\0' + statement + '\0' + std::string(6, '\0'));
}
std::string execute(const std::string& portal, std::uint8_t rows) {
  std::string body = portal + '\0' + std::string(3, '\0');
  body.push_back(static_cast<char>(rows));
  return RawClient::message('E', body);
}
const std::string sync = RawClient::message('S', "");

constexpr const char* endless =
    "select count(*) from numbers a, numbers b, numbers c where a.id + b.id > c.id";

class ServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = std::make_unique<query::ScratchWorld>();
    server_ = must(Server::start({.port = 0, .connections_max = 8}, world_->store(), world_->status,
                                 world_->commands));
  }
  static void TearDownTestSuite() {
    server_.reset();
    world_.reset();
  }

  // What a command prints, both streams.
  static std::string run(const std::string& command) {
    std::array<char, 4096> buffer{};
    std::string output;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    while (const std::size_t size = ::fread(buffer.data(), 1, buffer.size(), pipe))
      output.append(buffer.data(), size);
    ::pclose(pipe);
    return output;
  }
  static std::string psql(const std::string& input, const std::string& options = "-At") {
    const auto script = world_->scratch.folder.path() / "script.sql";
    std::ofstream(script) << input;
    return run("{ PGOPTIONS= psql -X " + options + " -h 127.0.0.1 -p " +
               std::to_string(server_->port()) + " -U me freshet -f " + script.string() +
               "; } 2>&1 | sed -e 's/^psql:[^ ]* //'");
  }
  static std::string python(const std::string& program) {
    const auto script = world_->scratch.folder.path() / "script.py";
    std::ofstream(script) << "import psycopg, datetime, decimal, uuid\n"
                             "url = 'host=127.0.0.1 port=" +
                                 std::to_string(server_->port()) + " dbname=freshet user=me'\n"
                          << program;
    return run("/usr/bin/python3 " + script.string());
  }

  static std::unique_ptr<query::ScratchWorld> world_;
  static std::unique_ptr<Server> server_;
};
std::unique_ptr<query::ScratchWorld> ServerTest::world_;
std::unique_ptr<Server> ServerTest::server_;

TEST_F(ServerTest, AnswersPsql) {
  EXPECT_EQ(psql("select * from orders order by id;"),
            "1|tea|10.50|2024-01-02 03:04:06.5+00|{new}\n"
            "2|jam \"and\" bread|21.00|2024-01-02 03:04:07.5+00|{new}\n"
            "3|salt|31.50|2024-01-02 03:04:08.5+00|{new}\n");
  EXPECT_EQ(psql("set timezone = 'Asia/Kolkata'; select placed from orders where id = 1;"),
            "SET\n2024-01-02 08:34:06.5+05:30\n");
}

TEST_F(ServerTest, ShowsTablesToPsql) {
  EXPECT_EQ(psql("\\dt", "-A"),
            "List of relations\nSchema|Name|Type|Owner\npublic|numbers|table|freshet\n"
            "public|orders|table|freshet\n(2 rows)\n");
  EXPECT_EQ(psql("\\d orders", "-A"),
            "Table \"public.orders\"\nColumn|Type|Collation|Nullable|Default\n"
            "id|bigint||not null|\nname|character varying(20)||not null|\n"
            "total|numeric(12,2)|||\nplaced|timestamp with time zone|||\ntags|text[]|||\n"
            "Indexes:\n    \"orders_pkey\" PRIMARY KEY, btree (id)\n");
}

TEST_F(ServerTest, GivesPsqlNoErrorForItsCommands) {
  for (const char* command : {"\\d",
                              "\\d+ orders",
                              "\\d numbers",
                              "\\d freshet.tables",
                              "\\dn",
                              "\\dn+",
                              "\\dv",
                              "\\df",
                              "\\l",
                              "\\l+",
                              "\\du",
                              "\\dx",
                              "\\dT",
                              "\\di",
                              "\\dt *.*",
                              "\\dt+",
                              "\\conninfo",
                              "\\z",
                              "\\ds",
                              "\\dm",
                              "\\db",
                              "\\dD",
                              "\\dC",
                              "\\dL",
                              "\\dO",
                              "\\dRp",
                              "\\dP",
                              "\\dX",
                              "\\des",
                              "\\x\nselect 1;",
                              "\\timing\nselect 1;",
                              "\\dconfig TimeZone",
                              "\\dy",
                              "\\dF"}) {
    EXPECT_EQ(psql(command).find("ERROR"), std::string::npos) << command << "\n" << psql(command);
  }
}

TEST_F(ServerTest, TellsPsqlWhatIsWrongAndWhere) {
  const std::string missing = psql("select nosuch from orders;\n");
  EXPECT_NE(missing.find("LINE 1: select nosuch"), std::string::npos) << missing;
  const std::string written = psql("\\set VERBOSITY verbose\ninsert into orders values (1);\n");
  EXPECT_NE(written.find("25006: cannot execute INSERT"), std::string::npos) << written;
  EXPECT_NE(written.find("HINT:  Collections follow"), std::string::npos) << written;
  const std::string database =
      run("psql -X -h 127.0.0.1 -p " + std::to_string(server_->port()) + " -U me -c 'select 1'");
  EXPECT_NE(database.find("database \"me\" does not exist"), std::string::npos) << database;
  EXPECT_NE(database.find("The database is \"freshet\""), std::string::npos) << database;
}

TEST_F(ServerTest, FeedsPsqlInPiecesAndInCopies) {
  EXPECT_EQ(psql("\\set FETCH_COUNT 1000\nselect id from numbers order by id;").size(),
            std::string("1\n").size() * 9 + 3 * 90 + 4 * 900 + 5 * 9000 + 6);
  EXPECT_EQ(psql("copy (select id, name from orders order by id limit 2) to stdout (format csv, "
                 "header);"),
            "id,name\n1,tea\n2,\"jam \"\"and\"\" bread\"\n");
  EXPECT_EQ(psql("copy orders (id, name) to stdout;"), "1\ttea\n2\tjam \"and\" bread\n3\tsalt\n");
}

TEST_F(ServerTest, FollowsTheBlocksOfPsql) {
  EXPECT_EQ(psql("begin; select 1; commit;\nselect 2; select 3;\n"), "BEGIN\n1\nCOMMIT\n2\n3\n");
  const std::string failed = psql("begin;\nselect nosuch;\nselect 1;\nrollback;\nselect 2;\n");
  EXPECT_NE(failed.find("current transaction is aborted"), std::string::npos) << failed;
  EXPECT_TRUE(failed.ends_with("ROLLBACK\n2\n")) << failed;
}

// Each line: SQL, then what PostgreSQL 15 prints for it.
TEST_F(ServerTest, PrintsValuesAsPostgresDoes) {
  const std::vector<std::pair<std::string, std::string>> golden = {
      {"1e15::float8, 0.1::float4, 'NaN'::float8, 100000::float8", "1e+15|0.1|NaN|100000"},
      {"interval '1 year 2 months 3 days 04:05:06.7'", "1 year 2 mons 3 days 04:05:06.7"},
      {"date '2024-02-29', 'infinity'::date, '-infinity'::timestamp",
       "2024-02-29|infinity|-infinity"},
      {"timestamp '1969-12-31 23:59:59.999999', time '00:00:00.5'",
       "1969-12-31 23:59:59.999999|00:00:00.5"},
      {"array['a','b c','','NULL','d\"e','f\\g','h,i','{j}',null]",
       R"({a,"b c","","NULL","d\"e","f\\g","h,i","{j}",NULL})"},
      {"array[1,2,null], '{}'::int[], array[true,false]", "{1,2,NULL}|{}|{t,f}"},
      {"'\\xdeadbeef'::bytea, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
       "\\xdeadbeef|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"123.450::numeric(10,3), (-0.05)::numeric(4,2), 1.10::numeric", "123.450|-0.05|1.10"},
      {"2::int2, 3::int8, 7/2, 7.0/2, true and null", "2|3|3|3.5|"},
      {"'{\"a\": 1}'::json->>'a', '{\"a\": 1}'::jsonb->>'a' = '1'", "1|t"},
      {"'foobar' ~ 'oba', 'FOO' ~* 'o', 'x' !~ 'x'", "t|t|f"},
      {"'a_b' like 'a\\_b', 'axb' like 'a\\_b', 'abc' similar to 'a%'", "t|f|t"},
  };
  std::string script;
  std::string expected;
  for (const auto& [sql, printed] : golden) {
    script += "select " + sql + ";\n";
    expected += printed + "\n";
  }
  EXPECT_EQ(psql(script), expected);
}

TEST_F(ServerTest, AnswersPsycopgInTextAndBinary) {
  const std::string output = python(R"py(
c = psycopg.connect(url, autocommit=True)
values = [1, 40000, 5*10**9, -1.5, 'äb"c', True, None, decimal.Decimal('1.25'),
          datetime.date(2020,1,2), datetime.datetime(2020,1,2,3,4,5,6),
          datetime.datetime(1969,1,2,3,4,5,tzinfo=datetime.timezone.utc), datetime.time(1,2,3),
          datetime.timedelta(days=1,seconds=5), uuid.UUID(int=5), b'\x00\xff', [1,None], [1.5]]
for binary in (False, True):
    for value in values:
        for mark in ('%s', '%b'):
            got = c.execute('select ' + mark, (value,), binary=binary).fetchone()[0]
            if got != value: print('sent', repr(value), 'got', repr(got), mark, binary)
print(c.execute('select * from orders where id = %s', (2,), binary=True).fetchone()[:3])
print(c.execute('select id from orders where id = any(%s)', ([1, 3],)).fetchall())
print(c.execute('select id from orders where total = %s', (decimal.Decimal('21'),)).fetchall())
with c.transaction():
    with c.cursor(name='cc') as cursor:
        cursor.itersize = 1000
        cursor.execute('select id from numbers where id > %s order by id', (5,))
        print(sum(1 for _ in cursor))
with c.pipeline():
    answers = [c.execute('select %s::int', (i,)) for i in range(5)]
print([answer.fetchone()[0] for answer in answers])
with c.cursor().copy('copy (select id, name from orders) to stdout (format binary)') as copy:
    copy.set_types(['int8', 'text'])
    print(list(copy.rows())[1])
for i in range(20): c.execute('select name from orders where id = %s', (1,), prepare=True)
print(c.info.server_version)
try: c.execute('delete from orders')
except psycopg.errors.ReadOnlySqlTransaction as e: print('read only')
)py");
  EXPECT_EQ(output,
            "(2, 'jam \"and\" bread', Decimal('21.00'))\n[(1,), (3,)]\n[(2,)]\n9995\n"
            "[0, 1, 2, 3, 4]\n(2, 'jam \"and\" bread')\n150000\nread only\n");
}

TEST_F(ServerTest, GreetsWithWhatDriversLookFor) {
  RawClient client(server_->port());
  EXPECT_EQ(client.login(), "RSSSSSSSSSSSSKZI");
  RawClient encrypted(server_->port());
  encrypted.send(RawClient::first_packet(std::string("\x04\xd2\x16\x2f", 4)));
  EXPECT_EQ(encrypted.read(1), "N");
  EXPECT_EQ(encrypted.login().back(), 'I');
}

TEST_F(ServerTest, SuspendsAndResumesPortals) {
  RawClient client(server_->port());
  client.login();
  client.send(parse("s", "select id from numbers order by id") + bind("p", "s") + execute("p", 2) +
              execute("p", 1) + sync);
  EXPECT_EQ(client.until_ready(), "12DDsDsZI");
  client.send(bind("p", "s") + execute("p", 0) + RawClient::message('C', std::string("Pp\0", 3)) +
              sync);
  const std::string answer = client.until_ready();
  EXPECT_EQ(answer.substr(0, 2), "2D");
  EXPECT_EQ(answer.substr(answer.size() - 4), "C3ZI");
}

TEST_F(ServerTest, SkipsToSyncAfterAnError) {
  RawClient client(server_->port());
  client.login();
  client.send(parse("", "select nosuch") + bind("", "") + execute("", 0) + parse("", "select 1") +
              sync + query("select 1"));
  EXPECT_EQ(client.until_ready(), "EZI");
  EXPECT_EQ(client.until_ready(), "TDCZI");
}

TEST_F(ServerTest, DescribesBeforeExecution) {
  RawClient client(server_->port());
  client.login();
  client.send(parse("s", "select name from orders where id = $1") +
              RawClient::message('D', std::string("Ss\0", 3)) + RawClient::message('H', ""));
  EXPECT_EQ(client.receive().first, '1');
  EXPECT_EQ(client.receive(), (std::pair<char, std::string>('t', std::string("\0\1\0\0\0\24", 6))));
  EXPECT_EQ(client.receive().first, 'T');
  client.send(sync);
  EXPECT_EQ(client.until_ready(), "ZI");
}

TEST_F(ServerTest, AnswersEmptyAndManyStatements) {
  RawClient client(server_->port());
  client.login();
  client.send(query(" ; -- nothing\n"));
  EXPECT_EQ(client.until_ready(), "IZI");
  client.send(query("select 1; begin; select 2"));
  EXPECT_EQ(client.until_ready(), "TDCCTDCZT");
  client.send(query("select nosuch; select 1"));
  EXPECT_EQ(client.until_ready(), "EZE");
  client.send(query("rollback"));
  EXPECT_EQ(client.until_ready(), "CZI");
}

TEST_F(ServerTest, ClosesOnMessagesThatAreNone) {
  RawClient client(server_->port());
  client.login();
  client.send("?\0\0\0\4");
  client.send(RawClient::message('?', ""));
  const auto [type, body] = client.receive();
  EXPECT_EQ(type, 'E');
  EXPECT_NE(body.find("08P01"), std::string::npos);
  EXPECT_EQ(client.receive().first, '\0');
  RawClient huge(server_->port());
  huge.login();
  huge.send(std::string("Q\x7f\xff\xff\xff", 5));
  EXPECT_NE(huge.receive().second.find("08P01"), std::string::npos);
}

TEST_F(ServerTest, CancelsWhatRuns) {
  RawClient client(server_->port());
  client.login();
  client.send(query(endless));
  // A cancel may come before the statement has begun, and is for nobody then; so it is repeated.
  std::pair<char, std::string> answer;
  std::jthread canceller([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      RawClient(server_->port())
          .send(RawClient::first_packet(std::string("\x04\xd2\x16\x2e", 4) + client.key()));
      std::this_thread::yield();
    }
  });
  for (answer = client.receive(); answer.first == 'T'; answer = client.receive()) continue;
  canceller.request_stop();
  canceller.join();
  EXPECT_EQ(answer.first, 'E');
  EXPECT_NE(answer.second.find("57014"), std::string::npos);
  EXPECT_EQ(client.until_ready(), "ZI");
}

TEST_F(ServerTest, StopsTheStatementOfAClientThatLeft) {
  const auto server =
      must(Server::start({.port = 0}, world_->store(), world_->status, world_->commands));
  {
    RawClient client(server->port());
    client.login();
    EXPECT_EQ(server->connections(), 1);
    client.send(query(endless));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (server->connections() > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(server->connections(), 0);
}

TEST_F(ServerTest, RefusesMoreClientsThanAllowed) {
  std::vector<std::unique_ptr<RawClient>> clients;
  std::string last;
  for (int i = 0; i < 9; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->send(RawClient::startup());
    const auto [type, body] = clients.back()->receive();
    last = body;
  }
  EXPECT_NE(last.find("53300"), std::string::npos);
}

TEST_F(ServerTest, StopsWithRunningStatements) {
  auto server = must(Server::start({.port = 0}, world_->store(), world_->status, world_->commands));
  RawClient busy(server->port());
  busy.login();
  busy.send(query(endless));
  RawClient idle(server->port());
  idle.login();
  server->stop();
  for (RawClient* client : {&idle, &busy}) {
    auto answer = client->receive();
    while (answer.first == 'T') answer = client->receive();
    EXPECT_EQ(answer.first, 'E');
    EXPECT_NE(answer.second.find("57P01"), std::string::npos) << answer.second;
  }
}

}  // namespace
}  // namespace freshet::pgwire
