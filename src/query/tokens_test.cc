#include "query/tokens.h"

#include <gtest/gtest.h>

#include "query/session.h"

namespace freshet::query {
namespace {

std::vector<std::string> texts(std::string_view sql) {
  std::vector<std::string> result;
  for (const Token& token : tokenize(sql)) result.emplace_back(token.text);
  return result;
}

using Texts = std::vector<std::string>;

TEST(Tokens, KeepQuotesDollarQuotesAndEscapesWhole) {
  EXPECT_EQ(texts("select 'it''s', E'\\'', $$a;b$$, $t$ $$ $t$, \"a\"\"b\""),
            (Texts{"select", "'it''s'", ",", "E'\\''", ",", "$$a;b$$", ",", "$t$ $$ $t$", ",",
                   "\"a\"\"b\""}));
}

TEST(Tokens, SkipNestedComments) {
  EXPECT_EQ(texts("a -- x\n/* b /* c */ d */ e"), (Texts{"a", "e"}));
}

TEST(Tokens, SplitOperatorsAsPostgresDoes) {
  EXPECT_EQ(texts("a=-1"), (Texts{"a", "=", "-", "1"}));
  EXPECT_EQ(texts("a!~*b"), (Texts{"a", "!~*", "b"}));
  EXPECT_EQ(texts("x::int[1]"), (Texts{"x", "::", "int", "[", "1", "]"}));
  EXPECT_EQ(texts("$1+$12"), (Texts{"$1", "+", "$12"}));
  EXPECT_EQ(texts("1.5e-3 .5 1e"), (Texts{"1.5e-3", ".5", "1", "e"}));
}

TEST(Tokens, MarkWhatNeverEnds) {
  for (const char* sql : {"select 'a", "select \"a", "select $$a", "/* a", "E'\\'"}) {
    const auto tokens = tokenize(sql);
    ASSERT_FALSE(tokens.empty()) << sql;
    EXPECT_EQ(tokens.back().kind, TokenKind::Broken) << sql;
  }
}

TEST(Tokens, KnowTheirValues) {
  EXPECT_EQ(tokenize("E'a\\n\\x41\\u00e9\\101'")[0].string_value(),
            "a\nA\xC3\xA9"
            "A");
  EXPECT_EQ(tokenize("'it''s'")[0].string_value(), "it's");
  EXPECT_EQ(tokenize("$q$it's$q$")[0].string_value(), "it's");
  EXPECT_EQ(tokenize("FooBar")[0].name(), "foobar");
  EXPECT_EQ(tokenize("\"Foo\"\"Bar\"")[0].name(), "Foo\"Bar");
}

TEST(SplitStatements, CutsAtSemicolonsOutsideOfQuotes) {
  EXPECT_EQ(split_statements("select ';'; ; select $$;$$ -- ;\n; /* ; */ show x;"),
            (Texts{"select ';'", "select $$;$$", "show x"}));
  EXPECT_TRUE(split_statements(" ; -- nothing\n").empty());
}

}  // namespace
}  // namespace freshet::query
