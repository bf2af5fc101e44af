#include "http/routes.h"

#include <gtest/gtest.h>

#include "http/fake_status.h"
#include "http/text.h"

namespace freshet::http {
namespace {

class Routes : public testing::Test {
 protected:
  Response get(std::string_view target, std::string_view accept = {}) const {
    return ask("GET", target, accept);
  }
  Response ask(std::string_view method, std::string_view target,
               std::string_view accept = {}) const {
    return respond({.method = method, .target = target, .accept = accept},
                   {.sql_address = "postgresql://127.0.0.1:5433/freshet", .version = "0.1.0"},
                   status_);
  }
  bool metrics_have(const std::string& line) const {
    return get("/metrics").body.find('\n' + line + '\n') != std::string::npos;
  }
  FakeStatus status_;
};

TEST_F(Routes, SayTheProcessIsLiveEvenWhenNothingIsReady) {
  status_.reasons = {"table shop.public.orders is copying"};
  EXPECT_EQ(get("/health/live").status, 200);
  EXPECT_EQ(get("/health/live").body, "live\n");
}

TEST_F(Routes, SayReadyWhenNothingSpeaksAgainstIt) {
  EXPECT_EQ(get("/health/ready").status, 200);
  EXPECT_EQ(get("/health/ready").body, "ready\n");
}

TEST_F(Routes, SayWhyNotReady) {
  status_.reasons = {"table shop.public.orders is copying", "source shop is 70 s behind"};
  const Response response = get("/health/ready");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body,
            "not ready\ntable shop.public.orders is copying\nsource shop is 70 s behind\n");
}

TEST_F(Routes, SpeakJsonWhenAsked) {
  status_.reasons = {"table \"a\" is copying", "b"};
  const Response response = get("/health/ready?verbose", "text/html, Application/JSON;q=0.9");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            "{\"status\":\"not ready\",\"reasons\":[\"table \\\"a\\\" is copying\",\"b\"]}\n");
  EXPECT_EQ(get("/health/live", "application/json").body, "{\"status\":\"live\"}\n");
}

TEST_F(Routes, ShowTheSqlAddressAndTheSources) {
  query::SourceStatus source;
  source.name = "<shop>";
  source.state = "copying";
  status_.all_sources = {source};
  const Response response = get("/");
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_NE(response.body.find("psql postgresql://127.0.0.1:5433/freshet"), std::string::npos);
  EXPECT_NE(response.body.find("<li>&lt;shop&gt;: copying</li>"), std::string::npos);
}

TEST_F(Routes, AnswerAnUnknownPathWithAHint) {
  const Response response = get("/nothing\"here");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            "{\"error\":{\"status\":404,\"message\":\"there is nothing at /nothing\\\"here\","
            "\"hint\":\"The endpoints are /, /health/live, /health/ready, /metrics and "
            "/v1/statements.\"}}\n");
}

TEST_F(Routes, AllowGetAndHeadOnly) {
  const Response response = ask("DELETE", "/metrics");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.allow, "GET, HEAD");
  EXPECT_EQ(ask("HEAD", "/metrics").status, 200);
}

TEST_F(Routes, ShowEachSourceInTheMetrics) {
  query::SourceStatus source;
  source.name = "shop";
  source.state = "live";
  source.lag_ms = 1500;
  source.stream_bytes = 123456789012;
  source.spool_bytes = 77;
  status_.all_sources = {source};
  EXPECT_TRUE(metrics_have("freshet_source_state{source=\"shop\",state=\"live\"} 1"));
  EXPECT_TRUE(metrics_have("freshet_source_lag_seconds{source=\"shop\"} 1.5"));
  EXPECT_TRUE(metrics_have("freshet_source_stream_bytes{source=\"shop\"} 123456789012"));
  EXPECT_TRUE(metrics_have("freshet_source_spool_bytes{source=\"shop\"} 77"));
  EXPECT_EQ(get("/metrics").body.find("freshet_source_retained_wal_bytes{"), std::string::npos)
      << "what was never measured has no value";
}

TEST_F(Routes, ShowEachTableInTheMetrics) {
  query::TableStatus table;
  table.source = "shop";
  table.schema = "public";
  table.name = "odd \"name\"";
  table.state = "failed";
  table.rows = 7;
  table.dead_rows = 3;
  table.lag_bytes = 4096;
  status_.all_tables = {table};
  const std::string labels = R"(source="shop",table="public.odd \"name\"")";
  EXPECT_TRUE(metrics_have("freshet_table_state{" + labels + ",state=\"failed\"} 1"));
  EXPECT_TRUE(metrics_have("freshet_table_rows{" + labels + "} 7"));
  EXPECT_TRUE(metrics_have("freshet_table_dead_rows{" + labels + "} 3"));
  EXPECT_TRUE(metrics_have("freshet_table_lag_bytes{" + labels + "} 4096"));
}

TEST_F(Routes, ForgetATableThatIsGoneFromTheMetrics) {
  status_.all_tables.resize(1);
  EXPECT_NE(get("/metrics").body.find("freshet_table_rows{"), std::string::npos);
  status_.all_tables.clear();
  EXPECT_EQ(get("/metrics").body.find("freshet_table_rows{"), std::string::npos);
}

TEST_F(Routes, ShowReadinessAndTheProcessInTheMetrics) {
  EXPECT_TRUE(metrics_have("freshet_ready 1"));
  status_.reasons = {"no"};
  EXPECT_TRUE(metrics_have("freshet_ready 0"));
  EXPECT_NE(get("/metrics").body.find("process_resident_memory_bytes "), std::string::npos);
}

TEST_F(Routes, DescribeEachMetricOnce) {
  status_.all_sources.resize(2);
  const std::string text = get("/metrics").body;
  const std::string type = "# TYPE freshet_source_lag_seconds gauge\n";
  const auto first = text.find(type);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find(type, first + 1), std::string::npos);
}

TEST(Text, MakesJsonOfAnyBytes) {
  EXPECT_EQ(json_quoted("a\"b\\c\nd\x01"), R"("a\"b\\c\nd\u0001")");
  EXPECT_EQ(json_quoted("gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\xa7"),
            "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\xa7\"");
  const std::string replaced = "\"\xef\xbf\xbd\"";
  EXPECT_EQ(json_quoted("\xff"), replaced);
  EXPECT_EQ(json_quoted("\xc3"), replaced);
  EXPECT_EQ(json_quoted("\x80"), replaced);
  EXPECT_EQ(json_quoted("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(json_quoted("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(Text, EscapesHtmlAndLabels) {
  EXPECT_EQ(html_escaped("<a href='\"'>&"), "&lt;a href=&#39;&quot;&#39;&gt;&amp;");
  EXPECT_EQ(label_quoted("a\"b\\c\nd"), R"("a\"b\\c\nd")");
}

}  // namespace
}  // namespace freshet::http
