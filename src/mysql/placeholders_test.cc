#include "mysql/placeholders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::mysql {
namespace {

using ::testing::ElementsAre;

std::string translated(const std::string& sql, size_t given = 1) {
  const auto text = prepared_text(sql, given);
  return text ? text->sql : text.error().message;
}

TEST(Placeholders, NumbersBecomeQuestionMarksInTheirOrder) {
  const PreparedText three = prepared_text("a = $2 AND b IN ($1,$2)", 2).value();
  EXPECT_EQ(three.sql, "a = ? AND b IN (?,?)");
  EXPECT_THAT(three.arguments, ElementsAre(1, 0, 1));
}

TEST(Placeholders, WhatIsQuotedOrCommentedStaysAsItIs) {
  for (const char* sql : {"'$1'", "'it''s $1'", R"('\'$1')", R"("$1 \" $1")", "`$1`", R"(`\`)",
                          "`a``$1`", "/* $1 */", "# $1\n", "-- $1\n", "--", "/* ' */",
                          "'unterminated $1", "/* $1", "a$1", "ñ$1", "$", "$x"}) {
    EXPECT_EQ(translated(std::string(sql), 0), sql);
  }
  EXPECT_EQ(translated("'$1'$1"), "'$1'?");
  EXPECT_EQ(translated("`\\`$1"), "`\\`?");
  EXPECT_EQ(translated("# it's\n$1"), "# it's\n?");
  EXPECT_EQ(translated("-- \"\n$1"), "-- \"\n?");
  EXPECT_EQ(translated("3--$1"), "3--?") << "two dashes without a blank are two signs";
  EXPECT_EQ(translated("/*'*/$1"), "/*'*/?");
}

TEST(Placeholders, WhatIsGivenMustBeUsedAndTheOtherWayRound) {
  EXPECT_FALSE(prepared_text("$2", 1));
  EXPECT_FALSE(prepared_text("$0", 1));
  EXPECT_FALSE(prepared_text("$99999999999999999999999", 1));
  EXPECT_FALSE(prepared_text("$1", 2));
  EXPECT_EQ(prepared_text("$1", 2).error().code, ErrorCode::sql);
}

}  // namespace
}  // namespace weir::mysql
