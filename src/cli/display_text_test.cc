#include "cli/display_text.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

TEST(DisplayText, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("São Paulo"), 9u);
  EXPECT_EQ(display_width("東京"), 4u);
  EXPECT_EQ(display_width("e\xcc\x81"), 1u) << "a combining accent";
  EXPECT_EQ(display_width("😀"), 2u);
  EXPECT_EQ(display_width("ﾃｽﾄ"), 3u) << "halfwidth forms";
}

TEST(DisplayText, NothingSteersTheTerminal) {
  EXPECT_EQ(visible("a\x1b[31mred\x07\x7f", LineBreaks::escape), "a\\x1b[31mred\\x07\\x7f");
  EXPECT_EQ(visible("a\nb\tc\r", LineBreaks::escape), "a\\nb\\tc\\r");
  EXPECT_EQ(visible("a\nb\tc\r", LineBreaks::keep), "a\nb\tc\\r");
  EXPECT_EQ(visible("\xc2\x9b"
                    "31m",
                    LineBreaks::escape),
            "\\u{9b}31m")
      << "a C1 control";
  EXPECT_EQ(visible("a\xe2\x80\xae", LineBreaks::escape), "a\\u{202e}") << "right-to-left override";
  EXPECT_EQ(visible("\xff\xc3", LineBreaks::escape), "\\xff\\xc3");
  EXPECT_EQ(visible("Zürich 東京 😀", LineBreaks::escape), "Zürich 東京 😀");
}

TEST(DisplayText, CutsAtColumns) {
  EXPECT_EQ(cut_to_width("abcdef", 6), "abcdef");
  EXPECT_EQ(cut_to_width("abcdef", 5), "abcd…");
  EXPECT_EQ(cut_to_width("東京都", 4), "東…") << "half of a wide character does not fit";
  EXPECT_EQ(cut_to_width("東京都", 5), "東京…");
  EXPECT_EQ(cut_to_width("abc", 1), "…");
  EXPECT_EQ(cut_to_width("abc", 0), "");
}

}  // namespace
}  // namespace weir::cli
