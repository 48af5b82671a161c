#include "postgres/catalog.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::postgres {

namespace {

/// A domain is written as the type below it, and the server checks its constraints; so follow it
/// down. Its own modifier wins over the one below.
constexpr const char* columns_query = R"(
  WITH RECURSIVE base AS (
    SELECT attnum, attname, attgenerated, atttypid AS type, atttypmod AS modifier, attnotnull,
           atthasdef OR attidentity <> '' AS has_default
      FROM pg_catalog.pg_attribute
     WHERE attrelid = $1::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped
     UNION ALL
    SELECT base.attnum, base.attname, base.attgenerated, t.typbasetype,
           CASE WHEN base.modifier = -1 THEN t.typtypmod ELSE base.modifier END,
           base.attnotnull OR t.typnotnull, base.has_default OR t.typdefault IS NOT NULL
      FROM base JOIN pg_catalog.pg_type t ON t.oid = base.type
     WHERE t.typtype = 'd')
  SELECT base.attname, t.oid, base.modifier, t.typcategory,
         CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END,
         coalesce(e.typcategory, ' '), base.attgenerated <> '',
         pg_catalog.format_type(t.oid, base.modifier), base.attnotnull, base.has_default
    FROM base JOIN pg_catalog.pg_type t ON t.oid = base.type
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
   WHERE t.typtype <> 'd' ORDER BY base.attnum)";

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

Result<std::vector<ColumnFacts>> columns_of(server::Connection& connection,
                                            const std::string& relation) {
  const server::Cell parameter = relation;
  const server::Rows rows = WEIR_TRY(connection.run(columns_query, {&parameter, 1}));
  std::vector<ColumnFacts> columns;
  for (size_t row = 0; row < rows.size(); ++row) {
    columns.push_back({.name = rows.text(row, 0),
                       .target = target_type(rows, row),
                       .not_null = rows.text(row, 8) == "t",
                       .has_default = rows.text(row, 9) == "t"});
  }
  return columns;
}

Result<std::vector<ColumnPlan>> plan_columns(Session& session, const server::BulkTarget& target) {
  const std::string table = quoted_table(session, target);
  const auto found = WEIR_TRY(columns_of(session, table));
  std::vector<ColumnPlan> plans;
  for (const auto& column : target.columns) {
    const auto place = std::ranges::find(found, column.name, &ColumnFacts::name);
    if (place == found.end()) {
      return fail(ErrorCode::sql, fmt::format("table {} has no column {}", table, column.name),
                  "add it, or take it out of the table's columns");
    }
    plans.push_back(WEIR_TRY(plan_column(column.name, column.type, place->target)));
  }
  return plans;
}

}  // namespace weir::postgres
