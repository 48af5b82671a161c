#include "api/request_target.h"

#include <gtest/gtest.h>

namespace weir::api {
namespace {

using Kind = Target::Kind;

TEST(RequestTargetTest, PathsAreToldApart) {
  struct Case {
    const char* path;
    Kind kind;
    const char* name;
  };
  const Case cases[] = {
      {"/api/tables/hits/rows", Kind::rows, "hits"},
      {"/api/tables/a%20b/rows", Kind::rows, "a b"},
      {"/api/tables/a+b/rows", Kind::rows, "a+b"},
      {"/api/runs/01k2/logs", Kind::run_logs, "01k2"},
      {"/api/runs/01k2", Kind::run, "01k2"},
      {"/api/runs", Kind::runs, "/api/runs"},
      {"/api/pipelines/load/runs", Kind::start, "load"},
      {"/api/queries/daily", Kind::query, "daily"},
      {"/api/rows", Kind::csv_rows, "/api/rows"},
  };
  for (const Case& each : cases) {
    const Target target = parse_path(each.path);
    EXPECT_EQ(target.kind, each.kind) << each.path;
    EXPECT_EQ(target.name, each.name) << each.path;
  }
}

TEST(RequestTargetTest, AllElseIsUnknown) {
  for (const char* path : {"/", "", "/api", "/api/tables//rows", "/api/tables/rows", "/api/runs/",
                           "/api/tables/a/b/rows", "/api/tables/%zz/rows", "/api/tables/%4/rows",
                           "/API/runs", "/api/runs/x/y", "//api/runs"}) {
    EXPECT_EQ(parse_path(path).kind, Kind::unknown) << path;
  }
}

TEST(RequestTargetTest, EachTargetHasItsMethods) {
  EXPECT_TRUE(takes(Kind::rows, "POST"));
  EXPECT_FALSE(takes(Kind::rows, "GET"));
  EXPECT_FALSE(takes(Kind::rows, "post"));
  EXPECT_TRUE(takes(Kind::runs, "GET"));
  EXPECT_TRUE(takes(Kind::runs, "HEAD"));
  EXPECT_FALSE(takes(Kind::runs, "POST"));
  EXPECT_FALSE(takes(Kind::unknown, "GET"));
}

TEST(RequestTargetTest, ParametersAreDecoded) {
  const auto parameters = Parameters::parse("a=1%202&b=x+y&&c");
  ASSERT_TRUE(parameters);
  EXPECT_EQ(*parameters->find("a"), "1 2");
  EXPECT_EQ(*parameters->find("b"), "x y");
  EXPECT_EQ(*parameters->find("c"), "");
  EXPECT_EQ(parameters->find("d"), nullptr);
  EXPECT_EQ(parameters->misfit({"a", "b", "c"}), nullptr);
  EXPECT_EQ(*parameters->misfit({"a", "c"}), "b");
  EXPECT_FALSE(Parameters::parse("a=%"));
  EXPECT_FALSE(Parameters::parse("%gg=1"));
  EXPECT_EQ(*Parameters::parse("a=1&a=2")->misfit({"a"}), "a") << "twice is one too many";
}

TEST(RequestTargetTest, Preferences) {
  EXPECT_TRUE(prefers("tx=rollback", "tx", "rollback"));
  EXPECT_TRUE(prefers("respond-async, tx = \"rollback\" ; q=1", "tx", "rollback"));
  EXPECT_FALSE(prefers("tx=commit", "tx", "rollback"));
  EXPECT_FALSE(prefers("xtx=rollback", "tx", "rollback"));
  EXPECT_FALSE(prefers("", "tx", "rollback"));
}

}  // namespace
}  // namespace weir::api
