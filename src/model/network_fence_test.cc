#include "model/network_fence.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

IpAddress ip(std::string_view text) { return *parse_ip_address(text); }

std::vector<NetworkRule> rules(std::initializer_list<const char*> texts) {
  std::vector<NetworkRule> made;
  for (const char* text : texts) made.push_back(*parse_network_rule(text));
  return made;
}

TEST(NetworkFence, WithoutRulesOnlyWhatTellsOfTheMachineIsDenied) {
  const NetworkFence fence;
  EXPECT_TRUE(fence.check("example.org", ip("203.0.113.9")));
  EXPECT_TRUE(fence.check("localhost", ip("127.0.0.1")));
  EXPECT_TRUE(fence.check("db", ip("10.0.0.1")));
  for (const char* address :
       {"169.254.169.254", "169.254.0.1", "fe80::1", "fd00:ec2::254", "100.100.100.200",
        "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254"}) {
    const auto checked = fence.check("harmless.example.org", ip(address));
    ASSERT_FALSE(checked) << address;
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_input);
  }
}

TEST(NetworkFence, ANameThatIsAllowedDoesNotOpenTheMetadataAddress) {
  const NetworkFence fence({.allow = rules({"*.example.org"}), .deny = {}});
  EXPECT_TRUE(fence.check("a.example.org", ip("203.0.113.9")));
  EXPECT_FALSE(fence.check("a.example.org", ip("169.254.169.254")));
  const NetworkFence opened({.allow = rules({"169.254.169.254"}), .deny = {}});
  EXPECT_TRUE(opened.check("a.example.org", ip("169.254.169.254")));
}

TEST(NetworkFence, AllowIsAListOfAllThereIs) {
  const NetworkFence fence({.allow = rules({"example.org", "10.0.0.0/8"}), .deny = {}});
  EXPECT_TRUE(fence.check_host("example.org"));
  EXPECT_TRUE(fence.check("example.org", ip("203.0.113.9")));
  EXPECT_TRUE(fence.check("other.example.com", ip("10.1.1.1")));
  EXPECT_TRUE(fence.check_host("other.example.com")) << "its address may be in the range";
  EXPECT_FALSE(fence.check("other.example.com", ip("203.0.113.9")));
  EXPECT_FALSE(NetworkFence({.allow = rules({"example.org"}), .deny = {}}).check_host("other"));
}

TEST(NetworkFence, DenyHasTheLastWord) {
  const NetworkFence fence(
      {.allow = rules({"*.example.org"}), .deny = rules({"bad.example.org", "127.0.0.0/8"})});
  EXPECT_FALSE(fence.check_host("bad.example.org"));
  EXPECT_FALSE(fence.check("good.example.org", ip("127.0.0.1")));
  EXPECT_FALSE(fence.check("good.example.org", ip("0.0.0.0"))) << "which connects to the loopback";
  EXPECT_FALSE(fence.check_host("127.0.0.1"));
  EXPECT_TRUE(fence.check("good.example.org", ip("203.0.113.9")));
}

TEST(NetworkFence, AStepNarrowsItsProject) {
  const NetworkFence fence({.allow = rules({"10.0.0.0/8"}), .deny = {}}, rules({"10.1.0.0/16"}));
  EXPECT_TRUE(fence.check("a", ip("10.1.2.3")));
  EXPECT_FALSE(fence.check("a", ip("10.2.2.3")));
  const NetworkFence metadata({}, rules({"169.254.169.254"}));
  EXPECT_FALSE(metadata.check("a", ip("169.254.169.254"))) << "only the project opens it";
}

TEST(NetworkFence, SaysWhoAndWhyAndWhatHelps) {
  const auto checked = NetworkFence().check("metadata", ip("169.254.169.254"));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().to_string(),
            "metadata (169.254.169.254) is behind the fence: '169.254.0.0/16' is link-local or a "
            "machine's own metadata; if it is meant, say so: network: {allow: "
            "[169.254.169.254, …]}");
}

}  // namespace
}  // namespace weir
