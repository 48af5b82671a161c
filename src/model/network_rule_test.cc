#include "model/network_rule.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

IpAddress ip(std::string_view text) { return *parse_ip_address(text); }

TEST(NetworkRule, NamesAreHosts) {
  const auto rule = parse_network_rule("Data.Example.org");
  ASSERT_TRUE(rule);
  EXPECT_TRUE(rule->covers_host("data.example.ORG"));
  EXPECT_TRUE(rule->covers_host("data.example.org."));
  EXPECT_FALSE(rule->covers_host("example.org"));
  EXPECT_FALSE(rule->covers_host("evil-data.example.org"));
  EXPECT_FALSE(rule->covers_address(ip("192.0.2.1")));
}

TEST(NetworkRule, AStarIsEveryHostBelow) {
  const auto rule = parse_network_rule("*.example.org");
  ASSERT_TRUE(rule);
  EXPECT_TRUE(rule->covers_host("a.example.org"));
  EXPECT_TRUE(rule->covers_host("b.a.example.org"));
  EXPECT_FALSE(rule->covers_host("example.org"));
  EXPECT_FALSE(rule->covers_host("badexample.org"));
}

TEST(NetworkRule, RangesOfBothFamilies) {
  const auto ten = parse_network_rule("10.0.0.0/8");
  ASSERT_TRUE(ten);
  EXPECT_TRUE(ten->covers_address(ip("10.255.0.1")));
  EXPECT_TRUE(ten->covers_address(ip("::ffff:10.1.2.3")));
  EXPECT_FALSE(ten->covers_address(ip("11.0.0.1")));
  EXPECT_FALSE(ten->covers_host("10.0.0.1"));
  const auto local = parse_network_rule("fe80::/10");
  ASSERT_TRUE(local);
  EXPECT_TRUE(local->covers_address(ip("fe80::1")));
  EXPECT_TRUE(local->covers_address(ip("febf::1")));
  EXPECT_FALSE(local->covers_address(ip("fec0::1")));
  const auto one = parse_network_rule("192.0.2.7");
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->covers_address(ip("192.0.2.7")));
  EXPECT_FALSE(one->covers_address(ip("192.0.2.8")));
  EXPECT_TRUE(parse_network_rule("0.0.0.0/0")->covers_address(ip("203.0.113.9")));
  EXPECT_FALSE(parse_network_rule("0.0.0.0/0")->covers_address(ip("2001:db8::1")));
  EXPECT_TRUE(parse_network_rule("::/0")->covers_address(ip("203.0.113.9")));
}

TEST(NetworkRule, SaysWhatIsNoRule) {
  for (const char* text : {"", "*", "*.", "a b", "exa/mple", "10.0.0.0/33", "10.0.0.0/x", "1.2.3",
                           "300.1.1.1", "::/129", "10.0.0.0/", "-1.0.0.0/8", "http://x", "a..b"}) {
    EXPECT_FALSE(parse_network_rule(text)) << text;
  }
  EXPECT_EQ(parse_network_rule("10.1.2.3/8").error().fix, "write 10.0.0.0/8");
  EXPECT_EQ(parse_network_rule("10.1.2.3/8").error().code, ErrorCode::invalid_project);
}

TEST(NetworkRule, AddressesAreShownShort) {
  EXPECT_EQ(to_string(ip("::ffff:169.254.169.254")), "169.254.169.254");
  EXPECT_EQ(to_string(ip("FD00:EC2:0:0:0:0:0:254")), "fd00:ec2::254");
}

}  // namespace
}  // namespace weir
