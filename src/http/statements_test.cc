#include "http/statements.h"

#include <gtest/gtest.h>

namespace freshet::http {
namespace {

constexpr std::string_view drop = R"({"sql": "DROP COLLECTION paid"})";

Request post(std::string_view body = drop) {
  return {.method = "POST",
          .target = "/v1/statements",
          .accept = {},
          .host = "localhost:8080",
          .content_type = "application/json",
          .body = body};
}

// The status of the refusal; 0 when the statement is taken.
int refused(const Request& request) {
  const auto read = read_statement(request, "127.0.0.1");
  const auto* response = std::get_if<Response>(&read);
  return response ? response->status : 0;
}

std::string sql(std::string_view body) {
  const auto read = read_statement(post(body), "127.0.0.1");
  const auto* text = std::get_if<std::string>(&read);
  return text ? *text : std::get<Response>(read).body;
}

TEST(Statements, AreReadFromJson) {
  EXPECT_EQ(sql(drop), "DROP COLLECTION paid");
  EXPECT_EQ(sql(R"( {"sql":"DROP\nCOLLECTION \"gr\u00fcn\""} )"),
            "DROP\nCOLLECTION \"gr\xc3\xbc"
            "n\"");
}

TEST(Statements, AreNothingElse) {
  for (const char* body :
       {"", "DROP COLLECTION paid", "[]", "{}", R"("DROP")", R"({"sql": 1})", R"({"query": "x"})",
        R"({"sql": "x", "parameters": []})", R"({"sql": "x"} y)", "{\"sql\": \"\xff\"}",
        R"({"sql": "DROP COLLECTION a\u0000b"})"}) {
    EXPECT_EQ(refused(post(body)), 400) << body;
  }
  EXPECT_EQ(refused(post(std::string(200'000, '['))), 400);
  EXPECT_NE(sql("DROP").find("\"sqlstate\":\"22P02\""), std::string::npos);
}

TEST(Statements, ArePosted) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
    Request request = post();
    request.method = method;
    EXPECT_EQ(refused(request), 405) << method;
  }
}

TEST(Statements, NeedAContentTypeThatNoFormCanSend) {
  const auto typed = [](std::string_view type) {
    Request request = post();
    request.content_type = type;
    return refused(request);
  };
  for (const char* form :
       {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "text/plain; application/json", "application/jsonp", "application/json; charset=latin1"}) {
    EXPECT_EQ(typed(form), 415) << form;
  }
  EXPECT_EQ(typed("application/json; charset=UTF-8"), 0);
  EXPECT_EQ(typed("Application/JSON"), 0);
}

TEST(Statements, AreNotTakenFromPagesOfOthers) {
  const auto from = [](std::string_view origin) {
    Request request = post();
    request.origin = origin;
    return refused(request);
  };
  EXPECT_EQ(from("http://localhost:8080"), 0);
  for (const char* origin :
       {"http://evil.example", "null", "", "http://localhost:3000", "https://localhost:8080",
        "http://localhost", "http://127.0.0.1:8080", "http://localhost:8080.evil.example"}) {
    EXPECT_EQ(from(origin), 403) << origin;
  }
}

TEST(Statements, AreTakenForNamesOfLoopbackOnly) {
  const auto at = [](std::string_view host) {
    Request request = post();
    request.host = host;
    return refused(request);
  };
  for (const char* host :
       {"localhost", "LocalHost:9000", "127.0.0.1:8080", "127.3.2.1", "[::1]:8080", "[::1]"}) {
    EXPECT_EQ(at(host), 0) << host;
  }
  for (const char* host : {"", ":8080", "rebound.example:8080", "localhost.evil.example",
                           "10.0.0.1", "127.0.0.1.evil.example", "[::2]:8080", "["}) {
    EXPECT_EQ(at(host), 403) << host;
  }
}

TEST(Statements, AreTakenForTheAddressWeListenOn) {
  Request request = post();
  request.host = "10.0.0.1:8080";
  EXPECT_TRUE(std::holds_alternative<std::string>(read_statement(request, "10.0.0.1")));
}

TEST(Statements, AreAnsweredWithWhatWasDone) {
  query::Performed done{.tag = "CREATE COLLECTION"};
  done.source = "shop";
  done.schema = "public";
  done.name = "pa\"id";
  done.notes = {{.sqlstate = "01000", .message = "it is there already"}};
  EXPECT_EQ(performed_response(done).body,
            R"({"command":"CREATE COLLECTION","source":"shop","collection":"public.pa\"id",)"
            R"("notices":[{"sqlstate":"01000","message":"it is there already"}]})"
            "\n");
  EXPECT_EQ(performed_response({.tag = "DROP COLLECTION"}).body,
            "{\"command\":\"DROP COLLECTION\",\"notices\":[]}\n");
}

TEST(Statements, AreAnsweredWithWhatWasWrong) {
  const Response response = failed_response({.sqlstate = "42601",
                                             .message = "syntax error at or near \"\xff\"",
                                             .hint = "Write SQL.",
                                             .position = 7});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            "{\"error\":{\"status\":400,\"sqlstate\":\"42601\",\"message\":\"syntax error at or "
            "near \\\"\xef\xbf\xbd\\\"\",\"hint\":\"Write SQL.\",\"position\":7}}\n");
}

TEST(Statements, FailWithTheStatusThatFits) {
  const auto status = [](std::string sqlstate) {
    return failed_response({.sqlstate = std::move(sqlstate)}).status;
  };
  EXPECT_EQ(status("42P01"), 404);
  EXPECT_EQ(status("42704"), 404);
  EXPECT_EQ(status("42P07"), 409);
  EXPECT_EQ(status("55000"), 409);
  EXPECT_EQ(status("42501"), 403);
  EXPECT_EQ(status("22023"), 400);
  EXPECT_EQ(status("25006"), 400);
  EXPECT_EQ(status("0A000"), 400);
  EXPECT_EQ(status("57P01"), 503);
  EXPECT_EQ(status("53100"), 503);
  EXPECT_EQ(status("58030"), 500);
  EXPECT_EQ(status("XX000"), 500);
}

}  // namespace
}  // namespace freshet::http
