#include "pipeline/table_rows.h"

#include <fmt/format.h>

namespace weir::pipeline {

Result<void> count_rows(duckdb::Connection& connection, const std::string& relation,
                        std::string_view first, std::span<const RowTest> tests,
                        std::span<RowCount> counts) {
  if (tests.empty()) return {};
  std::string flags, sums;
  for (size_t i = 0; i < tests.size(); ++i) {
    flags += fmt::format("{}({}\n) AS b{}", i == 0 ? "" : ", ", tests[i].condition, i);
    sums += fmt::format("{}count(*) FILTER (WHERE b{})", i == 0 ? "" : ", ", i);
  }
  const auto rows = WEIR_TRY(connection.run(
      fmt::format("SELECT {} FROM (SELECT {} FROM {} weir_t)", sums, flags, relation)));
  for (size_t i = 0; i < tests.size(); ++i) {
    const auto found = static_cast<uint64_t>(rows.int64(0, i));
    const bool shown = counts[i].rows > 0;
    counts[i].rows += found;
    if (found == 0 || shown) continue;
    const auto example = WEIR_TRY(
        connection.run(fmt::format("SELECT {} FROM {} weir_t WHERE {}\n {} LIMIT 1",
                                   tests[i].example, relation, tests[i].condition, first)));
    if (example.size() > 0) counts[i].example = example.text(0, 0);
  }
  return {};
}

}  // namespace weir::pipeline
