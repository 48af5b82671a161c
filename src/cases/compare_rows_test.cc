#include "cases/compare_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::cases {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TextRow row(std::initializer_list<const char*> cells) {
  TextRow out;
  for (const char* cell : cells)
    out.push_back(cell == nullptr ? std::nullopt : std::optional<std::string>(cell));
  return out;
}

std::string line(const TextRow& cells) {
  std::string out;
  for (const auto& cell : cells) out += (out.empty() ? "" : "|") + cell.value_or("NULL");
  return out;
}

RowsDifference compared(const std::vector<TextRow>& expected, const std::vector<TextRow>& found,
                        std::vector<bool> is_key, RowOrder order = RowOrder::any) {
  RowsDifference difference;
  difference.is_key = std::move(is_key);
  compare_rows(expected, found, order, difference);
  return difference;
}

/// "-a|b" missing, "+a|b" unexpected, "~a|b > a|c" changed.
std::vector<std::string> lines(const RowsDifference& difference) {
  std::vector<std::string> out;
  for (const RowDifference& each : difference.rows) {
    if (each.expected && each.found) {
      out.push_back("~" + line(*each.expected) + " > " + line(*each.found));
    } else {
      out.push_back(each.expected ? "-" + line(*each.expected) : "+" + line(*each.found));
    }
  }
  return out;
}

std::vector<std::string> in_place(const RowsDifference& difference) {
  std::vector<std::string> out;
  for (const TextRow& each : difference.in_place) out.push_back(line(each));
  return out;
}

const std::vector<bool> by_first = {true, false};
const std::vector<bool> no_key = {false, false};

TEST(CompareRows, OrderDoesNotMatterAndCountsDo) {
  const std::vector<TextRow> expected = {row({"1", "a"}), row({"1", "a"}), row({"2", nullptr})};
  EXPECT_THAT(
      lines(compared(expected, {row({"2", nullptr}), row({"1", "a"}), row({"1", "a"})}, no_key)),
      IsEmpty());
  EXPECT_THAT(lines(compared(expected, {row({"2", nullptr}), row({"1", "a"})}, no_key)),
              ElementsAre("-1|a"));
  EXPECT_THAT(lines(compared({row({"2", nullptr})}, {row({"2", "NULL"})}, by_first)),
              ElementsAre("~2|NULL > 2|NULL"));
}

TEST(CompareRows, RowsWithOneKeyAreOneRow) {
  const auto difference = compared({row({"1", "a"}), row({"2", "b"}), row({"3", "c"})},
                                   {row({"2", "x"}), row({"4", "c"}), row({"1", "a"})}, by_first);
  EXPECT_THAT(lines(difference), ElementsAre("~2|b > 2|x", "-3|c", "+4|c"));
  EXPECT_EQ(difference.changed(), 1u);
  EXPECT_EQ(difference.missing(), 1u);
  EXPECT_EQ(difference.unexpected(), 1u);
  EXPECT_THAT(in_place(difference), ElementsAre("1|a", "2|x", "4|c"));
}

TEST(CompareRows, WithoutAKeyRowsThatAreMostlyAlikeAreOneRow) {
  EXPECT_THAT(lines(compared({row({"1", "a"}), row({"2", "b"})}, {row({"2", "z"}), row({"9", "y"})},
                             no_key)),
              ElementsAre("-1|a", "~2|b > 2|z", "+9|y"));
}

TEST(CompareRows, ListedRowsStandInTheirOrder) {
  const std::vector<TextRow> expected = {row({"1", "a"}), row({"2", "b"}), row({"3", "c"})};
  EXPECT_THAT(lines(compared(expected, expected, by_first, RowOrder::as_listed)), IsEmpty());
  const auto turned = compared(expected, {row({"2", "b"}), row({"1", "a"}), row({"3", "c"})},
                               by_first, RowOrder::as_listed);
  EXPECT_THAT(lines(turned), ElementsAre("-1|a", "+1|a", "-2|b", "+2|b"));
  EXPECT_THAT(in_place(turned), ElementsAre("2|b", "1|a", "3|c"));
  EXPECT_THAT(
      lines(compared(expected, {row({"1", "a"}), row({"3", "c"})}, by_first, RowOrder::as_listed)),
      ElementsAre("-2|b"));
}

}  // namespace
}  // namespace weir::cases
