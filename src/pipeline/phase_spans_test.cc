#include "pipeline/phase_spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

class SetClock final : public Clock {
 public:
  Timestamp now() const override { return time; }
  mutable Timestamp time{seconds(1'800'000'000)};
};

struct Kept final : trace::SpanSink {
  void take(trace::Span span) override { spans.push_back(std::move(span)); }
  std::vector<trace::Span> spans;
};

class PhaseSpansTest : public ::testing::Test {
 protected:
  PhaseSpansTest() {
    Pipeline load;
    load.name = PipelineName("load");
    load.steps = {ReadStep{}, WhereStep{}, LoadStep{}, NotifyStep{}};
    project.pipelines = {load};
  }
  static weir::Run run(const char* id) {
    weir::Run made;
    made.id = RunId(id);
    made.pipeline = PipelineName("load");
    made.tries = 1;
    return made;
  }

  Project project;
  SetClock clock;
  Kept kept;
};

TEST_F(PhaseSpansTest, ThoseOfARunAreBelowItOneBehindTheOther) {
  const trace::Tracer tracer(1, kept);
  PhaseSpans spans(project, &tracer, clock);
  for (const char* phase : {"read", "write"}) {
    spans.times()->begin(phase);
    clock.time += seconds(2);
  }
  spans.end(run("a"));
  spans.end(run("b"));
  ASSERT_EQ(kept.spans.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    const trace::Span& span = kept.spans[i];
    const auto of = tracer.of_run(RunId(i < 2 ? "a" : "b"), 1);
    EXPECT_EQ(span.name, i % 2 == 0 ? "read" : "write");
    EXPECT_EQ(span.context.trace, of.trace);
    EXPECT_EQ(span.parent, of.span);
    EXPECT_EQ(span.ended - span.begun, seconds(2));
    const auto steps = std::get<std::vector<std::string>>(span.attributes.at(0).second);
    if (i % 2 == 0) {
      EXPECT_THAT(steps, ElementsAre("read", "where"));
    } else {
      EXPECT_THAT(steps, ElementsAre("load"));
    }
  }
  EXPECT_EQ(kept.spans[0].ended, kept.spans[1].begun);
}

TEST_F(PhaseSpansTest, NobodyIsToldOfWhatIsNotKept) {
  PhaseSpans off(project, nullptr, clock);
  EXPECT_EQ(off.times(), nullptr);
  off.end(run("a"));
  const trace::Tracer none(0, kept);
  PhaseSpans spans(project, &none, clock);
  spans.times()->begin("read");
  spans.end(run("a"));
  EXPECT_TRUE(kept.spans.empty());
}

}  // namespace
}  // namespace weir::pipeline
