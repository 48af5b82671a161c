#include "cli/top_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/display_text.h"

namespace weir::cli {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using text::Json;

Json frame(int pipelines) {
  Json made = Json::object();
  made.set("project", "shop").set("environment", "prod").set("pid", 42);
  made.set("time", "2026-11-20T12:34:56.000000Z").set("queued", 7).set("held", 2);
  made.set("running", 1).set("parked", 3).set("notices_waiting", 4);
  made.set("memory_bytes", 250'000'000).set("memory_limit_bytes", 1'000'000'000);
  made.set("breakers", Json::array().push(
                           Json::object().set("database", "w").set("why", "held by pid 7\x1b[2J")));
  made.set("runs", Json::array().push(Json::object()
                                          .set("run", "01k2v7yq3c8r0d5m9xw4hbtzne")
                                          .set("pipeline", "load")
                                          .set("object", "landing/a.json")
                                          .set("started", "2026-11-20T12:34:50.000000Z")
                                          .set("try", 2)
                                          .set("bytes_read", 12'000'000)
                                          .set("bytes_total", 40'000'000)
                                          .set("rows_read", 7777)));
  made.set("next",
           Json::array().push(
               Json::object().set("pipeline", "daily").set("time", "2026-11-21T00:05:00.000000Z")));
  Json list = Json::array();
  for (int i = 0; i < pipelines; ++i) {
    list.push(Json::object()
                  .set("pipeline", "p" + std::to_string(i))
                  .set("queued", i)
                  .set("rows_last_minute", 600));
  }
  return made.set("pipelines", std::move(list));
}

TEST(TopText, SaysWhatIsGoingOn) {
  const auto lines = top_lines(frame(2), 0, 0);
  EXPECT_THAT(lines[0], HasSubstr("weir shop (prod)  pid 42  12:34:56  memory 250 MB of 1000 MB"));
  EXPECT_EQ(lines[1], "runs: 7 queued (2 held back)  1 running  3 parked   notices: 4 waiting");
  EXPECT_EQ(lines[2], "database w does not answer: held by pid 7\\x1b[2J");
  EXPECT_THAT(lines, Contains("next: 2026-11-21T00:05:00Z  daily"));
  EXPECT_THAT(lines, Contains(HasSubstr("01k2v7yq3c8r0d5m9xw4hbtzne  load")));
  EXPECT_THAT(lines, Contains(testing::ContainsRegex(" 12:34:50 +2 +12 of 40 MB +7777 *$")));
  EXPECT_THAT(lines, Contains(testing::ContainsRegex("^p1 +1 .* 10 *$")));
}

TEST(TopText, FitsTheTerminal) {
  for (const auto& [width, height] : {std::pair(40, 10), std::pair(80, 5), std::pair(200, 24)}) {
    const auto lines =
        top_lines(frame(100), static_cast<size_t>(width), static_cast<size_t>(height));
    EXPECT_EQ(lines.size(), static_cast<size_t>(height));
    EXPECT_THAT(lines.back(), HasSubstr("more lines"));
  }
  for (const std::string& line : top_lines(frame(3), 60, 0)) {
    EXPECT_LE(display_width(line), 60u) << line;
  }
}

}  // namespace
}  // namespace weir::cli
