#include "pipeline/batch_load.h"

#include <fmt/format.h>

#include "base/fault_point.h"
#include "pipeline/reject_report.h"

namespace weir::pipeline {
namespace {

using SteadyClock = std::chrono::steady_clock;

double elapsed_ms(SteadyClock::time_point since) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - since).count();
}

RejectCollector::Limits limits_of(const Table& table, const LoadBook& book) {
  RejectCollector::Limits limits;
  if (!book.limited()) return limits;
  limits.rejected_rows =
      table.on_bad_row == OnBadRow::fail ? std::optional<uint64_t>(0) : table.stop_at.rejected;
  return limits;
}

Error too_many(const Table& table, const std::string& what) {
  return {ErrorCode::too_many_rejects,
          fmt::format("table '{}' takes no more rejects than {}", table.name.value(), what),
          "see the rejected rows; mend the input or raise the limit", table.location};
}

Error limit_error(const Table& table) {
  if (table.on_bad_row == OnBadRow::fail) return too_many(table, "none (on_bad_row: fail)");
  return too_many(table, fmt::format("{} rows (stop_at.rejected)", *table.stop_at.rejected));
}

Result<void> judge_ratio(const Table& table, const RowCounts& rows) {
  if (!table.stop_at.ratio || rows.read == 0) return {};
  const double ratio = static_cast<double>(rows.rejected) / static_cast<double>(rows.read);
  if (ratio <= *table.stop_at.ratio) return {};
  return fail(too_many(table, fmt::format("{:g}% of the rows (stop_at.ratio), and {} of {} were",
                                          *table.stop_at.ratio * 100, rows.rejected, rows.read)));
}

RunState state_of(const RowCounts& rows) {
  return rows.rejected > 0 ? RunState::partial : RunState::succeeded;
}

/// Reads what is left of a stopped input, so that its rejects can be located.
Result<void> drain(Input& input) {
  text::RecordBlock block;
  while (WEIR_TRY(input.blocks->next(block))) input.blocks->digest(block);
  return {};
}

/// One attempt to load a batch.
class BatchLoad {
 public:
  BatchLoad(Session& session, std::span<Input> inputs, const LoadContext& context)
      : session_(session),
        inputs_(inputs),
        context_(context),
        ledger_(session, context.clock, LedgerBook::Rows::committed),
        book_(context.book != nullptr ? *context.book : ledger_),
        collector_(inputs.size(), limits_of(*session.parts().table, book_),
                   context.project.state_dir() / "spool", context.progress.cancel,
                   [this](uint64_t records) { note_progress(records); }),
        bytes_before_(context.progress.bytes_read) {}
  ~BatchLoad() { session_.slot()->clear_inputs(); }
  BatchLoad(const BatchLoad&) = delete;
  BatchLoad& operator=(const BatchLoad&) = delete;

  Result<std::vector<Receipt>> run();
  LoadFailure failure(Error error);

 private:
  Result<void> stage();
  Result<std::vector<LoadCounts>> apply();
  Result<std::vector<Receipt>> make_receipts(std::vector<LoadCounts> counts);
  Result<void> quarantine(InputRejects& rejects);
  Error explain(Error error);
  void note_progress(uint64_t records);

  Session& session_;
  std::span<Input> inputs_;
  const LoadContext& context_;
  LedgerBook ledger_;
  LoadBook& book_;
  RejectCollector collector_;
  uint64_t bytes_before_;
  std::vector<duckdb::Parameter> parameters_;
  SteadyClock::time_point started_ = SteadyClock::now();
};

void BatchLoad::note_progress(uint64_t records) {
  context_.progress.rows_read += records;
  uint64_t bytes = bytes_before_;
  for (const Input& input : inputs_) bytes += input.blocks->bytes_read();
  context_.progress.bytes_read = bytes;
}

/// DuckDB says only that the scan stopped; the collector knows why.
Error BatchLoad::explain(Error error) {
  if (auto input_error = collector_.input_error()) return *std::move(input_error);
  if (collector_.over_limit()) return limit_error(*session_.parts().table);
  if (context_.progress.cancel) return {ErrorCode::cancelled, "the run was stopped", ""};
  return error;
}

Result<void> BatchLoad::stage() {
  std::vector<text::RecordBlocks*> blocks;
  for (Input& input : inputs_) {
    WEIR_TRY(input.open());
    blocks.push_back(input.blocks.get());
  }
  session_.slot()->set_inputs(std::move(blocks), collector_, context_.threads);
  parameters_ = WEIR_TRY(session_.parameters(inputs_.front().run->scheduled_for));
  fault_point("before-stage");
  auto staged = session_.load().stage(parameters_);
  if (!staged) return fail(explain(staged.error()));
  return {};
}

Result<std::vector<LoadCounts>> BatchLoad::apply() {
  const auto reject_row = [this](int64_t row, const std::string& key, bool in_batch) {
    collector_.reject(row, session_.key_rule_number(in_batch), key);
  };
  auto counts = session_.load().apply(inputs_.size(), parameters_, reject_row);
  if (!counts) return fail(explain(counts.error()));
  return counts;
}

Result<std::vector<Receipt>> BatchLoad::make_receipts(std::vector<LoadCounts> counts) {
  const Table& table = *session_.parts().table;
  for (Input& input : inputs_) WEIR_TRY(input.close());
  if (collector_.over_limit()) return fail(limit_error(table));
  auto rejects = WEIR_TRY(report_rejects(session_, collector_, inputs_, &book_));

  std::vector<Receipt> receipts;
  uint64_t passed = 0;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Receipt receipt;
    receipt.run = inputs_[i].run->id;
    receipt.pipeline = inputs_[i].run->pipeline;
    receipt.object = inputs_[i].run->object;
    receipt.version = inputs_[i].version;
    RowCounts& rows = receipt.rows;
    rows.read = collector_.rows_read(i);
    rows.filtered = collector_.rows_filtered(i);
    rows.rejected = rejects[i].rows;
    rows.updated = counts[i].updated;
    rows.unchanged = counts[i].unchanged;
    rows.deduplicated = counts[i].deduplicated;
    // Without a key nothing is staged per input: the sum is compared below.
    rows.inserted =
        session_.load().keyed() ? counts[i].inserted : rows.read - rows.filtered - rows.rejected;
    passed += rows.inserted;
    if (!rows.balances()) {
      return fail(ErrorCode::internal,
                  fmt::format("the receipt does not balance: read {}, inserted {}, updated {}, "
                              "unchanged {}, deduplicated {}, filtered {}, rejected {}",
                              rows.read, rows.inserted, rows.updated, rows.unchanged,
                              rows.deduplicated, rows.filtered, rows.rejected));
    }
    if (book_.limited()) WEIR_TRY(judge_ratio(table, rows));
    receipt.status = state_of(rows);
    receipt.rejects = std::move(rejects[i].listed);
    receipt.duration_ms = elapsed_ms(started_);
    receipts.push_back(std::move(receipt));
  }
  if (!session_.load().keyed() && passed != counts[0].inserted) {
    return fail(ErrorCode::internal,
                fmt::format("{} rows passed and {} were inserted", passed, counts[0].inserted));
  }
  return receipts;
}

Result<std::vector<Receipt>> BatchLoad::run() {
  WEIR_TRY(stage());
  std::unique_lock<std::mutex> lock;
  if (session_.load().keyed()) lock = std::unique_lock(context_.table_lock);
  auto transaction = WEIR_TRY(duckdb::Transaction::begin(session_.connection()));
  auto counts = WEIR_TRY(apply());
  auto receipts = WEIR_TRY(make_receipts(std::move(counts)));
  WEIR_TRY(book_.close(inputs_, receipts));
  fault_point("before-commit");
  WEIR_TRY(transaction.commit());
  fault_point("after-commit");
  return receipts;
}

/// The rejects of a load that was rolled back because of them: shown, and kept when the input can
/// still be told by its version.
Result<void> BatchLoad::quarantine(InputRejects& rejects) {
  LedgerBook book(session_, context_.clock, LedgerBook::Rows::rolled_back);
  const bool kept = context_.book == nullptr && inputs_.front().close().has_value();
  if (!kept) {
    rejects = WEIR_TRY(report_rejects(session_, collector_, inputs_, nullptr)).front();
    return {};
  }
  auto transaction = WEIR_TRY(duckdb::Transaction::begin(session_.connection()));
  rejects = WEIR_TRY(report_rejects(session_, collector_, inputs_, &book)).front();
  return transaction.commit();
}

/// After the rollback: which rows were too many. What cannot be told any more is left out.
LoadFailure BatchLoad::failure(Error error) {
  LoadFailure failure{std::move(error), {}, {}};
  if (failure.error.code != ErrorCode::too_many_rejects || inputs_.size() != 1) return failure;
  InputRejects rejects;
  if (!drain(inputs_.front()) || !quarantine(rejects)) return failure;
  // The other rows were rolled back and are read again: only the rejected ones are answered for.
  failure.rows.read = failure.rows.rejected = rejects.rows;
  failure.error.message +=
      fmt::format("; {} rows had been read and {} rejected", collector_.rows_read(0), rejects.rows);
  failure.rejects = std::move(rejects.listed);
  return failure;
}

}  // namespace

tl::expected<std::vector<Receipt>, LoadFailure> load_objects(Session& session,
                                                             std::span<Input> inputs,
                                                             const LoadContext& context) {
  BatchLoad load(session, inputs, context);
  auto receipts = load.run();
  if (receipts) return *std::move(receipts);
  return tl::unexpected(load.failure(std::move(receipts).error()));
}

namespace {

/// Verdicts reach the collector while this lives.
class SlotUse {
 public:
  SlotUse(duckdb::ScanSlot& slot, RejectCollector& collector) : slot_(slot) {
    slot_.set_inputs({}, collector, 1);
  }
  ~SlotUse() { slot_.clear_inputs(); }
  SlotUse(const SlotUse&) = delete;
  SlotUse& operator=(const SlotUse&) = delete;

 private:
  duckdb::ScanSlot& slot_;
};

/// One execution of a pipeline that begins with sql.
class QueryLoad {
 public:
  QueryLoad(Session& session, const Run& run, const LoadContext& context)
      : session_(session),
        context_(context),
        book_(session, context.clock, LedgerBook::Rows::committed),
        collector_(1, limits_of(*session.parts().table, book_),
                   context.project.state_dir() / "spool", context.progress.cancel,
                   [this](uint64_t records) { context_.progress.rows_read += records; }),
        use_(*session.slot(), collector_) {
    input_.run = &run;
    input_.key = session.ledger_key(std::nullopt);
    input_.version = ObjectVersion(run.id.value());
  }

  Result<Receipt> run();
  LoadFailure failure(Error error);

 private:
  Result<Receipt> make_receipt(const LoadCounts& counts);

  Session& session_;
  const LoadContext& context_;
  LedgerBook book_;
  RejectCollector collector_;
  SlotUse use_;
  Input input_;  // of no bucket: run, key and version
  SteadyClock::time_point started_ = SteadyClock::now();
};

Result<Receipt> QueryLoad::make_receipt(const LoadCounts& counts) {
  const Table& table = *session_.parts().table;
  if (collector_.over_limit()) return fail(limit_error(table));
  Receipt receipt;
  receipt.run = input_.run->id;
  receipt.pipeline = input_.run->pipeline;
  receipt.version = input_.version;
  auto rejects = WEIR_TRY(report_query_rejects(session_, collector_, input_, book_));
  RowCounts& rows = receipt.rows;
  rows.inserted = counts.inserted;
  rows.updated = counts.updated;
  rows.unchanged = counts.unchanged;
  rows.deduplicated = counts.deduplicated;
  rows.filtered = collector_.rows_filtered(0);
  rows.rejected = rejects.rows;
  rows.read = collector_.rows_read(0);
  if (!rows.balances()) {
    return fail(ErrorCode::internal, "the receipt of the query's rows does not balance");
  }
  WEIR_TRY(judge_ratio(table, rows));
  receipt.status = state_of(rows);
  receipt.rejects = std::move(rejects.listed);
  receipt.duration_ms = elapsed_ms(started_);
  return receipt;
}

Result<Receipt> QueryLoad::run() {
  WEIR_TRY(session_.load().plan());
  const auto parameters = WEIR_TRY(session_.parameters(input_.run->scheduled_for));

  std::unique_lock<std::mutex> lock;
  if (session_.load().keyed()) lock = std::unique_lock(context_.table_lock);
  auto transaction = WEIR_TRY(duckdb::Transaction::begin(session_.connection()));
  fault_point("before-stage");
  WEIR_TRY(session_.load().stage(parameters));
  const auto reject_row = [&](int64_t row, const std::string& key, bool in_batch) {
    collector_.reject(row, session_.key_rule_number(in_batch), key);
  };
  const auto counts = WEIR_TRY(session_.load().apply(1, parameters, reject_row));
  Receipt receipt = WEIR_TRY(make_receipt(counts.front()));
  WEIR_TRY(book_.close({&input_, 1}, {&receipt, 1}));
  fault_point("before-commit");
  WEIR_TRY(transaction.commit());
  fault_point("after-commit");
  return receipt;
}

LoadFailure QueryLoad::failure(Error error) {
  LoadFailure failure{std::move(error), {}, {}};
  if (failure.error.code != ErrorCode::too_many_rejects) return failure;
  const auto quarantine = [&]() -> Result<InputRejects> {
    LedgerBook book(session_, context_.clock, LedgerBook::Rows::rolled_back);
    auto transaction = WEIR_TRY(duckdb::Transaction::begin(session_.connection()));
    auto rejects = WEIR_TRY(report_query_rejects(session_, collector_, input_, book));
    WEIR_TRY(transaction.commit());
    return rejects;
  };
  if (auto rejects = quarantine()) {
    failure.rows.read = failure.rows.rejected = rejects->rows;
    failure.rejects = std::move(rejects->listed);
  }
  return failure;
}

}  // namespace

tl::expected<Receipt, LoadFailure> load_query(Session& session, const Run& run,
                                              const LoadContext& context) {
  QueryLoad load(session, run, context);
  auto receipt = load.run();
  if (receipt) return *std::move(receipt);
  return tl::unexpected(load.failure(std::move(receipt).error()));
}

}  // namespace weir::pipeline
