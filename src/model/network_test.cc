#include "model/network.h"

#include <gtest/gtest.h>

#include <vector>

namespace freshet {
namespace {

std::string form_of(std::string_view text) {
  std::string form;
  append_network(form, parse_network(text).value());
  return form;
}

// As `SELECT … ORDER BY` of PostgreSQL 15 has them.
const std::vector<std::string> in_order{"0.0.0.0/0",
                                        "10.0.0.0/8",
                                        "10.0.0.1/8",
                                        "10.255.0.0/8",
                                        "10.0.0.0/16",
                                        "10.0.0.0/24",
                                        "10.0.0.0",
                                        "10.0.0.1",
                                        "10.1.0.0/16",
                                        "192.168.0.0/16",
                                        "192.168.0.1/24",
                                        "192.168.0.1",
                                        "::/0",
                                        "::",
                                        "::1",
                                        "::5",
                                        "::ffff:1.2.3.4",
                                        "2001:db8::/32",
                                        "2001:db8::1/64",
                                        "2001:db8::1",
                                        "fe80::1/10"};

TEST(Network, FormsSortAsPostgreSQLDoes) {
  for (std::size_t i = 0; i + 1 < in_order.size(); ++i) {
    EXPECT_LT(form_of(in_order[i]), form_of(in_order[i + 1])) << in_order[i];
  }
}

TEST(Network, AFormComesBackAsItsText) {
  for (const std::string& text : in_order) {
    EXPECT_EQ(network_text(network_of(form_of(text)), Bits::WhenFewer), text);
    EXPECT_EQ(network_of(form_of(text)), parse_network(text));
  }
  EXPECT_EQ(network_text(*parse_network("10.0.0.1"), Bits::Always), "10.0.0.1/32");
}

TEST(Network, EqualValuesHaveOneForm) {
  EXPECT_EQ(form_of("10.0.0.1/32"), form_of("10.0.0.1"));
  EXPECT_EQ(form_of("2001:DB8:0:0:0:0:0:1"), form_of("2001:db8::1"));
}

TEST(Network, OtherTextsAreRefused) {
  for (const char* text : {"", "10", "10.0.0", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", "::1/129",
                           "10.0.0.1/8 ", "fe80::1%eth0", "a"}) {
    EXPECT_FALSE(parse_network(text)) << text;
  }
  EXPECT_FALSE(parse_network(std::string_view("10.0.0.1\0x", 10)));
}

}  // namespace
}  // namespace freshet
