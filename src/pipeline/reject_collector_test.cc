#include "pipeline/reject_collector.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

namespace weir::pipeline {
namespace {

class RejectCollectorTest : public testing::Test {
 protected:
  RejectCollector collector(RejectCollector::Limits limits) {
    return RejectCollector(2, limits, std::filesystem::temp_directory_path(), cancel_,
                           [this](uint64_t records) { read_ += records; });
  }
  static std::vector<RejectEntry> entries(RejectCollector& collector) {
    std::vector<RejectEntry> all;
    EXPECT_TRUE(collector.for_each([&](const RejectEntry& entry) -> Result<void> {
      all.push_back(entry);
      return {};
    }));
    return all;
  }
  std::atomic<bool> cancel_{false};
  std::atomic<uint64_t> read_{0};
};

TEST_F(RejectCollectorTest, GivesEntriesInRowOrderAlsoWhenSpilled) {
  for (const size_t in_memory : {size_t{3}, size_t{7}, size_t{100'000}}) {
    RejectCollector rejects(2, {std::nullopt, in_memory, 32u << 20},
                            std::filesystem::temp_directory_path(), cancel_, [](uint64_t) {});
    for (int i = 0; i < 1000; ++i) {
      const int scrambled = (i * 617) % 1000;
      rejects.reject(duckdb::make_row(static_cast<uint16_t>(scrambled % 2), scrambled / 2), 5,
                     "value " + std::to_string(scrambled));
    }
    for (int again = 0; again < 2; ++again) {
      const auto all = entries(rejects);
      ASSERT_EQ(all.size(), 1000u);
      for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(duckdb::input_of(all[i].row.record), i / 500);
        EXPECT_EQ(duckdb::row_key_of(all[i].row.record), i % 500);
        EXPECT_EQ(all[i].value, "value " + std::to_string(i % 500 * 2 + i / 500));
      }
    }
  }
}

TEST_F(RejectCollectorTest, CountsRowsNotProblemsAgainstTheLimit) {
  RejectCollector rejects(1, {2, 100, 32u << 20}, std::filesystem::temp_directory_path(), cancel_,
                          [](uint64_t) {});
  for (int rule = 0; rule < 5; ++rule) {
    rejects.reject(1, rule, "");
    rejects.reject(2, rule, "");
  }
  EXPECT_FALSE(rejects.should_stop());
  rejects.reject(3, 0, "");
  EXPECT_TRUE(rejects.over_limit());
  EXPECT_TRUE(rejects.should_stop());
}

TEST_F(RejectCollectorTest, KeepsTheRowsOfOneRecordApart) {
  for (const size_t bytes_in_memory : {size_t{1}, size_t{1} << 20}) {
    RejectCollector rejects(1, {std::nullopt, 100, bytes_in_memory},
                            std::filesystem::temp_directory_path(), cancel_, [](uint64_t) {});
    rejects.reject({7, 2}, 9, "of the second");
    rejects.reject({7, 1}, 9, "of the first");
    rejects.produced({7, 2}, 3, "{\"n\":" + std::string(5000, '1') + "}");
    rejects.reject({6, uint64_t{1} << 40}, 8, "far out");
    rejects.expanded(0, 5);
    const auto all = entries(rejects);
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all[0].row, duckdb::RowId(6, uint64_t{1} << 40));
    EXPECT_EQ(all[1].value, "of the first");
    EXPECT_EQ(all[2].rule, RejectEntry::produced_row);
    EXPECT_EQ(all[2].entry_step, 3);
    EXPECT_EQ(all[2].value.size(), 4096u);
    EXPECT_EQ(all[3].value, "of the second");
    EXPECT_EQ(rejects.rows_expanded(0), 5u);
  }
}

TEST_F(RejectCollectorTest, CutsLongValuesAtACharacter) {
  auto rejects = collector({});
  std::string value(199, 'x');
  value += "é and more";
  rejects.reject(1, 0, value);
  EXPECT_EQ(entries(rejects).at(0).value, std::string(199, 'x'));
}

TEST_F(RejectCollectorTest, KeepsNothingOnceASpillFailed) {
  RejectCollector rejects(1, {std::nullopt, 10, 1u << 20}, "/dev/null/no-folder", cancel_,
                          [](uint64_t) {});
  for (int row = 0; row < 100'000; ++row) rejects.reject(row, 0, "x");  // sorts ten entries, once
  EXPECT_TRUE(rejects.should_stop());
  ASSERT_TRUE(rejects.input_error());
  EXPECT_EQ(rejects.input_error()->code, ErrorCode::io);
  EXPECT_NE(rejects.input_error()->message.find("Not a directory"), std::string::npos);
  EXPECT_FALSE(rejects.for_each([](const RejectEntry&) -> Result<void> { return {}; }));
}

TEST_F(RejectCollectorTest, CountsFromSeveralThreads) {
  auto rejects = collector({});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10'000; ++i) {
        rejects.read(static_cast<uint16_t>(i % 2), 1);
        rejects.filtered(duckdb::make_row(1, static_cast<uint64_t>(i)));
        if (i % 100 == 0) rejects.reject(duckdb::make_row(0, static_cast<uint64_t>(i)), t, "");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(rejects.rows_read(0), 20'000u);
  EXPECT_EQ(rejects.rows_filtered(1), 40'000u);
  EXPECT_EQ(read_, 40'000u);
  EXPECT_EQ(entries(rejects).size(), 400u);
}

}  // namespace
}  // namespace weir::pipeline
