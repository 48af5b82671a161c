#include "postgres/bulk_load.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "postgres/catalog.h"
#include "postgres/copy_binary.h"
#include "postgres/copy_text.h"
#include "postgres/value_guard.h"

namespace weir::postgres {

namespace {

/// What keeps the load from COPY binary; empty: nothing.
std::string way_of(std::span<const ColumnPlan> plans) {
  std::string columns;
  for (const ColumnPlan& plan : plans) {
    if (plan.straight) continue;
    columns += fmt::format("{}column {} is {}, loaded with {}", columns.empty() ? "" : ", ",
                           plan.name, plan.target.name, plan.type.to_string());
  }
  return columns.empty() ? std::string() : "COPY text: " + columns;
}

std::string statement_for(const Session& session, const server::BulkTarget& target, bool binary) {
  std::string columns;
  for (const auto& column : target.columns) {
    if (!columns.empty()) columns += ", ";
    columns += session.quote_identifier(column.name);
  }
  return fmt::format("COPY {} ({}) FROM STDIN (FORMAT {})", quoted_table(session, target), columns,
                     binary ? "binary" : "text");
}

}  // namespace

Result<std::unique_ptr<server::BulkLoad>> CopyLoad::start(Session& session,
                                                          const server::BulkTarget& target) {
  WEIR_CHECK(!target.columns.empty(), "a bulk load without columns");
  auto plans = WEIR_TRY(plan_columns(session, target));
  std::string way = way_of(plans);
  const bool binary = way.empty();
  if (!binary) log::debug("postgres: {} goes by {}", target.table, way);
  auto encoder = binary ? make_binary_encoder(plans) : make_text_encoder(plans);
  std::unique_ptr<CopyLoad> load(new CopyLoad(session, std::move(plans), std::move(encoder),
                                              statement_for(session, target, binary),
                                              std::move(way)));
  WEIR_TRY(load->sender_.begin());
  session.set_load(load.get());
  return load;
}

CopyLoad::CopyLoad(Session& session, std::vector<ColumnPlan> plans,
                   std::unique_ptr<RowEncoder> encoder, std::string statement, std::string way)
    : session_(session),
      plans_(std::move(plans)),
      encoder_(std::move(encoder)),
      way_(std::move(way)),
      sender_(session, std::move(statement), encoder_->header(), encoder_->trailer()),
      buffer_(queue_.take_empty()) {}

CopyLoad::~CopyLoad() { abandon(); }

Result<void> CopyLoad::check_values(const server::RowBatch& batch) {
  std::optional<ValueFault> first;
  size_t first_column = 0;
  for (size_t i = 0; i < plans_.size(); ++i) {
    const auto fault = find_fault(plans_[i], batch.columns[i], batch.rows);
    if (!fault || (first && first->row <= fault->row)) continue;
    first = fault;
    first_column = i;
  }
  if (!first) return {};
  abandon();
  const std::string& column = plans_[first_column].name;
  const uint64_t row = rows_ + first->row + 1;
  session_.set_refusal({.by_row = true,
                        .state = std::string(first->state),
                        .constraint = {},
                        .column = column,
                        .routine = {},
                        .message = std::string(first->reason),
                        .row = row});
  return fail(ErrorCode::invalid_input,
              fmt::format("row {}: the value of column {}, {} in the database, cannot be kept: {}",
                          row, column, plans_[first_column].target.name, first->reason),
              "change the value in a select step, or the column in the database");
}

Result<void> CopyLoad::append(const server::RowBatch& batch) {
  WEIR_CHECK(!over_, "rows for a bulk load that is over");
  WEIR_CHECK(batch.columns.size() == plans_.size(), "a batch of other columns than the load's");
  WEIR_TRY(check_values(batch));
  for (size_t row = 0; row < batch.rows;) {
    row += encoder_->encode(batch, row, *buffer_);
    if (row < batch.rows) WEIR_TRY(hand_over());
  }
  rows_ += batch.rows;
  return {};
}

Result<void> CopyLoad::hand_over() {
  if (!thread_.joinable()) thread_ = std::thread([this] { send_all(); });
  queue_.push_full(std::move(*buffer_));
  buffer_ = queue_.take_empty();
  if (buffer_) return {};
  auto sent = join();
  over();
  WEIR_CHECK(!sent, "nobody sends, and nothing went wrong");
  return fail(std::move(sent).error());
}

void CopyLoad::send_all() {
  while (auto full = queue_.take_full()) {
    sent_ = sender_.send(full->data(), full->size());
    if (!sent_) break;
    queue_.push_empty(std::move(*full));
  }
  queue_.stop();
}

Result<void> CopyLoad::join() {
  if (!thread_.joinable()) return {};
  queue_.close();
  thread_.join();
  return std::move(sent_);
}

Result<uint64_t> CopyLoad::finish() {
  WEIR_CHECK(!over_, "a bulk load is finished once");
  Result<void> sent = join();
  if (sent) sent = sender_.send(buffer_->data(), buffer_->size());
  if (!sent) {
    over();
    return fail(std::move(sent).error());
  }
  auto rows = sender_.end();
  over();
  return rows;
}

void CopyLoad::abandon() {
  if (over_) return;
  if (thread_.joinable()) {
    // The server may be waiting for somebody's lock, and the thread for the server.
    queue_.stop();
    session_.interrupt();
    (void)join();
  }
  sender_.abort();
  over();
}

void CopyLoad::over() {
  over_ = true;
  session_.set_load(nullptr);
}

}  // namespace weir::postgres
