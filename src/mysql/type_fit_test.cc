#include "mysql/type_fit.h"

#include <gtest/gtest.h>

namespace weir::mysql {
namespace {

using server::TypeFit;

ColumnFacts column(const std::string& type, const std::string& character_set = "") {
  ColumnFacts facts;
  facts.name = "c";
  facts.column_type = type;
  facts.character_set = character_set;
  if (!character_set.empty()) facts.collation = character_set + "_general_ci";
  return facts;
}

TEST(TypeFit, ATypeFitsAsFarAsItKeepsValues) {
  struct Case {
    const char* type;
    ColumnFacts column;
    TypeFit fit;
  };
  const Case cases[] = {
      {"integer", column("int(11)"), TypeFit::same},
      {"integer", column("bigint(20)"), TypeFit::wider},
      {"integer", column("int(10) unsigned"), TypeFit::narrower},
      {"integer", column("mediumint(9)"), TypeFit::narrower},
      {"integer", column("smallint(6)"), TypeFit::narrower},
      {"integer", column("decimal(10,0)"), TypeFit::wider},
      {"integer", column("decimal(10,1)"), TypeFit::narrower},
      {"integer", column("double"), TypeFit::wider},
      {"integer", column("float"), TypeFit::lossy},
      {"integer", column("date"), TypeFit::lossy},
      {"integer", column("longtext", "utf8mb4"), TypeFit::wider},
      {"bigint", column("double"), TypeFit::lossy},
      {"boolean", column("tinyint(1)"), TypeFit::same},
      {"decimal(8,2)", column("decimal(8,2)"), TypeFit::same},
      {"decimal(8,2)", column("decimal(9,3)"), TypeFit::wider},
      {"decimal(8,2)", column("decimal(8,3)"), TypeFit::narrower},
      {"decimal(9,0)", column("int(11)"), TypeFit::wider},
      {"decimal(8,2)", column("double"), TypeFit::lossy},
      {"hugeint", column("decimal(39,0)"), TypeFit::same},
      {"varchar(10)", column("varchar(10)", "utf8mb4"), TypeFit::same},
      {"varchar(10)", column("varchar(11)", "utf8mb4"), TypeFit::wider},
      {"varchar(10)", column("varchar(11)", "latin1"), TypeFit::narrower},
      {"varchar(10)", column("varchar(9)", "utf8mb4"), TypeFit::narrower},
      {"varchar", column("longtext", "utf8mb4"), TypeFit::same},
      {"varchar", column("enum('a','b')", "utf8mb4"), TypeFit::narrower},
      {"varchar", column("int(11)"), TypeFit::lossy},
      {"timestamptz", column("datetime(6)"), TypeFit::same},
      {"timestamptz", column("timestamp(6)"), TypeFit::narrower},
      {"timestamp", column("datetime"), TypeFit::narrower},
      {"date", column("datetime(6)"), TypeFit::narrower},
      {"bytes", column("varbinary(10)"), TypeFit::narrower},
      {"bytes", column("longtext", "utf8mb4"), TypeFit::lossy},
      {"real", column("double"), TypeFit::wider},
      {"double", column("float"), TypeFit::lossy},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(fit_of(*parse_data_type(one.type), one.column), one.fit)
        << one.type << " in " << one.column.column_type;
  }
}

TEST(TypeFit, WhatTheServerComputesTakesNothing) {
  ColumnFacts computed = column("int(11)");
  computed.generated = true;
  EXPECT_EQ(fit_of(*parse_data_type("integer"), computed), TypeFit::lossy);
}

}  // namespace
}  // namespace weir::mysql
