#include "config/key_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::config {
namespace {

TEST(KeyPattern, Meet) {
  const std::pair<std::string_view, std::string_view> meeting[] = {
      {"a/b", "a/b"},
      {"a/*", "a/b"},
      {"a/*.json", "a/x*"},
      {"**", "a/b/c"},
      {"a/**", "a/b/c.csv"},
      {"a/*x", "a/y*"},
      {"a/?", "a/b"},
      {"*/b", "a/*"},
      {"**/x", "a/b/*"},
      {"a/**.csv", "a/b/*"},
      {"", ""},
      {"*", ""},
      {"a/x-*.csv", "a/**"},
      {"*a*b*c*", "*c*b*a*"},
      {"??", "*"},
      {"a**b", "a/b"},
  };
  for (const auto& [a, b] : meeting) {
    EXPECT_TRUE(patterns_meet(a, b)) << a << " " << b;
    EXPECT_TRUE(patterns_meet(b, a)) << b << " " << a;
  }
}

TEST(KeyPattern, DoNotMeet) {
  const std::pair<std::string_view, std::string_view> apart[] = {
      {"a/b", "a/c"},
      {"a/*", "a/b/c"},
      {"a/*.json", "a/*.csv"},
      {"a/**", "b/**"},
      {"a?b", "a/b"},
      {"a/*", "a/x/"},
      {"", "?"},
      {"a", "aa"},
      {"x*", "y**"},
      {"a/*/c", "a/b/b/c"},
      {"*", "**/"},
  };
  for (const auto& [a, b] : apart) {
    EXPECT_FALSE(patterns_meet(a, b)) << a << " " << b;
    EXPECT_FALSE(patterns_meet(b, a)) << b << " " << a;
  }
}

TEST(KeyPattern, LongPatternsEnd) {
  std::string a, b;
  for (size_t i = 0; i < longest_pattern / 2; ++i) a += "*a", b += "*b";
  EXPECT_TRUE(patterns_meet(a + "*", b + "*"));
  EXPECT_FALSE(patterns_meet(a, b));
}

}  // namespace
}  // namespace weir::config
