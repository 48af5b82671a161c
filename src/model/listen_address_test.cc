#include "model/listen_address.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(ListenAddressTest, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_listen_address("9464"), (ListenAddress{"127.0.0.1", 9464}));
  EXPECT_EQ(parse_listen_address("localhost:0"), (ListenAddress{"127.0.0.1", 0}));
  EXPECT_EQ(parse_listen_address("0.0.0.0:80"), (ListenAddress{"0.0.0.0", 80}));
  EXPECT_EQ(parse_listen_address("[::1]:65535"), (ListenAddress{"::1", 65535}));
}

TEST(ListenAddressTest, RefusesAllElse) {
  for (const char* text : {"", ":", "x", "65536", "-1", "9464 ", "host:9464", "127.0.0.1", ":9464",
                           "127.0.0.1:", "::1:9464", "[127.0.0.1]:1", "127.1:80", "127.0.0.1:+1"}) {
    EXPECT_EQ(parse_listen_address(text), std::nullopt) << text;
  }
}

TEST(ListenAddressTest, KnowsLoopbackAndWritesItselfDown) {
  EXPECT_TRUE((ListenAddress{"127.0.0.1", 1}).loopback());
  EXPECT_TRUE((ListenAddress{"::1", 1}).loopback());
  EXPECT_FALSE((ListenAddress{"0.0.0.0", 1}).loopback());
  EXPECT_FALSE((ListenAddress{"::", 1}).loopback());
  for (const char* text : {"127.0.0.1:9464", "[::1]:9464"}) {
    EXPECT_EQ(parse_listen_address(text)->to_string(), text);
  }
}

}  // namespace
}  // namespace weir
