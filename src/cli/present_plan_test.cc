#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/presenter.h"
#include "cli/string_output_for_test.h"
#include "text/receipt_json.h"

namespace weir::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using text::Json;

Json planned(RunState status, uint64_t rejected) {
  Receipt receipt;
  receipt.pipeline = PipelineName("load");
  receipt.object = ObjectRef{BucketName("in"), ObjectKey("a\x1b.csv")};
  receipt.status = status;
  receipt.rows.read = 3;
  receipt.rows.inserted = 3 - rejected;
  receipt.rows.rejected = rejected;
  Json input = text::to_json(receipt);
  Json broken = Json::array();
  if (rejected > 0) {
    Json example = Json::object().set("line", 7).set("value", "x").set("raw", "x,1");
    broken.push(Json::object()
                    .set("field", "id")
                    .set("rule", "integer")
                    .set("rows", 2)
                    .set("example", std::move(example)));
  }
  input.set("broken", std::move(broken));
  return Json::object().set("frame", "planned").set("input", std::move(input));
}

Json plan_frame() {
  Json plan = Json::object();
  plan.set("pipeline", "load").set("table", "t");
  plan.set("ddl", Json::array().push("CREATE TABLE t (a INTEGER)")).set("error", nullptr);
  plan.set("written", true).set("kept", false);
  plan.set("duration_ms", 12.0).set("peak_memory_bytes", 64 << 20);
  return Json::object().set("frame", "plan").set("plan", std::move(plan));
}

struct Shown {
  std::string text;
  ExitCode code;
};

Shown show(OutputFormat format, const std::vector<Json>& frames, const Result<void>& result = {}) {
  StringOutput output(format == OutputFormat::table ? 200 : 0), errors;
  const auto presenter = make_plan_presenter(format, output, errors);
  for (const Json& frame : frames) presenter->send(frame);
  const ExitCode code = presenter->finish(result);
  return {output.text, code};
}

TEST(PlanPresenter, TableSaysRulesDdlAndThatNothingWasKept) {
  const Shown shown = show(OutputFormat::table, {planned(RunState::partial, 2), plan_frame()});
  EXPECT_EQ(shown.code, ExitCode::rejected);
  EXPECT_THAT(shown.text, HasSubstr("in/a\\x1b.csv     2  id     integer  line 7        x"));
  EXPECT_THAT(shown.text, HasSubstr("  CREATE TABLE t (a INTEGER)\n"));
  EXPECT_THAT(shown.text, HasSubstr("rolled back: nothing was kept; 12 ms, at most 64 MiB"));
  EXPECT_THAT(shown.text, Not(HasSubstr("\x1b")));
}

TEST(PlanPresenter, JsonIsOneObject) {
  const Shown shown = show(OutputFormat::json, {planned(RunState::succeeded, 0), plan_frame()});
  EXPECT_EQ(shown.code, ExitCode::done);
  const auto json = Json::parse(shown.text);
  ASSERT_TRUE(json) << shown.text;
  EXPECT_EQ((*json)["inputs"].as_array().size(), 1u);
  EXPECT_EQ((*json)["pipeline"].as_string(), "load");
  EXPECT_FALSE((*json)["kept"].as_bool(true));
  EXPECT_TRUE(Json::parse(show(OutputFormat::json, {plan_frame()}).text));
}

TEST(PlanPresenter, AnErrorLeavesValidJsonAndItsExitCode) {
  const Shown shown = show(OutputFormat::json, {planned(RunState::succeeded, 0)},
                           fail(ErrorCode::unavailable, "gone"));
  EXPECT_EQ(shown.code, ExitCode::failed);
  EXPECT_TRUE(Json::parse(shown.text)) << shown.text;
}

TEST(PlanPresenter, CsvHasOneRowPerInput) {
  const Shown shown = show(OutputFormat::csv, {planned(RunState::failed, 1), plan_frame()});
  EXPECT_EQ(shown.code, ExitCode::failed);
  EXPECT_THAT(shown.text, HasSubstr("\nin/a\x1b.csv,,failed,3,0,0,2,0,0,2,0,0,1,0,"));
}

TEST(PlanPresenter, APlanIsAskedForAgainUntilItHasBegun) {
  StringOutput output, errors;
  const auto presenter = make_plan_presenter(OutputFormat::json, output, errors);
  EXPECT_TRUE(presenter->resume({}));
  presenter->send(planned(RunState::succeeded, 0));
  EXPECT_FALSE(presenter->resume({}));
}

}  // namespace
}  // namespace weir::cli
