#include "pipeline/deferred_key.h"

#include <fmt/format.h>

#include "pipeline/server_tables.h"

namespace weir::pipeline {
namespace {

/// What an index keeps; and, of those, what another table's foreign key needs.
constexpr const char* constraints_query =
    "SELECT quote_ident(c.conname), pg_get_constraintdef(c.oid), EXISTS (SELECT FROM "
    "pg_catalog.pg_constraint f WHERE f.confrelid = c.conrelid) FROM pg_catalog.pg_constraint c "
    "WHERE c.conrelid = $1::regclass AND c.contype IN ('p', 'u') ORDER BY c.conname";

}  // namespace

Result<std::optional<DeferredKey>> DeferredKey::take_off(server::Connection& connection,
                                                         const Table& table) {
  const std::string name = server_name(connection, table);
  WEIR_TRY(connection.run("LOCK TABLE " + name + " IN ACCESS EXCLUSIVE MODE"));
  if (WEIR_TRY(connection.run("SELECT 1 FROM " + name + " LIMIT 1")).size() > 0) {
    return std::nullopt;
  }
  const server::Cell quoted = name;
  const auto rows = WEIR_TRY(connection.run(constraints_query, {&quoted, 1}));
  if (rows.size() == 0 || rows.text(0, 2) == "t") return std::nullopt;
  std::vector<Constraint> constraints;
  for (size_t i = 0; i < rows.size(); ++i)
    constraints.push_back({rows.text(i, 0), rows.text(i, 1)});
  DeferredKey key(connection, name, std::move(constraints));
  WEIR_TRY(key.alter(false));
  return key;
}

Result<void> DeferredKey::put_back() { return alter(true); }

Result<void> DeferredKey::alter(bool back) {
  std::string changes;
  for (const Constraint& constraint : constraints_) {
    changes += changes.empty() ? "" : ", ";
    changes += back ? fmt::format("ADD CONSTRAINT {} {}", constraint.name, constraint.definition)
                    : fmt::format("DROP CONSTRAINT {}", constraint.name);
  }
  WEIR_TRY(connection_->run(fmt::format("ALTER TABLE {} {}", table_, changes)));
  return {};
}

}  // namespace weir::pipeline
