#include "postgres/table_facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "postgres/catalog.h"
#include "postgres/types.h"

namespace weir::postgres {

using server::TableGuard;
using server::TypeFit;

namespace {

/// Parameters: the schema, NULL for the current one, and the table.
constexpr const char* relation_query = R"(
  SELECT c.oid, c.relkind FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relname = $2 AND n.nspname = coalesce($1, current_schema())
     AND c.relkind IN ('r', 'p', 'v', 'm', 'f'))";

/// A row per column of each. Triggers of constraints are the constraints'; those that are off do
/// nothing.
constexpr const char* guards_query = R"(
  WITH guards AS (
    SELECT contype::text AS kind, conname::text AS name, conkey AS own, confrelid AS parent,
           confkey AS other, pg_catalog.pg_get_constraintdef(oid) AS definition
      FROM pg_catalog.pg_constraint
     WHERE conrelid = $1::pg_catalog.oid AND contype IN ('p', 'u', 'f', 'c', 'x')
    UNION ALL
    SELECT 'u', i.relname::text,
           CASE WHEN x.indpred IS NULL AND x.indexprs IS NULL
                THEN (x.indkey::pg_catalog.int2[])[0:x.indnkeyatts - 1] END,
           0, NULL, pg_catalog.pg_get_indexdef(x.indexrelid)
      FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
     WHERE x.indrelid = $1::pg_catalog.oid AND x.indisunique AND x.indisvalid
       AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid
                          AND k.conrelid = x.indrelid)
    UNION ALL
    SELECT 't', tgname::text, NULL, 0, NULL, pg_catalog.pg_get_triggerdef(oid)
      FROM pg_catalog.pg_trigger
     WHERE tgrelid = $1::pg_catalog.oid AND NOT tgisinternal AND tgenabled <> 'D')
  SELECT g.kind, g.name, g.definition, f.relname, a.attname, b.attname
    FROM guards g
    LEFT JOIN LATERAL unnest(g.own, g.other) WITH ORDINALITY u(own, other, place) ON true
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::pg_catalog.oid AND a.attnum = u.own
    LEFT JOIN pg_catalog.pg_attribute b ON b.attrelid = g.parent AND b.attnum = u.other
    LEFT JOIN pg_catalog.pg_class f ON f.oid = g.parent
   ORDER BY position(g.kind IN 'pufxct'), g.name, u.place)";

TableGuard::Kind guard_kind(std::string_view letter) {
  using Kind = TableGuard::Kind;
  switch (letter.front()) {
    case 'p': return Kind::primary_key;
    case 'u': return Kind::unique;
    case 'f': return Kind::foreign_key;
    case 'x': return Kind::exclusion;
    case 't': return Kind::trigger;
    default: return Kind::check;
  }
}

/// How many bits of an integer a type holds; 0: it is none, or holds none for certain.
int integer_bits(const TargetType& target) {
  switch (target.oid) {
    case oid::int2: return 16;
    case oid::int4: return 32;
    case oid::int8: return 64;
    case oid::float4: return 24;
    case oid::float8: return 53;
  }
  return 0;
}

/// The digits before the point that a numeric takes; all when it has no modifier.
int whole_digits(const TargetType& target) {
  const auto scale = numeric_scale(target.modifier);
  if (!scale) return 1000;
  return ((target.modifier - 4) >> 16 & 0xffff) - *scale;
}

bool holds_digits(const TargetType& target, int whole, int scale) {
  if (target.oid == oid::numeric) {
    const auto kept = numeric_scale(target.modifier);
    return whole <= whole_digits(target) && (!kept || *kept >= scale);
  }
  static constexpr std::pair<uint32_t, int> digits[] = {
      {oid::int2, 4}, {oid::int4, 9}, {oid::int8, 18}};
  return scale == 0 && std::ranges::any_of(digits, [&](const auto& one) {
           return one.first == target.oid && whole <= one.second;
         });
}

/// A text type without a limit, or with one above `length` (0: there is none).
bool holds_text(const TargetType& target, int length) {
  if (target.oid == oid::text) return true;
  if (target.oid != oid::varchar) return false;
  return target.modifier < 4 || (length > 0 && target.modifier - 4 >= length);
}

bool holds_integers(const TargetType& target, int bits, int digits) {
  return bits <= integer_bits(target) || holds_digits(target, digits, 0);
}

/// Whether no value that plan_column lets through is refused.
bool holds_all(const DataType& type, const TargetType& target) {
  if (type.kind != TypeKind::varchar && holds_text(target, 0)) return true;
  switch (type.kind) {
    case TypeKind::tinyint: return holds_integers(target, 8, 3);
    case TypeKind::smallint: return holds_integers(target, 16, 5);
    case TypeKind::integer: return holds_integers(target, 32, 10);
    case TypeKind::bigint: return holds_integers(target, 64, 19);
    case TypeKind::hugeint: return holds_digits(target, 39, 0);
    case TypeKind::decimal: return holds_digits(target, type.precision - type.scale, type.scale);
    case TypeKind::real: return target.oid == oid::float8;
    case TypeKind::varchar: return holds_text(target, type.length);
    case TypeKind::time:
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return target.modifier < 0 || target.modifier >= 6;
    default: return false;
  }
}

}  // namespace

Result<TableFacts> table_facts(server::Connection& connection, const std::string& schema,
                               const std::string& table) {
  const server::Cell names[] = {schema.empty() ? server::Cell() : server::Cell(schema), table};
  const server::Rows relation = WEIR_TRY(connection.run(relation_query, names));
  TableFacts facts;
  if (relation.size() == 0) return facts;
  facts.kind = relation.text(0, 1).front();
  facts.columns = WEIR_TRY(columns_of(connection, relation.text(0, 0)));
  return facts;
}

Result<std::vector<TableGuard>> table_guards(server::Connection& connection,
                                             const std::string& schema, const std::string& table) {
  const server::Cell names[] = {schema.empty() ? server::Cell() : server::Cell(schema), table};
  const server::Rows relation = WEIR_TRY(connection.run(relation_query, names));
  std::vector<TableGuard> guards;
  if (relation.size() == 0) return guards;
  const server::Cell oid = relation.text(0, 0);
  const server::Rows rows = WEIR_TRY(connection.run(guards_query, {&oid, 1}));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (guards.empty() || guards.back().name != rows.text(i, 1)) {
      guards.push_back({.kind = guard_kind(rows.text(i, 0)),
                        .name = rows.text(i, 1),
                        .definition = rows.text(i, 2),
                        .columns = {},
                        .parent = rows.text(i, 3),
                        .parent_columns = {}});
    }
    if (rows.rows[i][4]) guards.back().columns.push_back(*rows.rows[i][4]);
    if (rows.rows[i][5]) guards.back().parent_columns.push_back(*rows.rows[i][5]);
  }
  return guards;
}

TypeFit fit_of(const DataType& type, const TargetType& target) {
  if (target.generated || !plan_column("", type, target)) return TypeFit::lossy;
  if (comparable_type(target.name) == column_type(type)) return TypeFit::same;
  return holds_all(type, target) ? TypeFit::wider : TypeFit::narrower;
}

}  // namespace weir::postgres
