#include "postgres/catalog.h"

#include <fmt/format.h>

#include <map>

namespace weir::postgres {

namespace {

/// A domain is written as the type below it, and the server checks its constraints; so follow it
/// down. Its own modifier wins over the one below.
constexpr const char* columns_query = R"(
  WITH RECURSIVE base AS (
    SELECT attname, attgenerated, atttypid AS type, atttypmod AS modifier
      FROM pg_catalog.pg_attribute
     WHERE attrelid = $1::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped
     UNION ALL
    SELECT base.attname, base.attgenerated, t.typbasetype,
           CASE WHEN base.modifier = -1 THEN t.typtypmod ELSE base.modifier END
      FROM base JOIN pg_catalog.pg_type t ON t.oid = base.type
     WHERE t.typtype = 'd')
  SELECT base.attname, t.oid, base.modifier, t.typcategory,
         CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END,
         coalesce(e.typcategory, ' '), base.attgenerated <> '',
         pg_catalog.format_type(t.oid, base.modifier)
    FROM base JOIN pg_catalog.pg_type t ON t.oid = base.type
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
   WHERE t.typtype <> 'd')";

TargetType target_type(const server::Rows& rows, size_t row) {
  return {.oid = static_cast<uint32_t>(rows.int64(row, 1)),
          .modifier = static_cast<int>(rows.int64(row, 2)),
          .category = rows.text(row, 3).front(),
          .element_oid = static_cast<uint32_t>(rows.int64(row, 4)),
          .element_category = rows.text(row, 5).front(),
          .generated = rows.text(row, 6) == "t",
          .name = rows.text(row, 7)};
}

}  // namespace

std::string quoted_table(const Session& session, const server::BulkTarget& target) {
  const std::string table = session.quote_identifier(target.table);
  return target.schema.empty() ? table : session.quote_identifier(target.schema) + "." + table;
}

Result<std::vector<ColumnPlan>> plan_columns(Session& session, const server::BulkTarget& target) {
  const server::Cell table = quoted_table(session, target);
  const server::Rows rows = WEIR_TRY(session.run(columns_query, {&table, 1}));
  std::map<std::string, size_t> found;
  for (size_t row = 0; row < rows.size(); ++row) found.emplace(rows.text(row, 0), row);
  std::vector<ColumnPlan> plans;
  for (const auto& column : target.columns) {
    const auto place = found.find(column.name);
    if (place == found.end()) {
      return fail(ErrorCode::sql, fmt::format("table {} has no column {}", *table, column.name),
                  "add it, or take it out of the table's columns");
    }
    plans.push_back(
        WEIR_TRY(plan_column(column.name, column.type, target_type(rows, place->second))));
  }
  return plans;
}

}  // namespace weir::postgres
