#include "model/project_lookup.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(ProjectLookup, FindsOrSaysWhatThereIs) {
  Project project;
  project.tables.resize(2);
  project.tables[0].name = TableName("orders");
  project.tables[1].name = TableName("customers");
  EXPECT_EQ(*named_table(project, "customers"), &project.tables[1]);
  const auto close = named_table(project, "order");
  ASSERT_FALSE(close);
  EXPECT_EQ(close.error().message, "there is no table 'order'");
  EXPECT_EQ(close.error().fix, "did you mean 'orders'?");
  const auto far = named_table(project, "zzz");
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().code, ErrorCode::usage);
  EXPECT_EQ(far.error().fix, "the project has: orders, customers");
  EXPECT_EQ(named_pipeline(project, "load").error().message, "there is no pipeline 'load'");
}

}  // namespace
}  // namespace weir
