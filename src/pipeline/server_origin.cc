#include <fmt/format.h>

#include <mutex>

#include "duckdb/cell_appender.h"
#include "pipeline/query_origin.h"
#include "pipeline/server_sql.h"

namespace weir::pipeline {
namespace {

using server::QueryColumn;

class ServerOrigin final : public QueryOrigin {
 public:
  ServerOrigin(Databases* databases, server::Connection* own, const SqlStep& step,
               const Pipeline& pipeline, ServerSql sql)
      : databases_(databases), own_(own), step_(step), pipeline_(pipeline), sql_(std::move(sql)) {}

  Result<std::vector<duckdb::ResultColumn>> describe() override;
  Result<void> copy(duckdb::Connection& to, const std::string& table, Timestamp scheduled_for,
                    const std::atomic<bool>& stop) override;
  void interrupt() override;

 private:
  Result<server::Connection*> session();
  Result<std::vector<QueryColumn>> describe(server::Connection& session, const std::string& sql);
  Result<void> copy_rows(server::Connection& session, duckdb::CellAppender& rows,
                         std::span<const server::Cell> parameters, const std::atomic<bool>& stop);

  Databases* databases_;
  server::Connection* own_;
  const SqlStep& step_;
  const Pipeline& pipeline_;
  const ServerSql sql_;
  std::vector<QueryColumn> columns_;
  std::unique_ptr<server::Connection> other_;  // where it is not the target's own
  std::mutex mutex_;
  server::Connection* at_work_ = nullptr;  // guarded by mutex_
};

Result<server::Connection*> ServerOrigin::session() {
  if (own_ != nullptr) return own_;
  if (other_ == nullptr || !other_->works()) {
    other_ = WEIR_TRY(databases_->connect(step_.database));
  }
  return other_.get();
}

Result<std::vector<QueryColumn>> ServerOrigin::describe(server::Connection& session,
                                                        const std::string& sql) {
  auto columns = session.describe(sql, sql_.parameter_count());
  if (columns) return columns;
  return fail(sql_.explain(std::move(columns).error(), session.refusal()));
}

Result<std::vector<duckdb::ResultColumn>> ServerOrigin::describe() {
  server::Connection& session = *WEIR_TRY(this->session());
  columns_ = WEIR_TRY(describe(session, sql_.sql()));
  // What can stand in brackets is one query, and changes nothing.
  const auto bracketed = session.describe("SELECT * FROM (\n" + sql_.sql() + "\n) AS weir_rows",
                                          sql_.parameter_count());
  if (columns_.empty() || (!bracketed && bracketed.error().code == ErrorCode::sql)) {
    return fail(ErrorCode::sql,
                "a sql step's statement must be one query that changes nothing" +
                    (bracketed ? "" : ": " + bracketed.error().message),
                "write a SELECT, without a semicolon", step_.sql.location);
  }
  if (!bracketed) return fail(bracketed.error());
  std::vector<duckdb::ResultColumn> described;
  for (const QueryColumn& column : columns_) {
    described.push_back({column.name, duckdb::sql_type(column.type)});
  }
  return described;
}

Result<void> ServerOrigin::copy_rows(server::Connection& session, duckdb::CellAppender& rows,
                                     std::span<const server::Cell> parameters,
                                     const std::atomic<bool>& stop) {
  Result<void> taken;
  const auto refuse = [&](Error error) {
    taken = fail(std::move(error));
    session.interrupt();  // or all the rest would come, whether it is wanted or not
    return false;
  };
  const auto take_columns = [&](const std::vector<QueryColumn>& columns) {
    if (columns == columns_) return true;
    return refuse(
        {ErrorCode::busy, "the columns of the query have just changed", "", step_.sql.location});
  };
  const auto take_row = [&](std::span<const server::Cell> cells) {
    if (stop) return refuse({ErrorCode::cancelled, "the run was stopped"});
    auto appended = rows.row(cells);
    return appended || refuse(std::move(appended).error());
  };
  auto streamed = session.stream(sql_.sql(), parameters, take_row, take_columns);
  if (!taken) {
    Error error = std::move(taken).error();
    if (error.location.line == 0) error.location = step_.sql.location;
    return fail(std::move(error));
  }
  if (!streamed) return fail(sql_.explain(std::move(streamed).error(), session.refusal()));
  return rows.close();
}

Result<void> ServerOrigin::copy(duckdb::Connection& to, const std::string& table,
                                Timestamp scheduled_for, const std::atomic<bool>& stop) {
  std::vector<duckdb::CellAppender::Column> columns;
  for (const QueryColumn& column : columns_) columns.push_back({column.name, column.type});
  const auto rows = WEIR_TRY(duckdb::CellAppender::open(to, table, std::move(columns),
                                                        duckdb::CellAppender::Numbered::yes));
  const auto parameters = WEIR_TRY(sql_.parameters(pipeline_, scheduled_for));
  server::Connection& session = *WEIR_TRY(this->session());
  const auto at_work = [&](server::Connection* now) {
    const std::lock_guard lock(mutex_);
    at_work_ = now;
  };
  if (own_ == nullptr) WEIR_TRY(session.begin_snapshot());
  at_work(&session);
  auto copied = copy_rows(session, *rows, parameters, stop);
  at_work(nullptr);
  if (own_ == nullptr) {
    session.rollback();
    other_.reset();  // the next run may be far off
  }
  return copied;
}

void ServerOrigin::interrupt() {
  const std::lock_guard lock(mutex_);
  if (at_work_ != nullptr) at_work_->interrupt();
}

}  // namespace

Result<std::unique_ptr<QueryOrigin>> server_origin(Databases* databases, server::Connection* own,
                                                   Engine engine, const SqlStep& step,
                                                   const Pipeline& pipeline) {
  return std::make_unique<ServerOrigin>(databases, own, step, pipeline,
                                        WEIR_TRY(ServerSql::make(step.sql, engine)));
}

}  // namespace weir::pipeline
