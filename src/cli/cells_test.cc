#include <gtest/gtest.h>

#include "cli/csv_text.h"
#include "cli/json_cell.h"

namespace weir::cli {
namespace {

TEST(CsvText, QuotesAsRfc4180AndTellsNullFromEmpty) {
  EXPECT_EQ(csv_line({"a", "b,c", "d\"e", "f\ng", "h\r"}),
            "a,\"b,c\",\"d\"\"e\",\"f\ng\",\"h\r\"\n");
  EXPECT_EQ(csv_line({std::nullopt, "", " x "}), ",\"\", x \n");
  EXPECT_EQ(csv_line({std::nullopt}), "\"\"\n") << "not an empty line";
}

TEST(JsonCell, NumbersThatSurviveAreNumbers) {
  EXPECT_EQ(json_cell(cell_kind("BIGINT"), "9007199254740993"), "9007199254740993");
  EXPECT_EQ(json_cell(cell_kind("UBIGINT"), "18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(json_cell(cell_kind("INTEGER"), "-5"), "-5");
  EXPECT_EQ(json_cell(cell_kind("DOUBLE"), "1e-05"), "1e-05");
  EXPECT_EQ(json_cell(cell_kind("FLOAT"), "0.5"), "0.5");
  EXPECT_EQ(json_cell(cell_kind("BOOLEAN"), "true"), "true");
}

TEST(JsonCell, AllElseIsText) {
  EXPECT_EQ(json_cell(cell_kind("DECIMAL(20,0)"), "12345678901234567890"),
            "\"12345678901234567890\"");
  EXPECT_EQ(json_cell(cell_kind("HUGEINT"), "1"), "\"1\"");
  EXPECT_EQ(json_cell(cell_kind("VARCHAR"), "1"), "\"1\"");
  EXPECT_EQ(json_cell(cell_kind("INTEGER[]"), "[1, 2]"), "\"[1, 2]\"");
  EXPECT_EQ(json_cell(cell_kind("DOUBLE"), "nan"), "\"nan\"");
  EXPECT_EQ(json_cell(cell_kind("DOUBLE"), "-inf"), "\"-inf\"");
  EXPECT_EQ(json_cell(cell_kind("BIGINT"), std::nullopt), "null");
}

}  // namespace
}  // namespace weir::cli
