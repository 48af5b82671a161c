#include "pipeline/mend_cell.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using Kind = SourceValue::Kind;

const DataType varchar = *parse_data_type("varchar");
const DataType bigint = *parse_data_type("bigint");
const DataType decimal = *parse_data_type("decimal(5,2)");
const DataType json = *parse_data_type("json");

TEST(MendCell, WhatASpreadsheetWouldTakeForAFormulaIsGuarded) {
  for (const char* text : {"=1+1", "=HYPERLINK(\"x\")", "+49 30 1234", "-a", "@SUM(A1)", "\tx",
                           "\r=1", "--1", "-", "+"}) {
    EXPECT_EQ(guarded(text, false), std::string("'") + text);
    EXPECT_EQ(guarded(text, true), std::string("'") + text);
  }
  for (const char* text :
       {"a=1", "x", "a-b", "10 %", "2021-01-31T00:00:00Z", "'quoted'", "'", "é"}) {
    EXPECT_EQ(guarded(text, false), text);
  }
}

TEST(MendCell, WhatASpreadsheetWouldBendIsGuarded) {
  struct Case {
    const char* text;
    bool as_text, as_number;
  };
  for (const auto& [text, as_text, as_number] : {Case{"7", false, false},
                                                 Case{"-7", false, false},
                                                 Case{"-1.5", false, false},
                                                 Case{"0.25", false, false},
                                                 Case{"007", true, false},
                                                 Case{"1.50", true, false},
                                                 Case{"123456789012345", false, false},
                                                 Case{"1234567890123456", true, true},
                                                 Case{"9117776942963408674", true, true},
                                                 Case{"+5", true, true},
                                                 Case{"1e3", true, true},
                                                 Case{"1E5", true, true},
                                                 Case{".5", true, true},
                                                 Case{"5.", true, true},
                                                 Case{"1-2", true, true},
                                                 Case{"1.2.3", true, true},
                                                 Case{"2021-01-31", true, true},
                                                 Case{"01/02/2021", true, true},
                                                 Case{"10:30", true, true},
                                                 Case{"2021-01-31 10:00:00", true, true},
                                                 Case{"555 0100", false, false}}) {
    EXPECT_EQ(guarded(text, false).starts_with('\''), as_text) << text;
    EXPECT_EQ(guarded(text, true).starts_with('\''), as_number) << text;
  }
}

TEST(MendCell, EveryTextComesBack) {
  const std::string alphabet = "='+-@\t\r07.ea ";
  for (const char a : alphabet) {
    for (const char b : alphabet) {
      for (const char c : alphabet) {
        const std::string text = {a, b, c};
        for (const size_t length : {1, 2, 3}) {
          const std::string cut = text.substr(0, length);
          EXPECT_EQ(unguarded(guarded(cut, false)), cut);
          EXPECT_EQ(unguarded(guarded(cut, true)), cut);
        }
      }
    }
  }
}

TEST(MendCell, AnUntouchedCellLeavesTheValueAsItWas) {
  for (const SourceValue& value :
       {SourceValue{}, SourceValue{Kind::null, {}}, SourceValue{Kind::text, ""},
        SourceValue{Kind::text, "=1+1"}, SourceValue{Kind::text, "'007"},
        SourceValue{Kind::text, "two\r\nlines"}, SourceValue{Kind::json, "1.50"},
        SourceValue{Kind::json, "no json"}}) {
    for (const DataType& type : {varchar, bigint, json}) {
      const auto cell = mend_cell(value, type);
      EXPECT_EQ(mended_value(cell, value, type), value) << cell.value_or("(none)");
      // What spreadsheets do to a cell without being asked.
      const std::string bare(unguarded(cell.value_or("")));
      EXPECT_EQ(mended_value(bare.empty() ? std::nullopt : std::optional(bare), value, type),
                value);
      std::string unix_lines = cell.value_or("");
      if (const size_t at = unix_lines.find("\r\n"); at != std::string::npos)
        unix_lines.erase(at, 1);
      EXPECT_EQ(mended_value(unix_lines, value, type), value);
    }
  }
}

TEST(MendCell, ATouchedCellIsTheValue) {
  const SourceValue before{Kind::text, "x"};
  EXPECT_EQ(mended_value("7", before, bigint), (SourceValue{Kind::text, "7"}));
  EXPECT_EQ(mended_value("'007", before, varchar), (SourceValue{Kind::text, "007"}));
  EXPECT_EQ(mended_value("'tis", before, varchar), (SourceValue{Kind::text, "'tis"}));
  EXPECT_EQ(mended_value("[1]", before, json), (SourceValue{Kind::json, "[1]"}));
  EXPECT_EQ(mended_value(std::nullopt, before, varchar), (SourceValue{Kind::null, {}}));
  EXPECT_EQ(mended_value("", before, varchar), (SourceValue{Kind::text, ""}));
  EXPECT_EQ(mended_value("a", SourceValue{}, varchar), (SourceValue{Kind::text, "a"}));
}

}  // namespace
}  // namespace weir::pipeline
