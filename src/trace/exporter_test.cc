#include "trace/exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/json.h"

namespace weir::trace {
namespace {

using std::chrono::milliseconds;
using text::Json;

constexpr milliseconds patience{30'000};

Span span_called(std::string name) {
  Span span;
  span.context.trace = {1};
  span.context.span = {2};
  span.context.sampled = true;
  span.name = std::move(name);
  return span;
}

std::vector<std::string> names_in(const std::string& body) {
  std::vector<std::string> names;
  const auto json = Json::parse(body);
  EXPECT_TRUE(json) << body;
  const Json& scope = (*json)["resourceSpans"].as_array().at(0)["scopeSpans"].as_array().at(0);
  for (const Json& span : scope["spans"].as_array()) names.push_back(span["name"].as_string());
  return names;
}

/// A collector that answers as it is told, and can be held.
class Collector {
 public:
  SendSpans sender() {
    return [this](const std::string& body, const std::atomic<bool>& cancel) {
      std::unique_lock lock(mutex_);
      ++asked_;
      changed_.notify_all();
      while (held_ && !cancel) changed_.wait_for(lock, milliseconds(5));
      if (cancel) return Delivery::later;
      Delivery answer = Delivery::taken;
      if (!answers_.empty()) {
        answer = answers_.front();
        answers_.pop_front();
      }
      if (answer == Delivery::taken) bodies_.push_back(body);
      changed_.notify_all();
      return answer;
    };
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  void answer(std::deque<Delivery> answers) {
    const std::lock_guard lock(mutex_);
    answers_ = std::move(answers);
  }
  bool wait_asked(int times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return asked_ >= times; });
  }
  std::vector<std::string> bodies() {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  int asked_ = 0;
  std::deque<Delivery> answers_;
  std::vector<std::string> bodies_;
};

ExporterOptions quick() {
  ExporterOptions options;
  options.interval = milliseconds(5);
  options.first_pause = options.longest_pause = milliseconds(1);
  return options;
}

TEST(ExporterTest, SendsManyAtATimeAndInOrder) {
  Collector collector;
  ExporterOptions options = quick();
  options.interval = milliseconds(60'000);
  options.most_at_once = 3;
  Exporter exporter({}, collector.sender(), options);
  for (const char* name : {"a", "b", "c", "d"}) exporter.take(span_called(name));
  ASSERT_TRUE(collector.wait_asked(1)) << "three are enough, whatever the interval";
  exporter.stop(patience);
  std::vector<std::string> names;
  for (const std::string& body : collector.bodies()) {
    for (std::string& name : names_in(body)) names.push_back(std::move(name));
  }
  EXPECT_THAT(names, testing::ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(exporter.counts().sent, 4u);
  EXPECT_EQ(exporter.counts().dropped + exporter.counts().failed, 0u);
}

TEST(ExporterTest, WhatTheQueueDoesNotHoldIsDroppedAndCounted) {
  Collector collector;
  collector.hold(true);
  ExporterOptions options = quick();
  options.most_waiting = 2;
  options.most_at_once = 1;
  Exporter exporter({}, collector.sender(), options);
  exporter.take(span_called("on its way"));
  ASSERT_TRUE(collector.wait_asked(1));
  for (int i = 0; i < 5; ++i) exporter.take(span_called("waits"));  // comes back at once
  EXPECT_EQ(exporter.counts().dropped, 3u);
  collector.hold(false);
  exporter.stop(patience);
  EXPECT_EQ(exporter.counts().sent, 3u);
}

TEST(ExporterTest, AskingAgainIsForWhatMayBeTakenLater) {
  Collector collector;
  collector.answer({Delivery::later, Delivery::later, Delivery::taken, Delivery::refused});
  Exporter exporter({}, collector.sender(), quick());
  exporter.take(span_called("a"));
  ASSERT_TRUE(collector.wait_asked(3));
  exporter.take(span_called("b"));
  ASSERT_TRUE(collector.wait_asked(4));
  exporter.stop(patience);
  EXPECT_EQ(collector.asked(), 4) << "what was refused is not sent again";
  EXPECT_EQ(exporter.counts().sent, 1u);
  EXPECT_EQ(exporter.counts().failed, 1u);
}

TEST(ExporterTest, TriesEnd) {
  Collector collector;
  collector.answer(std::deque<Delivery>(3, Delivery::later));
  ExporterOptions options = quick();
  options.most_tries = 3;
  Exporter exporter({}, collector.sender(), options);
  exporter.take(span_called("a"));
  ASSERT_TRUE(collector.wait_asked(3));
  exporter.stop(patience);
  EXPECT_EQ(exporter.counts().failed, 1u);
}

/// Would not come back if stopping waited for the collector.
TEST(ExporterTest, StoppingDoesNotWaitForACollectorThatHangs) {
  Collector collector;
  collector.hold(true);
  ExporterOptions options = quick();
  options.most_at_once = 1;
  Exporter exporter({}, collector.sender(), options);
  for (int i = 0; i < 3; ++i) exporter.take(span_called("a"));
  ASSERT_TRUE(collector.wait_asked(1));
  exporter.stop(milliseconds(1));
  const Exporter::Counts counts = exporter.counts();
  EXPECT_EQ(counts.sent, 0u);
  EXPECT_EQ(counts.failed + counts.dropped, 3u);
  exporter.take(span_called("late"));
  EXPECT_EQ(exporter.counts().dropped, counts.dropped + 1);
}

}  // namespace
}  // namespace weir::trace
