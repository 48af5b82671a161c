#include "postgres/standing_copy.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>

#include "base/check.h"
#include "postgres/catalog.h"
#include "postgres/copy_binary.h"
#include "postgres/session.h"
#include "postgres/value_guard.h"

namespace weir::postgres {

namespace {

/// What is sent at a time.
constexpr size_t buffer_bytes = size_t{256} << 10;

/// All that decides whether rows fit: the table itself, its columns, and what keeps its keys.
constexpr const char* shape_query = R"(
  SELECT concat_ws(';', pg_catalog.to_regclass({0})::pg_catalog.oid,
    (SELECT string_agg(concat_ws(' ', attnum, attname, atttypid, atttypmod, attgenerated, attisdropped), ','
                       ORDER BY attnum)
       FROM pg_catalog.pg_attribute
      WHERE attrelid = pg_catalog.to_regclass({0}) AND attnum > 0),
    (SELECT string_agg(concat_ws(' ', indexrelid, indisunique, indisvalid), ',' ORDER BY indexrelid)
       FROM pg_catalog.pg_index WHERE indrelid = pg_catalog.to_regclass({0}))))";

std::string copy_statement(const Session& session, const server::BulkTarget& target) {
  std::string columns;
  for (const auto& column : target.columns) {
    columns += (columns.empty() ? "" : ", ") + session.quote_identifier(column.name);
  }
  return fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)", quoted_table(session, target),
                     columns);
}

/// A session may have several, and a prepared statement's name is the session's.
std::string new_statement_name() {
  static std::atomic<uint64_t> serial{0};
  return fmt::format("weir_shape_{}", ++serial);
}

bool is_failure(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

}  // namespace

Result<std::unique_ptr<StandingCopy>> StandingCopy::make(server::Connection& connection,
                                                         const server::BulkTarget& target,
                                                         const std::string& first) {
  auto& session = static_cast<Session&>(connection);
  auto plans = WEIR_TRY(plan_columns(session, target));
  for (const ColumnPlan& plan : plans) {
    if (plan.straight) continue;
    return fail(ErrorCode::invalid_input,
                fmt::format("column {} is {}, which takes {} as text alone", plan.name,
                            plan.target.name, plan.type.to_string()));
  }
  const std::string name = new_statement_name();
  const std::string table = session.quote_literal(quoted_table(session, target));
  WEIR_TRY(session.run(
      fmt::format("PREPARE {} AS {}", name, fmt::format(fmt::runtime(shape_query), table))));
  auto copy = std::unique_ptr<StandingCopy>(new StandingCopy(session, std::move(plans)));
  copy->shape_ = WEIR_TRY(session.run("EXECUTE " + name)).text(0, 0);
  // The shape is asked for last: what changes the table waits from the COPY on.
  copy->begin_ = fmt::format("BEGIN;{}{}EXECUTE {};{}", first, first.empty() ? "" : ";", name,
                             copy_statement(session, target));
  return copy;
}

StandingCopy::StandingCopy(Session& session, std::vector<ColumnPlan> plans)
    : session_(session), plans_(std::move(plans)), encoder_(make_binary_encoder(plans_)) {}
StandingCopy::~StandingCopy() = default;

Result<void> StandingCopy::check_values(std::span<const server::RowBatch> batches) const {
  for (const server::RowBatch& batch : batches) {
    for (size_t i = 0; i < plans_.size(); ++i) {
      const auto fault = find_fault(plans_[i], batch.columns[i], batch.rows);
      if (!fault) continue;
      return fail(ErrorCode::invalid_input, fmt::format("a value of column {} cannot be kept: {}",
                                                        plans_[i].name, fault->reason));
    }
  }
  return {};
}

/// Until the server waits for rows.
Result<void> StandingCopy::begin() {
  session_.set_refusal({});
  if (PQsendQuery(session_.native(), begin_.c_str()) == 0) return fail(session_.failure(nullptr));
  std::string shape;
  while (ResultPointer result = session_.next_result()) {
    if (PQresultStatus(result.get()) == PGRES_COPY_IN) {
      if (shape == shape_) return {};
      PQputCopyEnd(session_.native(), "the table was changed");
      static_cast<void>(end());
      return fail(ErrorCode::busy, "the table was changed meanwhile");
    }
    if (is_failure(result.get())) {
      Error error = session_.failure(result.get());
      static_cast<void>(session_.next_result());  // null: the server is done with it
      return fail(std::move(error));
    }
    // The last one before the COPY's.
    if (PQntuples(result.get()) == 1) shape = PQgetvalue(result.get(), 0, 0);
  }
  return fail(session_.failure(nullptr));
}

Result<void> StandingCopy::send(std::span<const server::RowBatch> batches) {
  ByteBuffer buffer(buffer_bytes);
  const auto put = [&]() -> Result<void> {
    const int sent =
        PQputCopyData(session_.native(), buffer.data(), static_cast<int>(buffer.size()));
    buffer.clear();
    return sent == 1 ? Result<void>() : fail(session_.failure(nullptr));
  };
  buffer.append(encoder_->header().data(), encoder_->header().size());
  for (const server::RowBatch& batch : batches) {
    for (size_t row = 0; row < batch.rows;) {
      row += encoder_->encode(batch, row, buffer);
      if (row < batch.rows) WEIR_TRY(put());
    }
  }
  if (buffer.room() < encoder_->trailer().size()) WEIR_TRY(put());
  buffer.append(encoder_->trailer().data(), encoder_->trailer().size());
  WEIR_TRY(put());
  if (PQputCopyEnd(session_.native(), nullptr) != 1) return fail(session_.failure(nullptr));
  return {};
}

/// Gives how many rows the server took.
Result<uint64_t> StandingCopy::end() {
  ResultPointer failed;
  uint64_t rows = 0;
  while (ResultPointer result = session_.next_result()) {
    // Still copying: the end could not be sent.
    if (PQresultStatus(result.get()) == PGRES_COPY_IN) break;
    if (is_failure(result.get())) {
      if (!failed) failed = std::move(result);
    } else {
      rows = std::strtoull(PQcmdTuples(result.get()), nullptr, 10);
    }
    if (PQstatus(session_.native()) == CONNECTION_BAD) break;
  }
  if (failed || !session_.works()) return fail(session_.failure(failed.get()));
  return rows;
}

Result<void> StandingCopy::write(std::span<const server::RowBatch> batches) {
  WEIR_TRY(check_values(batches));
  uint64_t rows = 0;
  for (const server::RowBatch& batch : batches) rows += batch.rows;
  WEIR_TRY(begin());
  const auto sent = send(batches);
  if (!sent) {
    PQputCopyEnd(session_.native(), "the load was given up");
    // What the server says tells more than that it does not listen any more.
    auto ended = end();
    return fail(ended ? sent.error() : std::move(ended).error());
  }
  if (WEIR_TRY(end()) == rows) return {};
  return fail(ErrorCode::busy, "a trigger or rule of the server's leaves rows out");
}

}  // namespace weir::postgres
