#include "model/data_type.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(DataType, ReadsEverySpellingAndWritesItsOwn) {
  const std::pair<const char*, const char*> cases[] = {{"bigint", "bigint"},
                                                       {" INT8 ", "bigint"},
                                                       {"decimal(20,0)", "decimal(20,0)"},
                                                       {"numeric( 5 , 2 )", "decimal(5,2)"},
                                                       {"varchar", "varchar"},
                                                       {"varchar(255)", "varchar(255)"},
                                                       {"text", "varchar"},
                                                       {"json[]", "json[]"},
                                                       {"bigint[][]", "bigint[][]"},
                                                       {"timestamp  with time zone", "timestamptz"},
                                                       {"double precision", "double"}};
  for (const auto& [given, own] : cases) {
    const auto type = parse_data_type(given);
    ASSERT_TRUE(type) << given << ": " << type.error().to_string();
    EXPECT_EQ(type->to_string(), own);
  }
}

TEST(DataType, RefusesWithAFix) {
  const std::pair<const char*, const char*> cases[] = {
      {"bigitn", "did you mean 'bigint'?"},
      {"decimal", "write decimal(18,2), say"},
      {"decimal(39,0)", "precision goes from 1 to 38"},
      {"decimal(5,6)", "precision goes from 1 to 38"},
      {"varchar(0)", "write varchar(n)"},
      {"date(3)", "write 'date'"},
      {"varchar(2", "write decimal(p,s) or varchar(n)"}};
  for (const auto& [given, fix] : cases) {
    const auto type = parse_data_type(given);
    ASSERT_FALSE(type) << given;
    EXPECT_NE(type.error().fix.find(fix), std::string::npos) << type.error().to_string();
  }
}

}  // namespace
}  // namespace weir
