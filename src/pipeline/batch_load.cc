#include "pipeline/batch_load.h"

#include <fmt/format.h>

#include <stop_token>

#include "base/fault_point.h"
#include "pipeline/reject_report.h"

namespace weir::pipeline {
namespace {

using SteadyClock = std::chrono::steady_clock;

double elapsed_ms(SteadyClock::time_point since) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - since).count();
}

/// A plan reads on: it has nothing to lose, and tells the more.
RejectCollector::Limits limits_of(const Session& session, const LoadBook& book) {
  RejectCollector::Limits limits;
  if (!book.limited() || session.purpose() != LoadPurpose::load) return limits;
  const Table& table = *session.parts().table;
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

Result<void> judge_limits(const Table& table, const RowCounts& rows) {
  const auto limit =
      table.on_bad_row == OnBadRow::fail ? std::optional<uint64_t>(0) : table.stop_at.rejected;
  if (limit && rows.rejected > *limit) return fail(limit_error(table));
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

/// A plan has them already.
TableLocks::Held lock_tables(Session& session, const LoadContext& context) {
  if (session.purpose() != LoadPurpose::load) return {};
  const TableLoad& load = session.load();
  return context.table_locks.take(
      load.locked_tables(), load.needs_locks() ? TableLocks::Use::alone : TableLocks::Use::append);
}

/// A plan in a DuckDB file is one transaction, of which no part can be rolled back by itself.
bool is_indivisible(const Session& session) {
  return session.purpose() != LoadPurpose::load && !session.recovers();
}

SetRules::RejectRow rejecting_into(RejectCollector& collector, const Session& session) {
  return [&](const SetReject& reject) {
    collector.reject(reject.row, session.load_rule_number(reject.rule), reject.value,
                     reject.message);
    if (reject.produced.empty()) return;
    const int load_step = static_cast<int>(session.parts().pipeline->steps.size()) - 1;
    collector.produced(reject.row, load_step, reject.produced);
  };
}

/// What the steps before the load did with the rows of an input, its rejects aside.
void count_steps(const RejectCollector& collector, size_t input, const FoldCounts& folded,
                 RowCounts& rows) {
  rows.read = collector.rows_read(input);
  rows.expanded = collector.rows_expanded(input);
  rows.filtered = collector.rows_filtered(input) + folded.filtered;
  rows.folded = folded.folded;
  rows.deduplicated = folded.deduplicated;
}

/// Blocks are the stretches: records are numbered within them.
std::vector<LineageStretch> lineage_of(std::span<const Input> inputs) {
  static_assert(text::pack_row(1, 0) == uint64_t{1} << LineageStretch::bits);
  std::vector<LineageStretch> lineage;
  for (size_t i = 0; i < inputs.size(); ++i) {
    int64_t records = 0;
    const text::BlockIndex& index = inputs[i].blocks->index();
    for (size_t sequence = 0; sequence < index.size(); ++sequence) {
      const int64_t row = duckdb::make_row(static_cast<uint16_t>(i), text::pack_row(sequence, 0));
      lineage.push_back({row >> LineageStretch::bits, inputs[i].run->id.value(), records});
      records += index[sequence].records;
    }
  }
  return lineage;
}

/// A query's rows are numbered through, from 1.
std::vector<LineageStretch> lineage_of(const Run& run, uint64_t rows) {
  std::vector<LineageStretch> lineage;
  for (int64_t i = 0; i <= static_cast<int64_t>(rows) >> LineageStretch::bits; ++i) {
    lineage.push_back({i, run.id.value(), (i << LineageStretch::bits) - 1});
  }
  return lineage;
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
        collector_(inputs.size(), limits_of(session, book_), context.project.state_dir() / "spool",
                   context.progress.cancel, [this](uint64_t records) { note_progress(records); }),
        bytes_before_(context.progress.bytes_read) {}
  ~BatchLoad() {
    session_.slot()->clear_inputs();
    session_.clear_rows();
  }
  BatchLoad(const BatchLoad&) = delete;
  BatchLoad& operator=(const BatchLoad&) = delete;

  Result<std::vector<Receipt>> run();
  LoadFailure failure(Error error);

 private:
  Result<void> stage();
  Result<LoadDecision> decide();
  Result<uint64_t> write(LoadDecision& decision);
  Result<std::vector<Receipt>> make_receipts(const LoadDecision& decision);
  Result<void> check_inserted(const std::vector<Receipt>& receipts, uint64_t inserted) const;
  Result<std::vector<Receipt>> plan();
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
  std::vector<FoldCounts> folded_;
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
  session_.slot()->set_inputs(blocks, collector_, context_.threads);
  parameters_ = WEIR_TRY(session_.parameters(inputs_.front().run->scheduled_for));
  fault_point("before-stage");
  auto folded = session_.fold(inputs_.size(), inputs_.front().run->scheduled_for);
  if (!folded) return fail(explain(folded.error()));
  folded_ = *std::move(folded);
  auto staged = session_.load().stage(inputs_.size(), parameters_);
  if (!staged) return fail(explain(staged.error()));
  if (session_.load().reads_in_order()) {
    session_.slot()->set_inputs(std::move(blocks), collector_, 1);
  }
  return {};
}

Result<LoadDecision> BatchLoad::decide() {
  auto decision = session_.load().decide(inputs_.size(), rejecting_into(collector_, session_));
  if (!decision) return fail(explain(decision.error()));
  if (collector_.over_limit()) return fail(limit_error(*session_.parts().table));
  return decision;
}

Result<uint64_t> BatchLoad::write(LoadDecision& decision) {
  std::vector<LineageStretch> lineage;
  if (session_.parts().table->lineage) lineage = lineage_of(inputs_);
  const auto inserted = session_.load().write(
      decision, parameters_, lineage,
      {collector_.room(), rejecting_into(collector_, session_), context_.progress.cancel});
  if (!inserted) return fail(explain(inserted.error()));
  if (collector_.over_limit()) return fail(limit_error(*session_.parts().table));
  return *inserted;
}

Result<std::vector<Receipt>> BatchLoad::make_receipts(const LoadDecision& decision) {
  const Table& table = *session_.parts().table;
  for (Input& input : inputs_) WEIR_TRY(input.close());
  if (collector_.over_limit()) return fail(limit_error(table));
  auto rejects = WEIR_TRY(report_rejects(session_, collector_, inputs_, &book_));

  std::vector<Receipt> receipts;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Receipt receipt;
    receipt.run = inputs_[i].run->id;
    receipt.pipeline = inputs_[i].run->pipeline;
    receipt.object = inputs_[i].run->object;
    receipt.version = inputs_[i].version;
    RowCounts& rows = receipt.rows;
    count_steps(collector_, i, folded_[i], rows);
    rows.rejected = rejects[i].rows;
    // Where nothing is staged no input is counted by itself: the sum is compared below.
    const uint64_t passed_steps =
        rows.read + rows.expanded - rows.folded - rows.deduplicated - rows.filtered - rows.rejected;
    const LoadCounts& counts = decision.inputs[i];
    rows.updated = counts.updated;
    rows.unchanged = counts.unchanged;
    rows.deduplicated += counts.deduplicated;
    rows.inserted = session_.load().staged() ? counts.inserted : passed_steps;
    rows.replaced = decision.replaced;
    if (!rows.balances()) {
      return fail(ErrorCode::internal,
                  fmt::format("the receipt does not balance: read {}, expanded {}, folded {}, "
                              "inserted {}, updated {}, unchanged {}, deduplicated {}, filtered "
                              "{}, rejected {}",
                              rows.read, rows.expanded, rows.folded, rows.inserted, rows.updated,
                              rows.unchanged, rows.deduplicated, rows.filtered, rows.rejected));
    }
    if (book_.limited()) WEIR_TRY(judge_limits(table, rows));
    receipt.status = state_of(rows);
    receipt.rejects = std::move(rejects[i].listed);
    receipt.broken_rules = std::move(rejects[i].broken_rules);
    receipt.duration_ms = elapsed_ms(started_);
    receipt.way = session_.load().way();
    receipts.push_back(std::move(receipt));
  }
  return receipts;
}

Result<void> BatchLoad::check_inserted(const std::vector<Receipt>& receipts,
                                       uint64_t inserted) const {
  uint64_t passed = 0;
  for (const Receipt& receipt : receipts) passed += receipt.rows.inserted;
  if (passed == inserted) return {};
  return fail(ErrorCode::internal,
              fmt::format("{} rows passed and {} were inserted", passed, inserted));
}

/// In the session's transaction. What would fail is known before anything is written, so that the
/// inputs behind it find the tables as if it had been rolled back.
Result<std::vector<Receipt>> BatchLoad::plan() {
  WEIR_TRY(stage());
  LoadDecision decision = WEIR_TRY(decide());
  auto receipts = WEIR_TRY(make_receipts(decision));
  if (session_.purpose() == LoadPurpose::rehearse) {
    WEIR_TRY(check_inserted(receipts, WEIR_TRY(write(decision))));
  }
  WEIR_TRY(book_.close(inputs_, receipts));
  return receipts;
}

Result<std::vector<Receipt>> BatchLoad::run() {
  if (is_indivisible(session_)) return plan();
  context_.begin_phase("read");
  WEIR_TRY(stage());
  context_.begin_phase("decide");  // and before that, wait for others
  const auto locks = lock_tables(session_, context_);
  const auto transaction = WEIR_TRY(session_.begin());
  LoadDecision decision = WEIR_TRY(decide());
  context_.begin_phase("write");
  const bool writes = session_.purpose() != LoadPurpose::examine;
  const uint64_t inserted = writes ? WEIR_TRY(write(decision)) : 0;
  auto receipts = WEIR_TRY(make_receipts(decision));
  if (writes) WEIR_TRY(check_inserted(receipts, inserted));
  WEIR_TRY(book_.close(inputs_, receipts));
  context_.begin_phase("commit");
  fault_point("before-commit");
  WEIR_TRY(transaction->commit());
  fault_point("after-commit");
  return receipts;
}

/// The rejects of a load that was rolled back because of them: shown, and kept when the input can
/// still be told by its version.
Result<void> BatchLoad::quarantine(InputRejects& rejects) {
  LedgerBook book(session_, context_.clock, LedgerBook::Rows::rolled_back);
  if (is_indivisible(session_)) {
    rejects = WEIR_TRY(report_rejects(session_, collector_, inputs_, &book_)).front();
    return {};
  }
  if (session_.purpose() != LoadPurpose::load) {
    const auto transaction = WEIR_TRY(session_.begin());
    rejects = WEIR_TRY(report_rejects(session_, collector_, inputs_, &book_)).front();
    return transaction->commit();
  }
  const bool kept = context_.book == nullptr && inputs_.front().close().has_value();
  if (!kept) {
    rejects = WEIR_TRY(report_rejects(session_, collector_, inputs_, nullptr)).front();
    return {};
  }
  const auto transaction = WEIR_TRY(session_.begin());
  rejects = WEIR_TRY(report_rejects(session_, collector_, inputs_, &book)).front();
  return transaction->commit();
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
  failure.broken_rules = std::move(rejects.broken_rules);
  return failure;
}

}  // namespace

tl::expected<std::vector<Receipt>, LoadFailure> load_objects(Session& session,
                                                             std::span<Input> inputs,
                                                             const LoadContext& context) {
  for (;;) {
    BatchLoad load(session, inputs, context);
    auto receipts = load.run();
    if (receipts) return *std::move(receipts);
    if (session.load().turn_careful()) continue;
    return tl::unexpected(load.failure(std::move(receipts).error()));
  }
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
        ledger_(session, context.clock, LedgerBook::Rows::committed),
        book_(context.book != nullptr ? *context.book : ledger_),
        collector_(1, limits_of(session, book_), context.project.state_dir() / "spool",
                   context.progress.cancel,
                   [this](uint64_t records) { context_.progress.rows_read += records; }),
        use_(*session.slot(), collector_) {
    input_.run = &run;
    input_.key = session.ledger_key(std::nullopt);
    input_.version = ObjectVersion(run.id.value());
  }
  ~QueryLoad() { session_.clear_rows(); }
  QueryLoad(const QueryLoad&) = delete;
  QueryLoad& operator=(const QueryLoad&) = delete;

  Result<Receipt> run();
  LoadFailure failure(Error error);

 private:
  Result<Receipt> plan();
  Result<LoadDecision> decide();
  Result<uint64_t> write(LoadDecision& decision);
  Result<Receipt> make_receipt(const LoadDecision& decision, uint64_t inserted);

  Session& session_;
  const LoadContext& context_;
  LedgerBook ledger_;
  LoadBook& book_;
  RejectCollector collector_;
  SlotUse use_;
  Input input_;  // of no bucket: run, key and version
  std::vector<duckdb::Parameter> parameters_;
  FoldCounts folded_;
  SteadyClock::time_point started_ = SteadyClock::now();
};

Result<Receipt> QueryLoad::make_receipt(const LoadDecision& decision, uint64_t inserted) {
  const Table& table = *session_.parts().table;
  if (collector_.over_limit()) return fail(limit_error(table));
  Receipt receipt;
  receipt.run = input_.run->id;
  receipt.pipeline = input_.run->pipeline;
  receipt.version = input_.version;
  auto rejects = WEIR_TRY(report_query_rejects(session_, collector_, input_, &book_));
  RowCounts& rows = receipt.rows;
  const LoadCounts& counts = decision.inputs.front();
  count_steps(collector_, 0, folded_, rows);
  rows.inserted = inserted;
  rows.updated = counts.updated;
  rows.unchanged = counts.unchanged;
  rows.deduplicated += counts.deduplicated;
  rows.replaced = decision.replaced;
  rows.rejected = rejects.rows;
  if (!rows.balances()) {
    return fail(ErrorCode::internal, "the receipt of the query's rows does not balance");
  }
  if (book_.limited()) WEIR_TRY(judge_limits(table, rows));
  receipt.status = state_of(rows);
  receipt.rejects = std::move(rejects.listed);
  receipt.broken_rules = std::move(rejects.broken_rules);
  receipt.duration_ms = elapsed_ms(started_);
  receipt.way = session_.load().way();
  return receipt;
}

Result<LoadDecision> QueryLoad::decide() {
  // What takes long is a statement, here or on a server, which looks at no flag.
  const std::stop_callback stop(context_.progress.stopped(), [this] { session_.interrupt(); });
  WEIR_TRY(session_.fetch(input_.run->scheduled_for, context_.progress.cancel));
  folded_ = WEIR_TRY(session_.fold(1, input_.run->scheduled_for)).front();
  WEIR_TRY(session_.load().stage(1, parameters_));
  LoadDecision decision = WEIR_TRY(session_.load().decide(1, rejecting_into(collector_, session_)));
  if (collector_.over_limit()) return fail(limit_error(*session_.parts().table));
  return decision;
}

Result<uint64_t> QueryLoad::write(LoadDecision& decision) {
  std::vector<LineageStretch> lineage;
  if (session_.parts().table->lineage) {
    lineage = lineage_of(*input_.run, collector_.rows_read(0));
  }
  const uint64_t inserted = WEIR_TRY(session_.load().write(
      decision, parameters_, lineage,
      {collector_.room(), rejecting_into(collector_, session_), context_.progress.cancel}));
  if (collector_.over_limit()) return fail(limit_error(*session_.parts().table));
  return inserted;
}

/// As BatchLoad::plan.
Result<Receipt> QueryLoad::plan() {
  LoadDecision decision = WEIR_TRY(decide());
  const uint64_t expected = decision.inputs.front().inserted;
  Receipt receipt = WEIR_TRY(make_receipt(decision, expected));
  if (session_.purpose() == LoadPurpose::rehearse && WEIR_TRY(write(decision)) != expected) {
    return fail(ErrorCode::internal, "the rows inserted are not the rows decided");
  }
  WEIR_TRY(book_.close({&input_, 1}, {&receipt, 1}));
  return receipt;
}

Result<Receipt> QueryLoad::run() {
  WEIR_TRY(session_.load().plan());
  parameters_ = WEIR_TRY(session_.parameters(input_.run->scheduled_for));
  if (is_indivisible(session_)) return plan();

  context_.begin_phase("query");  // and before that, wait for others
  const auto locks = lock_tables(session_, context_);
  const auto transaction = WEIR_TRY(session_.begin());
  fault_point("before-stage");
  LoadDecision decision = WEIR_TRY(decide());
  context_.begin_phase("write");
  const bool writes = session_.purpose() != LoadPurpose::examine;
  const uint64_t inserted = writes ? WEIR_TRY(write(decision)) : decision.inputs.front().inserted;
  Receipt receipt = WEIR_TRY(make_receipt(decision, inserted));
  WEIR_TRY(book_.close({&input_, 1}, {&receipt, 1}));
  context_.begin_phase("commit");
  fault_point("before-commit");
  WEIR_TRY(transaction->commit());
  fault_point("after-commit");
  return receipt;
}

LoadFailure QueryLoad::failure(Error error) {
  LoadFailure failure{std::move(error), {}, {}};
  if (failure.error.code != ErrorCode::too_many_rejects) return failure;
  const auto quarantine = [&]() -> Result<InputRejects> {
    if (is_indivisible(session_)) {
      return report_query_rejects(session_, collector_, input_, &book_);
    }
    LedgerBook book(session_, context_.clock, LedgerBook::Rows::rolled_back);
    const auto transaction = WEIR_TRY(session_.begin());
    LoadBook* const kept = session_.purpose() == LoadPurpose::load ? &book : &book_;
    auto rejects = WEIR_TRY(report_query_rejects(session_, collector_, input_, kept));
    WEIR_TRY(transaction->commit());
    return rejects;
  };
  if (auto rejects = quarantine()) {
    failure.rows.read = failure.rows.rejected = rejects->rows;
    failure.rejects = std::move(rejects->listed);
    failure.broken_rules = std::move(rejects->broken_rules);
  }
  return failure;
}

}  // namespace

tl::expected<Receipt, LoadFailure> load_query(Session& session, const Run& run,
                                              const LoadContext& context) {
  for (;;) {
    QueryLoad load(session, run, context);
    auto receipt = load.run();
    if (receipt) return *std::move(receipt);
    if (session.load().turn_careful()) continue;
    Error error = std::move(receipt).error();
    if (context.progress.cancel) error = {ErrorCode::cancelled, "the run was stopped", ""};
    return tl::unexpected(load.failure(std::move(error)));
  }
}

}  // namespace weir::pipeline
