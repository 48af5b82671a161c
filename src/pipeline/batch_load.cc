#include "pipeline/batch_load.h"

#include <fmt/format.h>

#include "base/fault_point.h"
#include "pipeline/reject_report.h"
#include "text/receipt_json.h"

namespace weir::pipeline {
namespace {

using SteadyClock = std::chrono::steady_clock;

double elapsed_ms(SteadyClock::time_point since) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - since).count();
}

RejectCollector::Limits limits_of(const Table& table) {
  RejectCollector::Limits limits;
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
        collector_(inputs.size(), limits_of(*session.parts().table),
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
  Result<void> write_ledger(const std::vector<Receipt>& receipts);
  Error explain(Error error);
  void note_progress(uint64_t records);

  Session& session_;
  std::span<Input> inputs_;
  const LoadContext& context_;
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
  const Timestamp now = context_.clock.now();
  const Table& table = *session_.parts().table;
  for (Input& input : inputs_) WEIR_TRY(input.close());
  if (collector_.over_limit()) return fail(limit_error(table));
  auto rejects = WEIR_TRY(report_rejects(session_, collector_, inputs_, now, Quarantine::write));

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
    WEIR_TRY(judge_ratio(table, rows));
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

Result<void> BatchLoad::write_ledger(const std::vector<Receipt>& receipts) {
  std::vector<Ledger::NewLoad> loads;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Input& input = inputs_[i];
    Ledger::NewLoad load;
    load.key = input.key;
    load.version = input.version;
    load.size_bytes = input.before.size_bytes;
    load.attempt = input.latest ? input.latest->next_attempt(input.version) : 1;
    load.table = session_.parts().table->name;
    load.receipt = &receipts[i];
    load.receipt_json = text::to_json(receipts[i]).to_string();
    load.committed_at = context_.clock.now();
    loads.push_back(std::move(load));
  }
  return session_.ledger().write_loads(loads);
}

Result<std::vector<Receipt>> BatchLoad::run() {
  WEIR_TRY(stage());
  std::unique_lock<std::mutex> lock;
  if (session_.load().keyed()) lock = std::unique_lock(context_.table_lock);
  auto transaction = WEIR_TRY(duckdb::Transaction::begin(session_.connection()));
  auto counts = WEIR_TRY(apply());
  auto receipts = WEIR_TRY(make_receipts(std::move(counts)));
  WEIR_TRY(write_ledger(receipts));
  fault_point("before-commit");
  WEIR_TRY(transaction.commit());
  fault_point("after-commit");
  return receipts;
}

/// After the rollback: which rows were too many. What cannot be told any more is left out.
LoadFailure BatchLoad::failure(Error error) {
  LoadFailure failure{std::move(error), {}, {}};
  if (failure.error.code != ErrorCode::too_many_rejects || inputs_.size() != 1) return failure;
  if (!drain(inputs_.front())) return failure;
  auto rejects =
      report_rejects(session_, collector_, inputs_, context_.clock.now(), Quarantine::show_only);
  if (!rejects) return failure;
  // The other rows were rolled back and are read again: only the rejected ones are answered for.
  failure.rows.read = failure.rows.rejected = rejects->front().rows;
  failure.error.message += fmt::format("; {} rows had been read and {} rejected",
                                       collector_.rows_read(0), rejects->front().rows);
  failure.rejects = std::move(rejects->front().listed);
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

}  // namespace

Result<Receipt> load_query(Session& session, const Run& run, const LoadContext& context) {
  const auto started = SteadyClock::now();
  const Table& table = *session.parts().table;
  RejectCollector collector(1, limits_of(table), context.project.state_dir() / "spool",
                            context.progress.cancel,
                            [&](uint64_t records) { context.progress.rows_read += records; });
  const SlotUse use(*session.slot(), collector);
  WEIR_TRY(session.load().plan());
  const auto parameters = WEIR_TRY(session.parameters(run.scheduled_for));

  std::unique_lock<std::mutex> lock;
  if (session.load().keyed()) lock = std::unique_lock(context.table_lock);
  auto transaction = WEIR_TRY(duckdb::Transaction::begin(session.connection()));
  fault_point("before-stage");
  WEIR_TRY(session.load().stage(parameters));
  const auto reject_row = [&](int64_t row, const std::string& key, bool in_batch) {
    collector.reject(row, session.key_rule_number(in_batch), key);
  };
  const auto counts = WEIR_TRY(session.load().apply(1, parameters, reject_row));
  if (collector.over_limit()) return fail(limit_error(table));

  Receipt receipt;
  receipt.run = run.id;
  receipt.pipeline = run.pipeline;
  receipt.version = ObjectVersion(run.id.value());
  auto rejects =
      WEIR_TRY(report_query_rejects(session, collector, run, receipt.version, context.clock.now()));
  RowCounts& rows = receipt.rows;
  rows.inserted = counts[0].inserted;
  rows.updated = counts[0].updated;
  rows.unchanged = counts[0].unchanged;
  rows.deduplicated = counts[0].deduplicated;
  rows.filtered = collector.rows_filtered(0);
  rows.rejected = rejects.rows;
  rows.read = collector.rows_read(0);
  if (!rows.balances()) {
    return fail(ErrorCode::internal, "the receipt of the query's rows does not balance");
  }
  WEIR_TRY(judge_ratio(table, rows));
  receipt.status = state_of(rows);
  receipt.rejects = std::move(rejects.listed);
  receipt.duration_ms = elapsed_ms(started);

  Ledger::NewLoad load;
  load.key = session.ledger_key(std::nullopt);
  load.version = receipt.version;
  load.table = table.name;
  load.receipt = &receipt;
  load.receipt_json = text::to_json(receipt).to_string();
  load.committed_at = context.clock.now();
  WEIR_TRY(session.ledger().write_loads({&load, 1}));
  fault_point("before-commit");
  WEIR_TRY(transaction.commit());
  fault_point("after-commit");
  return receipt;
}

}  // namespace weir::pipeline
