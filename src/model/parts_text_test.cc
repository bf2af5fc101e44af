#include "model/parts_text.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

using Texts = std::vector<std::string>;

Texts parts(std::string_view text) {
  const auto record = parse_record(text);
  if (!record) return {"none"};
  Texts texts;
  for (const auto& part : *record) texts.push_back(part ? "<" + *part + ">" : "null");
  return texts;
}

TEST(PartsText, ReadsRecords) {
  EXPECT_EQ(parts("()"), Texts{});
  EXPECT_EQ(parts("(1)"), Texts{"<1>"});
  EXPECT_EQ(parts("(,)"), (Texts{"null", "null"}));
  constexpr std::string_view quoted = R"!((1,"a b",,"","q""\\",t,"{1,2}","(1,2)"))!";
  EXPECT_EQ(parts(quoted),
            (Texts{"<1>", "<a b>", "null", "<>", "<q\"\\>", "<t>", "<{1,2}>", "<(1,2)>"}));
  EXPECT_EQ(parts(R"((a\,b,c"d e"f))"), (Texts{"<a,b>", "<cd ef>"}));
}

TEST(PartsText, RefusesWhatIsNoRecord) {
  for (const char* text : {"", "(", ")", "(1", "1)", "(1))", "(\"1)", "(1\\", "(1)x", "(1,"}) {
    EXPECT_FALSE(parse_record(text)) << text;
  }
}

std::string again(std::string_view text) {
  const auto range = parse_range(text);
  if (!range) return "none";
  std::string out;
  append_range(out, *range);
  return out;
}

TEST(PartsText, RangesComeBackAsTheyWere) {
  for (const char* text : {"empty", "[1,5)", "(,5)", "[1,)", "(,)",
                           R"(["2024-01-01 00:00:00",infinity))", R"(("a""b","c\\d"])"}) {
    EXPECT_EQ(again(text), text);
  }
  EXPECT_EQ(again("[,]"), "(,)");
  EXPECT_EQ(again(R"(["1",2))"), "[1,2)");
}

TEST(PartsText, RefusesWhatIsNoRange) {
  for (const char* text :
       {"", "[", "[1,2", "1,2)", "[1 2)", "[1,2)x", "emptyx", "[1,2,3)x", "{}"}) {
    EXPECT_FALSE(parse_range(text)) << text;
  }
}

TEST(PartsText, ReadsMultiranges) {
  EXPECT_EQ(parse_multirange("{}")->size(), 0U);
  const auto ranges = parse_multirange(R"({[1,3),["a b",)})");
  ASSERT_TRUE(ranges);
  ASSERT_EQ(ranges->size(), 2U);
  EXPECT_EQ(ranges->at(1).lower, "a b");
  EXPECT_FALSE(ranges->at(1).upper);
  for (const char* text : {"", "{", "{[1,3)", "{[1,3),}", "{[1,3)}x", "[1,3)"}) {
    EXPECT_FALSE(parse_multirange(text)) << text;
  }
}

TEST(PartsText, QuotesWhatNeedsIt) {
  std::string out;
  for (const char* part : {"", "a", "a b", "a\"b\\", "[x]"}) {
    append_part(out, part, PartOf::Record);
    out += '|';
    append_part(out, part, PartOf::Range);
    out += '|';
  }
  EXPECT_EQ(out, R"(""|""|a|a|"a b"|"a b"|"a""b\\"|"a""b\\"|[x]|"[x]"|)");
}

}  // namespace
}  // namespace freshet
