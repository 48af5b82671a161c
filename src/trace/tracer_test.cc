#include "trace/tracer.h"

#include <gtest/gtest.h>

#include <set>

namespace weir::trace {
namespace {

struct Kept final : SpanSink {
  void take(Span span) override { spans.push_back(std::move(span)); }
  std::vector<Span> spans;
};

TEST(TracerTest, AChildIsOfItsParentsTraceAndKeptWhenThatIs) {
  Kept kept;
  for (const bool sampled : {false, true}) {
    const Tracer tracer(sampled ? 0 : 1, kept);  // what the parent says counts
    TraceContext parent = tracer.begin({});
    parent.sampled = sampled;
    const TraceContext child = tracer.begin(parent);
    EXPECT_EQ(child.trace, parent.trace);
    EXPECT_NE(child.span, parent.span);
    EXPECT_EQ(child.sampled, sampled);
  }
}

TEST(TracerTest, OnlyWhatIsKeptIsPassedOn) {
  Kept kept;
  const Tracer tracer(1, kept);
  Span span;
  span.context = tracer.begin({});
  tracer.end(span);
  span.context.sampled = false;
  tracer.end(span);
  EXPECT_EQ(kept.spans.size(), 1u);
}

TEST(TracerTest, AShareIsKept) {
  Kept kept;
  constexpr int traces = 20'000;
  const auto share = [&](double sample) {
    const Tracer tracer(sample, kept);
    int sampled = 0;
    for (int i = 0; i < traces; ++i) sampled += tracer.begin({}).sampled ? 1 : 0;
    return sampled;
  };
  EXPECT_EQ(share(0), 0);
  EXPECT_EQ(share(1), traces);
  // Six standard deviations of the binomial distribution on either side.
  EXPECT_NEAR(share(0.1), traces * 0.1, 6 * 42.4);
}

TEST(TracerTest, NamesDiffer) {
  Kept kept;
  const Tracer tracer(1, kept);
  std::set<std::string> traces, spans;
  for (int i = 0; i < 10'000; ++i) {
    const TraceContext context = tracer.begin({});
    traces.insert(to_hex(context.trace));
    spans.insert(to_hex(context.span));
  }
  EXPECT_EQ(traces.size(), 10'000u);
  EXPECT_EQ(spans.size(), 10'000u);
}

TEST(TracerTest, ARunsSpanFollowsFromItsIdAndTry) {
  Kept kept;
  const Tracer tracer(1, kept);
  const RunId run("01JE3V8Z0G000000000000000A");
  EXPECT_EQ(tracer.of_run(run, 1), tracer.of_run(run, 1));
  EXPECT_EQ(tracer.of_run(run, 1).trace, tracer.of_run(run, 2).trace);
  EXPECT_NE(tracer.of_run(run, 1).span, tracer.of_run(run, 2).span);
  EXPECT_NE(tracer.of_run(run, 1).trace, tracer.of_run(RunId("other"), 1).trace);
}

}  // namespace
}  // namespace weir::trace
