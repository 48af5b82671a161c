#include "config/origin.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

TEST(Origin, IsWhatBrowsersSend) {
  for (const char* origin :
       {"https://app.example.org", "http://localhost:5173", "http://127.0.0.1:8080",
        "http://[::1]:8080", "https://a_b.example", "http://example.org:443"}) {
    EXPECT_TRUE(check_origin(origin)) << origin;
  }
}

TEST(Origin, AnotherSpellingIsMended) {
  struct Case {
    const char* written;
    const char* meant;
  };
  for (const Case& each : {Case{"https://app.example.org/", "https://app.example.org"},
                           Case{"https://app.example.org/login?x", "https://app.example.org"},
                           Case{"https://App.Example.org", "https://app.example.org"},
                           Case{"HTTPS://app.example.org", "https://app.example.org"},
                           Case{"https://app.example.org:443", "https://app.example.org"},
                           Case{"http://app.example.org:80", "http://app.example.org"},
                           Case{"http://app.example.org:", "http://app.example.org"}}) {
    const auto checked = check_origin(each.written);
    ASSERT_FALSE(checked) << each.written;
    EXPECT_EQ(checked.error().fix, std::string("write ") + each.meant) << each.written;
    EXPECT_TRUE(check_origin(each.meant)) << each.meant;
  }
}

TEST(Origin, WhatIsNone) {
  for (const char* text :
       {"", "*", "null", "app.example.org", "//app.example.org", "ftp://app.example.org",
        "https://", "https://user@app.example.org", "https://*.example.org", "https://a b",
        "https://a,https://b", "https://app.example.org:0", "https://app.example.org:65536",
        "https://app.example.org:8o", "https://[::1", "https://[g]", "https://ä.example",
        "https://a\r\nx: y", "file:///tmp/x"}) {
    EXPECT_FALSE(check_origin(text)) << text;
  }
}

}  // namespace
}  // namespace weir::config
