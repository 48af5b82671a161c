#include "trace/trace_context.h"

#include <gtest/gtest.h>

namespace weir::trace {
namespace {

constexpr std::string_view known = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContextTest, ReadsAndWritesTheHeader) {
  const auto context = parse_traceparent(known);
  ASSERT_TRUE(context);
  EXPECT_EQ(to_hex(context->trace), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(to_hex(context->span), "b7ad6b7169203331");
  EXPECT_TRUE(context->sampled);
  EXPECT_EQ(to_traceparent(*context), known);
}

TEST(TraceContextTest, OnlyTheLastFlagSaysWhetherItIsKept) {
  const std::string begin(known.substr(0, 53));
  EXPECT_FALSE(parse_traceparent(begin + "00")->sampled);
  EXPECT_TRUE(parse_traceparent(begin + "03")->sampled);
  EXPECT_FALSE(parse_traceparent(begin + "fe")->sampled);
}

TEST(TraceContextTest, ALaterVersionMayHaveMoreBehindIt) {
  const std::string later = "01" + std::string(known.substr(2));
  EXPECT_EQ(parse_traceparent(later), parse_traceparent(known));
  EXPECT_EQ(parse_traceparent(later + "-what-comes"), parse_traceparent(known));
  EXPECT_FALSE(parse_traceparent(later + "what"));
  EXPECT_FALSE(parse_traceparent(std::string(known) + "-what-comes"));
}

TEST(TraceContextTest, WhatIsNone) {
  for (const char* header : {
           "",
           "00",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c b7ad6b7169203331-01",
           " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
       }) {
    EXPECT_FALSE(parse_traceparent(header)) << header;
  }
}

}  // namespace
}  // namespace weir::trace
