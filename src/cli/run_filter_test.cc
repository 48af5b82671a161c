#include "cli/run_filter.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

using text::Json;

constexpr Timestamp now{std::chrono::seconds(1'000'000)};

std::string moment(const std::string& text) {
  const auto found = parse_moment("--since", text, now);
  return found ? format_timestamp(*found) : found.error().message;
}

TEST(RunFilter, MomentsAreTimesOrAges) {
  EXPECT_EQ(moment("2026-11-20T06:30:00Z"), "2026-11-20T06:30:00.000000Z");
  EXPECT_EQ(moment("2026-11-20 06:30:00.5-03:00"), "2026-11-20T09:30:00.500000Z");
  EXPECT_EQ(moment("2026-11-20T06:30"), "2026-11-20T06:30:00.000000Z");
  EXPECT_EQ(moment("2026-11-20"), "2026-11-20T00:00:00.000000Z");
  EXPECT_EQ(moment("0s"), format_timestamp(now));
  EXPECT_EQ(moment("90m"), format_timestamp(now - std::chrono::minutes(90)));
  EXPECT_EQ(moment("24h"), format_timestamp(now - std::chrono::hours(24)));
  EXPECT_EQ(moment("7d"), format_timestamp(now - std::chrono::days(7)));
  EXPECT_EQ(moment("999999d"), format_timestamp(Timestamp{}));
  for (const std::string text : {"yesterday", "5", "5w", "-5m", "m", "1.5h", "99999999999999999d",
                                 "9223372036854775807d", "2026-02-30", ""}) {
    EXPECT_EQ(moment(text), "--since '" + text + "' is no moment");
  }
}

TEST(RunFilter, TakesEveryArgument) {
  const auto filter = run_filter(Json::object()
                                     .set("pipeline", "gone")
                                     .set("state", "parked")
                                     .set("object", "landing/2017/a b.json")
                                     .set("since", "1970-01-02")
                                     .set("until", "1d")
                                     .set("limit", 7),
                                 now);
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->pipeline, PipelineName("gone"));
  EXPECT_EQ(filter->state, RunState::parked);
  EXPECT_EQ(filter->object, (ObjectRef{BucketName("landing"), ObjectKey("2017/a b.json")}));
  EXPECT_EQ(filter->since, Timestamp(std::chrono::days(1)));
  EXPECT_EQ(filter->until, now - std::chrono::days(1));
  EXPECT_EQ(filter->limit, 7u);
}

TEST(RunFilter, UnsetArgumentsDoNotRestrict) {
  const auto filter = run_filter(Json::object().set("pipeline", "").set("since", ""), now);
  ASSERT_TRUE(filter);
  EXPECT_FALSE(filter->pipeline || filter->state || filter->object || filter->since ||
               filter->until);
  EXPECT_EQ(filter->limit, 50u);
}

TEST(RunFilter, RefusesWhatIsNoStateObjectOrMoment) {
  for (const auto& [argument, value] : {std::pair{"state", "done"},
                                        {"object", "landing"},
                                        {"object", "/x"},
                                        {"object", "landing/"},
                                        {"since", "soon"},
                                        {"until", "soon"}}) {
    const auto filter = run_filter(Json::object().set(argument, value), now);
    ASSERT_FALSE(filter) << argument;
    EXPECT_EQ(filter.error().code, ErrorCode::usage) << argument;
    EXPECT_FALSE(filter.error().fix.empty()) << argument;
  }
}

}  // namespace
}  // namespace weir::cli
