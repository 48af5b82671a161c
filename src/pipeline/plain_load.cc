#include "pipeline/plain_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "pipeline/server_tables.h"
#include "postgres/standing_copy.h"

namespace weir::pipeline {
namespace {

/// Postgres: COPY, which its own key guards.
class PostgresTarget final : public PlainTarget {
 public:
  static Result<std::unique_ptr<PlainTarget>> make(Session& session) {
    server::Connection& server = *session.server();
    const Table& table = *session.parts().table;
    server::BulkTarget target{table.schema, table.name.value(), {}};
    for (const Column& column : table.columns) target.columns.push_back({column.name, column.type});
    // With other loads that only add rows, and never while one decides by the rows that are there:
    // the lock of ServerLoad::lock_tables.
    const std::string lock = fmt::format(
        "SELECT pg_advisory_xact_lock_shared((CAST(860211 AS bigint) << 32) + "
        "CAST(to_regclass({})::oid AS bigint))",
        server.quote_literal(server_name(server, table)));
    auto made = std::make_unique<PostgresTarget>(server);
    made->copy_ = WEIR_TRY(postgres::StandingCopy::make(server, target, lock));
    return made;
  }
  explicit PostgresTarget(server::Connection& server) : server_(server) {}

  Result<void> write(duckdb::DirectRows& rows) override { return copy_->write(rows.batches()); }
  Result<void> commit() override { return server_.commit(); }
  void rollback() override { server_.rollback(); }

 private:
  server::Connection& server_;
  std::unique_ptr<postgres::StandingCopy> copy_;
};

/// A DuckDB file: weir is the only one who writes to it.
class FileTarget final : public PlainTarget {
 public:
  explicit FileTarget(Session& session)
      : connection_(session.connection()), table_(*session.parts().table) {}

  Result<void> write(duckdb::DirectRows& rows) override {
    transaction_.emplace(WEIR_TRY(duckdb::Transaction::begin(connection_)));
    return rows.append_to(connection_, "", table_.schema, table_.name.value());
  }
  Result<void> commit() override {
    const auto committed = transaction_->commit();
    transaction_.reset();
    return committed;
  }
  void rollback() override { transaction_.reset(); }

 private:
  duckdb::Connection& connection_;
  const Table& table_;
  std::optional<duckdb::Transaction> transaction_;
};

bool asks_other_rows(const Table& table) {
  return std::ranges::any_of(table.columns, [](const Column& column) {
    return std::ranges::any_of(column.rules, [](const Rule& rule) {
      return rule.kind == RuleKind::unique || rule.kind == RuleKind::references;
    });
  });
}

/// Null: the table's key, or the shape of its rows, makes it a case for judged loads.
Result<std::unique_ptr<PlainTarget>> target_of(Session& session) {
  const Table& table = *session.parts().table;
  if (session.engine() == Engine::duckdb) {
    if (!table.key.empty()) return std::unique_ptr<PlainTarget>();
    return std::make_unique<FileTarget>(session);
  }
  if (session.engine() != Engine::postgres) return std::unique_ptr<PlainTarget>();
  if (!table.key.empty() && !WEIR_TRY(guards_key(*session.server(), session.engine(), table))) {
    return std::unique_ptr<PlainTarget>();
  }
  auto target = PostgresTarget::make(session);
  if (!target && target.error().code == ErrorCode::invalid_input) {
    return std::unique_ptr<PlainTarget>();
  }
  return target;
}

}  // namespace

Result<std::unique_ptr<PlainLoad>> PlainLoad::make(Session& session) {
  const PipelineParts& parts = session.parts();
  const bool plain_steps = parts.read != nullptr && parts.read->format == Format::json &&
                           parts.read->columns.empty() && parts.row_steps.empty() &&
                           parts.load->mode != LoadMode::replace;
  if (!plain_steps || asks_other_rows(*parts.table)) return std::unique_ptr<PlainLoad>();
  auto rules = PlainRules::of(*parts.table, session.engine());
  if (!rules) return std::unique_ptr<PlainLoad>();
  auto target = WEIR_TRY(target_of(session));
  if (target == nullptr) return std::unique_ptr<PlainLoad>();
  return std::unique_ptr<PlainLoad>(new PlainLoad(session, *std::move(rules), std::move(target)));
}

PlainLoad::PlainLoad(Session& session, PlainRules rules, std::unique_ptr<PlainTarget> target)
    : rules_(std::move(rules)),
      most_bytes_(session.parts().read->max_record_bytes),
      target_(std::move(target)),
      rows_(*session.slot()) {}

size_t PlainLoad::take(std::string_view text) {
  // So no record can be too long.
  if (text.size() > most_bytes_) return 0;
  const size_t before = rows_.rows();
  if (!rows_.append(text)) return 0;
  const bool good = rows_.all_of(before, [&](auto columns, size_t begin, size_t end) {
    return rules_.hold(columns, begin, end);
  });
  if (!good) rows_.drop_to(before);
  return rows_.rows() - before;
}

}  // namespace weir::pipeline
