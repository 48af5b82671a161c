#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

const std::string head =
    "project: p\n"
    "databases: {w: duckdb://w.duckdb}\n"
    "tables: {t: {in: w, columns: {id: bigint, city: varchar}}}\n"
    "pipelines:\n"
    "  a:\n"
    "    steps:\n";

ReadStep read_of(const std::string& read) {
  const LoadedProject loaded = load_text(head + read + "      - load: {table: t}\n");
  EXPECT_THAT(lines_of(loaded), testing::IsEmpty()) << read;
  if (loaded.project.pipelines.empty()) return {};
  return std::get<ReadStep>(loaded.project.pipelines[0].steps.at(0));
}

TEST(ReadColumns, WhatIsMissingIsUsuallyNull) {
  const ReadStep read = read_of("      - read: {format: json, columns: {id: bigint}}\n");
  EXPECT_EQ(read.missing, MissingValues{});
  EXPECT_EQ(read.columns.at(0).missing, MissingValues{});
}

TEST(ReadColumns, TheStepSpeaksForItsColumns) {
  const ReadStep read = read_of(
      "      - read:\n"
      "          format: csv\n"
      "          absent: null\n"
      "          null_means: default\n"
      "          empty: reject\n"
      "          columns: {id: bigint, city: {type: varchar(9), empty: \"null\"}}\n");
  const MissingValues step = {AbsentMeans::null, NullMeans::use_default, EmptyMeans::reject, true};
  EXPECT_EQ(read.missing, step);
  EXPECT_EQ(read.columns.at(0).missing, step);
  EXPECT_EQ(read.columns.at(1).type.length, 9);
  EXPECT_EQ(read.columns.at(1).missing,
            (MissingValues{AbsentMeans::null, NullMeans::use_default, EmptyMeans::null, true}));
}

TEST(ReadColumns, AColumnSpeaksForItself) {
  const ReadStep read = read_of(
      "      - read:\n"
      "          format: csv\n"
      "          absent: default\n"
      "          columns:\n"
      "            id: {type: bigint, absent: reject, null_means: reject}\n"
      "            city: {type: varchar, absent: null, empty: default}\n");
  EXPECT_EQ(read.columns.at(0).missing,
            (MissingValues{AbsentMeans::reject, NullMeans::reject, EmptyMeans::text, false}));
  EXPECT_EQ(read.columns.at(1).missing,
            (MissingValues{AbsentMeans::null, NullMeans::null, EmptyMeans::use_default, true}));
}

TEST(ReadColumns, OnlyWhoSaysSoMayBeMissingInAHeader) {
  const ReadStep read = read_of(
      "      - read: {format: csv, columns: {id: {type: bigint, absent: default}, city: "
      "varchar}}\n");
  EXPECT_TRUE(read.columns.at(0).missing.may_lack);
  EXPECT_FALSE(read.columns.at(1).missing.may_lack);
}

TEST(ReadColumns, Mistakes) {
  const std::string load = "      - load: {table: t}\n";
  expect_diagnostics(
      {{"      - read: {format: csv, empty: nil}\n" + load,
        {"7:36: error: 'empty' of pipeline 'a' must be text, null, default or reject, "
         "not 'nil'"}},
       {"      - read: {format: csv, columns: {id: {empty: text}, city: varchar}}\n" + load,
        {"7:39: error: 'type' is missing in source column 'id' of pipeline 'a'; add e.g. type: "
         "varchar"}},
       {"      - read: {format: csv, absent: }\n" + load,
        {"7:29: error: 'absent' of pipeline 'a' must be default, null or reject, not empty; give a "
         "value, or remove the key"}}},
      head);
}

}  // namespace
}  // namespace weir::config
