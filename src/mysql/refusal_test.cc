#include "mysql/refusal.h"

#include <gtest/gtest.h>

namespace weir::mysql {
namespace {

TEST(Refusal, CodesSayWhatToDo) {
  const auto code = [](unsigned number, const char* message = "") {
    return error_code({number, "HY000", message});
  };
  for (const unsigned number : {1053U, 2002U, 2003U, 2006U, 2013U, 1927U, 2026U}) {
    EXPECT_EQ(code(number), ErrorCode::unavailable) << number;
    EXPECT_TRUE(loses_connection(number));
  }
  for (const unsigned number : {1040U, 1203U, 1205U, 1213U, 1226U}) {
    EXPECT_EQ(code(number), ErrorCode::busy) << number;
  }
  EXPECT_EQ(code(1021), ErrorCode::io);
  EXPECT_EQ(code(1114), ErrorCode::io);
  EXPECT_EQ(code(1030, "Got error 28 \"No space left on device\" from storage engine"),
            ErrorCode::io);
  EXPECT_EQ(code(1030, "Got error 281 from storage engine"), ErrorCode::sql);
  EXPECT_EQ(code(1317), ErrorCode::cancelled);
  EXPECT_EQ(code(1064), ErrorCode::sql);
  EXPECT_TRUE(loses_transaction(1213));
}

TEST(Refusal, MySqlSpellsItsMessagesInItsOwnWay) {
  const auto duplicate = to_refusal({1062, "23000", "Duplicate entry 'x' for key 'people.name'"});
  EXPECT_TRUE(duplicate.by_row);
  EXPECT_EQ(duplicate.constraint, "name");
  const auto quoted =
      to_refusal({1062, "23000", "Duplicate entry 'for key 'z'' for key 'people.PRIMARY'"});
  EXPECT_EQ(quoted.constraint, "PRIMARY");
  const auto checked = to_refusal({3819, "HY000", "Check constraint 'small' is violated."});
  EXPECT_TRUE(checked.by_row);
  EXPECT_EQ(checked.constraint, "small");
  EXPECT_EQ(checked.row, 0U);
  const auto value =
      to_refusal({1366, "HY000", "Incorrect integer value: 'column 'z'' for column 'n' at row 3"});
  EXPECT_TRUE(value.by_row);
  EXPECT_EQ(value.column, "n");
  EXPECT_EQ(value.row, 3U);
  EXPECT_EQ(to_refusal({1644, "45000", "we meet at row 3 today"}).row, 0U);
  const auto two = to_refusal(
      {1452, "23000",
       "Cannot add or update a child row: a foreign key constraint fails (`d`.`t`, CONSTRAINT `f` "
       "FOREIGN KEY (`a`, `b`) REFERENCES `p` (`a`, `b`))"});
  EXPECT_EQ(two.constraint, "f");
  EXPECT_EQ(two.column, "") << "of two columns none is to blame";
}

TEST(Refusal, AStatementIsNoRow) {
  EXPECT_FALSE(to_refusal({1052, "23000", "Column 'id' in field list is ambiguous"}).by_row);
  EXPECT_FALSE(to_refusal({1064, "42000", "You have an error in your SQL syntax"}).by_row);
  EXPECT_FALSE(to_refusal({1364, "HY000", "Field 'a' doesn't have a default value"}).by_row);
}

TEST(Refusal, TheMessageNamesTheServerTheNumberAndAFix) {
  const Error error = to_error({1049, "42000", "Unknown database 'x'"}, "MariaDB");
  EXPECT_EQ(error.message, "MariaDB error 1049 (42000): Unknown database 'x'");
  EXPECT_NE(error.fix, "");
}

}  // namespace
}  // namespace weir::mysql
