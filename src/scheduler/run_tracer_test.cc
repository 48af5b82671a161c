#include "scheduler/run_tracer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::scheduler {
namespace {

using std::chrono::seconds;

class SetClock final : public Clock {
 public:
  Timestamp now() const override { return time; }
  Timestamp time{seconds(1'800'000'000)};
};

struct Kept final : trace::SpanSink {
  void take(trace::Span span) override { spans.push_back(std::move(span)); }
  std::vector<trace::Span> spans;
};

class RunTracerTest : public ::testing::Test {
 protected:
  weir::Run run(int tries) const {
    weir::Run made;
    made.id = RunId("r");
    made.pipeline = PipelineName("load");
    made.trigger = "watch";
    made.tries = tries;
    return made;
  }

  SetClock clock;
  Kept kept;
  trace::Tracer tracer{1, kept};
  RunTracer runs{tracer, clock};
};

TEST_F(RunTracerTest, ARunIsASpan) {
  const Timestamp begun = clock.time;
  runs.started(run(1));
  clock.time += seconds(5);
  Receipt receipt;
  receipt.rows.read = 3;
  runs.finished(run(1), receipt, RunState::succeeded);
  ASSERT_EQ(kept.spans.size(), 1u);
  const trace::Span& span = kept.spans.front();
  EXPECT_EQ(span.name, "run load");
  EXPECT_EQ(span.context, tracer.of_run(RunId("r"), 1));
  EXPECT_FALSE(span.parent);
  EXPECT_EQ(span.begun, begun);
  EXPECT_EQ(span.ended, clock.time);
  const trace::Attribute read{"weir.rows.read", int64_t{3}};
  EXPECT_THAT(span.attributes, testing::Contains(read));
}

TEST_F(RunTracerTest, EachTryIsASpanOfTheSameTrace) {
  runs.started(run(1));
  runs.retried(run(1), Error{ErrorCode::unavailable, "the database is away"}, {});
  runs.started(run(2));
  runs.finished(run(2), {}, RunState::succeeded);
  ASSERT_EQ(kept.spans.size(), 2u);
  EXPECT_EQ(kept.spans[0].error, "the database is away");
  EXPECT_FALSE(kept.spans[1].error);
  EXPECT_EQ(kept.spans[0].context.trace, kept.spans[1].context.trace);
  EXPECT_NE(kept.spans[0].context.span, kept.spans[1].context.span);
}

TEST_F(RunTracerTest, WhatIsNotKeptLeavesNothing) {
  const trace::Tracer none(0, kept);
  RunTracer silent(none, clock);
  silent.started(run(1));
  silent.finished(run(1), {}, RunState::succeeded);
  EXPECT_TRUE(kept.spans.empty());
}

}  // namespace
}  // namespace weir::scheduler
