#include "pipeline/request_lanes.h"

#include <gtest/gtest.h>

#include <future>

namespace weir::pipeline {
namespace {

using Plain = RequestLanes::Plain;

RowsRequest request_of(const std::string& body, const std::string& key = "",
                       LoadMode mode = LoadMode::append) {
  RowsRequest request;
  request.id = RunId(body);
  request.table = TableName("people");
  request.mode = mode;
  request.body = body;
  request.max_rows = 10;
  request.idempotency_key = key;
  return request;
}

class RequestLanesTest : public testing::Test {
 protected:
  void submit(RowsRequest request) {
    ASSERT_TRUE(lanes_.submit(std::move(request), [](const RowsAnswer&) {}));
  }
  std::vector<std::string> taken(const RequestLanes::Batch& batch) {
    std::vector<std::string> bodies;
    for (const Waiter& waiter : batch.waiters) bodies.push_back(waiter.request.body);
    return bodies;
  }
  using Bodies = std::vector<std::string>;

  RequestLanes lanes_{{5, 50'000}};
};

TEST_F(RequestLanesTest, WhatWaitsIsOneBatchInItsOrder) {
  submit(request_of("a"));
  submit(request_of("b"));
  submit(request_of("c", "", LoadMode::merge));
  EXPECT_EQ(lanes_.waiting().requests, 3u);
  const auto first = lanes_.take();
  EXPECT_EQ(taken(*first), (Bodies{"a", "b"}));
  EXPECT_EQ(taken(*lanes_.take()), Bodies{"c"});
  EXPECT_EQ(lanes_.waiting().requests, 0u);
}

TEST_F(RequestLanesTest, ALaneIsAsWideAsIsSaid) {
  submit(request_of("a"));
  const auto first = lanes_.take();
  submit(request_of("b"));
  auto second = std::async(std::launch::async, [&] { return lanes_.take(); });
  lanes_.finish(*first, Plain::untried);  // else the second would wait for ever
  const auto got = second.get();
  EXPECT_EQ(taken(*got), Bodies{"b"});
  lanes_.set_width(got->pipeline, 2);
  submit(request_of("too little for a transaction of its own"));
  const std::string much(40'000, 'c');
  submit(request_of(much));
  EXPECT_EQ(lanes_.take()->waiters.size(), 2u);
}

TEST_F(RequestLanesTest, AKeyIsAtWorkOnceWhateverTheLane) {
  submit(request_of("a", "k"));
  submit(request_of("b", "k", LoadMode::merge));
  const auto first = lanes_.take();
  EXPECT_EQ(taken(*first), Bodies{"a"});
  auto second = std::async(std::launch::async, [&] { return lanes_.take(); });
  EXPECT_EQ(lanes_.waiting().requests, 1u);
  lanes_.finish(*first, Plain::untried);
  EXPECT_EQ(taken(*second.get()), Bodies{"b"});
}

TEST_F(RequestLanesTest, TheSameKeyTwiceIsTwoBatches) {
  submit(request_of("a", "k"));
  submit(request_of("b", "k"));
  submit(request_of("c"));
  const auto first = lanes_.take();
  EXPECT_EQ(taken(*first), Bodies{"a"});
  lanes_.finish(*first, Plain::untried);
  EXPECT_EQ(taken(*lanes_.take()), (Bodies{"b", "c"}));
}

TEST_F(RequestLanesTest, DryRunsAndReplacementsAreTheirOwnBatch) {
  RowsRequest dry = request_of("b");
  dry.keep = RowsRequest::Keep::nothing;
  submit(request_of("a"));
  submit(std::move(dry));
  submit(request_of("c"));
  for (const Bodies& expected : {Bodies{"a"}, Bodies{"b"}, Bodies{"c"}}) {
    const auto batch = lanes_.take();
    EXPECT_EQ(taken(*batch), expected);
    lanes_.finish(*batch, Plain::untried);
  }
}

TEST_F(RequestLanesTest, TheQuickWayPausesLongerEachTimeItFails) {
  std::string tried;
  for (const Plain went : {Plain::met, Plain::untried, Plain::met, Plain::untried, Plain::untried,
                           Plain::went_well, Plain::met, Plain::untried, Plain::went_well}) {
    submit(request_of("a"));
    const auto batch = lanes_.take();
    tried += batch->plain ? 'p' : '-';
    lanes_.finish(*batch, batch->plain ? went : Plain::untried);
  }
  EXPECT_EQ(tried, "p-p--pp-p");
}

TEST_F(RequestLanesTest, TooMuchIsRefused) {
  for (int i = 0; i < 5; ++i) submit(request_of("x"));
  const auto sixth = lanes_.submit(request_of("x"), [](const RowsAnswer&) {});
  ASSERT_FALSE(sixth);
  EXPECT_EQ(sixth.error().code, ErrorCode::busy);
  EXPECT_EQ(lanes_.take()->waiters.size(), 5u);
  const auto large = lanes_.submit(request_of(std::string(50'001, 'x')), [](const RowsAnswer&) {});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::busy);
}

TEST_F(RequestLanesTest, WhatIsLeftWhenItDrainsIsGivenBack) {
  submit(request_of("a"));
  const auto left = lanes_.drain(std::chrono::milliseconds(0));
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left.front().request.body, "a");
  EXPECT_FALSE(lanes_.take());
  EXPECT_FALSE(lanes_.submit(request_of("b"), [](const RowsAnswer&) {}));
}

}  // namespace
}  // namespace weir::pipeline
