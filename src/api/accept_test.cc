#include "api/accept.h"

#include <gtest/gtest.h>

namespace weir::api {
namespace {

constexpr std::string_view types[] = {"application/json", "text/csv", "application/x-ndjson"};

int best(std::string_view header) {
  const auto found = best_accepted(header, types);
  return found ? static_cast<int>(*found) : -1;
}

TEST(Accept, ChoosesWhatTheClientLikesBest) {
  EXPECT_EQ(best(""), 0);
  EXPECT_EQ(best("*/*"), 0);
  EXPECT_EQ(best("text/csv"), 1);
  EXPECT_EQ(best("TEXT/CSV; charset=utf-8"), 1);
  EXPECT_EQ(best("text/*"), 1);
  EXPECT_EQ(best("application/json;q=0.5, text/csv;q=0.8"), 1);
  EXPECT_EQ(best("application/json, text/csv"), 0);
  EXPECT_EQ(best("text/csv, application/json"), 0) << "among equals ours decides";
  EXPECT_EQ(best("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), 0);
  EXPECT_EQ(best("*/*;q=0.1, application/x-ndjson"), 2);
  EXPECT_EQ(best("*/*, application/json;q=0"), 1) << "the closer range counts";
  EXPECT_EQ(best("application/*;q=0.2, application/x-ndjson;q=0.1, text/csv;q=0.15"), 0);
  EXPECT_EQ(best("text/csv;header=\"a,b;q=0\""), 1) << "a comma in quotes ends nothing";
}

TEST(Accept, GivesNothingThatIsNotAsked) {
  EXPECT_EQ(best("image/png"), -1);
  EXPECT_EQ(best("text/csv;q=0"), -1);
  EXPECT_EQ(best("text/csv;q=2"), -1);
  EXPECT_EQ(best("text/csv;q=x"), -1);
  EXPECT_EQ(best("text/cs, csv, text, /, ;"), -1);
}

}  // namespace
}  // namespace weir::api
