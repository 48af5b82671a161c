#include "cli/table_writer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cli/display_text.h"
#include "cli/string_output_for_test.h"

namespace weir::cli {
namespace {

TEST(TableWriter, AlignsByColumnsOfTheTerminal) {
  StringOutput output;
  TableWriter table(output, {{"city"}, {"hits", Align::right}, {"note"}}, "NULL");
  table.add({"東京", "7", "x"});
  table.add({"São Paulo", "1234", std::nullopt});
  table.add({"", "", "two\nlines"});
  table.finish();
  EXPECT_EQ(output.text,
            "city       hits  note\n"
            "---------  ----  ----------\n"
            "東京          7  x\n"
            "São Paulo  1234  NULL\n"
            "                 two\\nlines\n");
}

TEST(TableWriter, HasAHeadWithoutRows) {
  StringOutput output;
  TableWriter(output, {{"a"}, {"bc"}}, "").finish();
  EXPECT_EQ(output.text, "a  bc\n-  --\n");
}

TEST(TableWriter, FitsTheTerminalAndTheWidestGivesWay) {
  StringOutput output(20);
  TableWriter table(output, {{"id"}, {"text"}}, "");
  table.add({"1", "a text that is much too long"});
  table.finish();
  EXPECT_EQ(output.text,
            "id  text\n"
            "--  ----------------\n"
            "1   a text that is …\n");
}

TEST(TableWriter, SomeColumnsAreNeverCut) {
  StringOutput output(24);
  TableWriter table(output, {{"id", Align::left, Fit::whole}, {"text"}}, "");
  table.add({"01k2v7yq3c8r0d5m9x", "a long text"});
  table.finish();
  EXPECT_TRUE(output.text.ends_with("01k2v7yq3c8r0d5m9x  a lon…\n")) << output.text;
}

TEST(TableWriter, DoesNotCutWhatGoesIntoAFile) {
  StringOutput output;
  TableWriter table(output, {{"text"}}, "");
  const std::string wide(5000, 'x');
  table.add({wide});
  table.finish();
  EXPECT_NE(output.text.find(wide), std::string::npos);
}

TEST(TableWriter, StreamsBeyondTheRowsItLookedAt) {
  StringOutput output(30);
  TableWriter table(output, {{"n", Align::right}}, "");
  for (size_t i = 0; i < TableWriter::looked_at - 1; ++i) table.add({"1"});
  EXPECT_EQ(output.text, "") << "still looking";
  table.add({"1"});
  EXPECT_NE(output.text, "");
  table.add({"12345"});
  table.finish();
  EXPECT_TRUE(output.text.ends_with("\n1\n…\n")) << "a later, wider cell is cut on a terminal";
  EXPECT_EQ(std::count(output.text.begin(), output.text.end(), '\n'),
            static_cast<long>(TableWriter::looked_at) + 3);
}

TEST(TableWriter, SaysWhenNobodyReads) {
  StringOutput output;
  output.open = false;
  TableWriter table(output, {{"n"}}, "");
  EXPECT_TRUE(table.add({"1"})) << "nothing is written yet";
  EXPECT_FALSE(table.finish());
}

}  // namespace
}  // namespace weir::cli
