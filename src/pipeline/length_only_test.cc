#include "pipeline/length_only.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

TEST(LengthOnly, IsSureOrSaysNo) {
  for (const char* sql : {"len(hit)", "LEN ( Hit )", "len(hit) + 1", "coalesce(len(hit), 0)",
                          "device", "1", "CASE WHEN len(hit) > 3 THEN len(hit) END"}) {
    EXPECT_TRUE(names_length_only(sql, "hit")) << sql;
  }
  for (const char* sql :
       {"hit", "hit[1]", "len(hit[1])", "xlen(hit)", "len(hit) + hit[1]", "len(\"hit\")", "'hit'",
        "len(COLUMNS('h.*'))", "#1", "list_filter(hits, x -> x)", "len(hit || hit)", "len(t.hit)",
        "my.len(hit)", "hits", "(SELECT 1)", "len(hit, 2)"}) {
    EXPECT_FALSE(names_length_only(sql, "hit")) << sql;
  }
}

}  // namespace
}  // namespace weir::pipeline
