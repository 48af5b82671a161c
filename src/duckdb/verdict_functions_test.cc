// The functions by which a query tells weir what becomes of its rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duckdb/connection.h"
#include "duckdb/scan_for_test.h"

namespace weir::duckdb {
namespace {

using testing::ElementsAre;
using testing::Pair;

class VerdictTest : public testing::Test {
 protected:
  VerdictTest() { slot_.set_inputs({}, observer_, 1); }
  ~VerdictTest() override { slot_.clear_inputs(); }

  /// `sql` with "{slot}" for the slot's number.
  std::string answer(std::string sql) {
    const std::string number = std::to_string(slot_.id()) + "::BIGINT";
    for (size_t at = sql.find("{slot}"); at != std::string::npos; at = sql.find("{slot}")) {
      sql.replace(at, 6, number);
    }
    const auto rows = connection_->run(sql);
    return rows ? rows->text(0, 0) : rows.error().message;
  }

  std::unique_ptr<Database> database_ = open_in_memory();
  std::unique_ptr<Connection> connection_ = *database_->connect();
  ScanSlot slot_{*database_, Format::json, {}, {}};
  RecordingObserver observer_;
};

TEST_F(VerdictTest, ARowIsARecordOrOneOfThoseMadeOfIt) {
  EXPECT_EQ(answer("SELECT sum(weir_filtered({slot}, r)) FROM (VALUES (5::BIGINT), (6)) t(r)"),
            "4");
  EXPECT_EQ(answer("SELECT sum(weir_filtered({slot}, (5::HUGEINT << 64) | o)) FROM "
                   "(VALUES (0), (3), (4294967296)) t(o)"),
            "6");
  EXPECT_THAT(observer_.filtered_,
              ElementsAre(RowId(5), RowId(6), RowId(5, 0), RowId(5, 3), RowId(5, 4294967296)));
}

TEST_F(VerdictTest, RejectsCarryTheRowThatWasProduced) {
  EXPECT_EQ(answer("SELECT (weir_reject({slot}, 8::BIGINT, 2::INTEGER, 'x') & "
                   "weir_reject({slot}, 9::HUGEINT << 64 | 1, 3::INTEGER, NULL)) IS NULL"),
            "true");
  EXPECT_EQ(answer("SELECT weir_produced({slot}, 9::HUGEINT << 64 | 1, 4::INTEGER, '{\"a\":1}')"),
            "0");
  const auto rejects = observer_.rejects();
  ASSERT_EQ(rejects.size(), 2u);
  EXPECT_EQ(rejects[0].value, "x");
  EXPECT_EQ(rejects[1].row, 9);
  EXPECT_THAT(observer_.produced_, ElementsAre(Pair(RowId(9, 1), Pair(4, "{\"a\":1}"))));
}

TEST_F(VerdictTest, RowsThatAreMoreCountForTheirInput) {
  EXPECT_EQ(answer("SELECT sum(weir_expanded({slot}, (i::BIGINT << 48)::HUGEINT << 64 | o, o > 1)) "
                   "FROM range(3) t(i), range(1, 1001) u(o) WHERE i <> 1 OR o = 1"),
            "2001");
  EXPECT_EQ(answer("SELECT sum(weir_seen({slot}, 1::HUGEINT, o > 1)) FROM range(1, 11) u(o)"),
            "10");
  EXPECT_EQ(observer_.records(), 1u);
  EXPECT_THAT(observer_.expanded_, ElementsAre(Pair(0, 999), Pair(2, 999)));
}

TEST_F(VerdictTest, AnIdentityIsReadBackFromItsText) {
  for (const RowId row : {RowId(0), RowId(0, 1), RowId(make_row(255, (uint64_t{1} << 48) - 1), 7),
                          RowId(make_row(3, 9), ~uint64_t{0})}) {
    const std::string text =
        answer("SELECT ((" + std::to_string(row.record) + "::HUGEINT << 64) | " +
               std::to_string(row.ordinal) + "::HUGEINT)::VARCHAR");
    EXPECT_EQ(parse_row_id(text, true), row) << text;
  }
  EXPECT_EQ(parse_row_id("281474976710657", false), RowId(make_row(1, 1)));
}

}  // namespace
}  // namespace weir::duckdb
