// Random rows against servers that refuse some of them, or rows that do not go together, or name a
// wrong one: what is taken is what a server takes that is offered one row after the other.
// Reproduce a run with WEIR_SEED.
#include "pipeline/refusal_search.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <set>
#include <vector>

#include "base/dice_for_test.h"

namespace weir::pipeline {
namespace {

/// Rows are numbers: no two of one number go together, and negative ones never go.
class NumbersServer {
 public:
  explicit NumbersServer(std::vector<int> rows) : rows_(std::move(rows)) {}

  enum class Names { nothing, the_row, any_row };
  Names names = Names::nothing;
  uint64_t offers = 0;
  uint64_t offered_rows = 0;

  OfferAnswer offer(uint64_t begin, uint64_t end) {
    ++offers;
    offered_rows += end - begin;
    for (uint64_t row = begin; row < end; ++row) {
      if (rows_[row] >= 0 && taken_.insert(rows_[row]).second) continue;
      for (uint64_t before = begin; before < row; ++before) taken_.erase(rows_[before]);
      if (names == Names::nothing) return {};
      const uint64_t other = random_() % (rows_.size() + 3);
      return {false, names == Names::the_row ? row : other};
    }
    return {true};
  }

  std::vector<uint64_t> refused_one_by_one() const {
    std::vector<uint64_t> refused;
    std::set<int> taken;
    for (uint64_t row = 0; row < rows_.size(); ++row) {
      if (rows_[row] < 0 || !taken.insert(rows_[row]).second) refused.push_back(row);
    }
    return refused;
  }

 private:
  std::vector<int> rows_;
  std::set<int> taken_;
  std::mt19937 random_{1};
};

struct Found {
  std::vector<uint64_t> refused;
  uint64_t taken = 0;
};

Found search(NumbersServer& server, uint64_t rows, uint64_t first) {
  Found found;
  found.taken = find_refused_rows(
                    rows, first,
                    [&](uint64_t begin, uint64_t end) -> Result<OfferAnswer> {
                      EXPECT_LT(begin, end);
                      EXPECT_LE(end, rows);
                      return server.offer(begin, end);
                    },
                    [&](uint64_t row) -> Result<bool> {
                      found.refused.push_back(row);
                      return true;
                    })
                    .value();
  return found;
}

TEST(RefusalSearch, RefusesWhatAServerRefusesRowByRow) {
  const uint64_t base = Dice().seed();
  for (uint64_t round = 0; round < 300; ++round) {
    SCOPED_TRACE("WEIR_SEED=" + std::to_string(base) + " round " + std::to_string(round));
    std::mt19937_64 random(base + round);
    const uint64_t count = random() % 200;
    const uint64_t bad_of_hundred = random() % 101;
    const int numbers = static_cast<int>(1 + random() % 1000);
    std::vector<int> rows;
    for (uint64_t i = 0; i < count; ++i) {
      const bool bad = random() % 100 < bad_of_hundred;
      rows.push_back(bad ? -1 : static_cast<int>(random() % static_cast<uint64_t>(numbers)));
    }
    NumbersServer server(rows);
    server.names = static_cast<NumbersServer::Names>(random() % 3);
    const Found found = search(server, count, 1 + random() % (count + 1));
    EXPECT_EQ(found.refused, server.refused_one_by_one());
    EXPECT_EQ(found.taken, count - found.refused.size());
  }
}

TEST(RefusalSearch, ARefusedRowCostsALogarithmOfOffers) {
  constexpr uint64_t rows = 100'000;
  for (const uint64_t bad : {1U, 10U, 1000U, 100'000U}) {
    std::vector<int> numbers(rows);
    for (uint64_t i = 0; i < rows; ++i) numbers[i] = static_cast<int>(i);
    for (uint64_t i = 0; i < bad; ++i) numbers[i * (rows / bad) + rows / bad / 2] = -1;
    NumbersServer server(numbers);
    const Found found = search(server, rows, rows);
    EXPECT_EQ(found.refused.size(), bad);
    const auto logarithm = static_cast<uint64_t>(std::bit_width(rows / bad));
    EXPECT_LE(server.offers, bad * (2 * logarithm + 2) + 2) << bad << " refused";
    EXPECT_LE(server.offered_rows, 8 * rows) << bad << " refused";
  }
}

TEST(RefusalSearch, ARowThatIsNamedIsTriedFirst) {
  std::vector<int> numbers(1000);
  for (int i = 0; i < 1000; ++i) numbers[static_cast<size_t>(i)] = i;
  numbers[700] = -1;
  NumbersServer server(numbers);
  server.names = NumbersServer::Names::the_row;
  EXPECT_EQ(search(server, 1000, 1000).refused, std::vector<uint64_t>{700});
  // All, those before the row, the row, those behind it.
  EXPECT_EQ(server.offers, 4U);
}

TEST(RefusalSearch, EndsWhenItIsTold) {
  NumbersServer server(std::vector<int>(1000, -1));
  std::vector<uint64_t> refused;
  const auto taken = find_refused_rows(
      1000, 1000,
      [&](uint64_t begin, uint64_t end) -> Result<OfferAnswer> { return server.offer(begin, end); },
      [&](uint64_t row) -> Result<bool> {
        refused.push_back(row);
        return refused.size() < 3;
      });
  EXPECT_EQ(taken.value(), 0U);
  EXPECT_EQ(refused, (std::vector<uint64_t>{0, 1, 2}));
  EXPECT_LE(server.offers, 20U);
}

TEST(RefusalSearch, AServerThatIsGoneEndsIt) {
  const auto taken = find_refused_rows(
      10, 10,
      [](uint64_t, uint64_t) -> Result<OfferAnswer> {
        return fail(ErrorCode::unavailable, "it went away");
      },
      [](uint64_t) -> Result<bool> { return true; });
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace weir::pipeline
