#include "model/sortable.h"

#include <gtest/gtest.h>

#include <vector>

namespace freshet {
namespace {

std::string form_of(Shown shown, std::string_view text) {
  std::string form;
  EXPECT_TRUE(append_sortable(form, shown, text)) << text;
  return form;
}

void expect_order(Shown shown, const std::vector<std::string>& texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(sortable_text(shown, form_of(shown, texts[i])), texts[i]);
    if (i == 0) continue;
    EXPECT_LT(form_of(shown, texts[i - 1]), form_of(shown, texts[i])) << texts[i];
  }
}

TEST(Sortable, NumbersSortAsNumbers) {
  expect_order(Shown::Lsn,
               {"0/0", "0/A", "0/10", "0/FFFFFFFF", "1/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"});
  expect_order(Shown::Xid8, {"0", "9", "10", "18446744073709551615"});
  expect_order(Shown::Money, {"-$92,233,720,368,547,758.08", "-$1.00", "-$0.01", "$0.00", "$2.00",
                              "$10.00", "$92,233,720,368,547,758.07"});
  expect_order(Shown::Inet, {"9.0.0.1", "10.0.0.1"});
}

TEST(Sortable, MoneyOfOtherLocales) {
  EXPECT_EQ(sortable_number(Shown::Money, form_of(Shown::Money, "1.234,56 €")), 123456);
  EXPECT_EQ(sortable_number(Shown::Money, form_of(Shown::Money, "(1,234.56)")), -123456);
}

TEST(Sortable, TextsOfNoValueAreRefused) {
  std::string form;
  for (const Shown shown : {Shown::Inet, Shown::Cidr, Shown::Lsn, Shown::Xid8, Shown::Money}) {
    for (const char* text : {"", "x", "99999999999999999999999"}) {
      EXPECT_FALSE(append_sortable(form, shown, text)) << text;
    }
  }
  EXPECT_FALSE(append_sortable(form, Shown::Money, "$92,233,720,368,547,758.08"));
  EXPECT_EQ(form, "");
}

TEST(Sortable, LabelsSortByTheirPlaces) {
  std::string sad, happy;
  append_label(sad, 0, "sad");
  append_label(happy, 256, "happy");
  EXPECT_LT(sad, happy);
  EXPECT_EQ(sortable_text(Shown::Enum, happy), "happy");
}

}  // namespace
}  // namespace freshet
