#include "base/utf8.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Utf8, MeasuresWellFormedSequences) {
  EXPECT_EQ(utf8_sequence_length("a"), 1u);
  EXPECT_EQ(utf8_sequence_length("\xc3\xb1!"), 2u);
  EXPECT_EQ(utf8_sequence_length("\xe2\x82\xac"), 3u);
  EXPECT_EQ(utf8_sequence_length("\xed\x9f\xbf"), 3u) << "the last before the surrogates";
  EXPECT_EQ(utf8_sequence_length("\xf4\x8f\xbf\xbf"), 4u) << "U+10FFFF";
}

TEST(Utf8, RefusesTheRest) {
  for (const std::string_view bad :
       {"", "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xc3z"}) {
    EXPECT_EQ(utf8_sequence_length(bad), 0u);
  }
}

}  // namespace
}  // namespace weir
