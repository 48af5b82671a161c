#include "pipeline/replay_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/table_load.h"
#include "text/receipt_json.h"

namespace weir::pipeline {
namespace {

using duckdb::Parameter;

constexpr const char* create_rows_sql =
    "CREATE OR REPLACE TEMP TABLE weir_replay_rows (ordinal BIGINT, reject_id BIGINT, "
    "element BIGINT, line BIGINT, byte_begin BIGINT, byte_end BIGINT, mended VARCHAR)";
/// What the load rejects; `produced` is set where the row is not the record but made of it.
constexpr const char* create_bad_sql =
    "CREATE OR REPLACE TEMP TABLE weir_replay_bad (ordinal BIGINT, field VARCHAR, rule VARCHAR, "
    "value VARCHAR, message VARCHAR, problems VARCHAR, produced VARCHAR, entry_step INTEGER)";

Parameter number(uint64_t value) { return static_cast<int64_t>(value); }
Parameter text_or_null(const std::string& text) {
  return text.empty() ? Parameter() : Parameter(text);
}

}  // namespace

void add_to_receipt(Receipt& whole, const Receipt& part) {
  for (uint64_t RowCounts::*const count :
       {&RowCounts::read, &RowCounts::expanded, &RowCounts::folded, &RowCounts::inserted,
        &RowCounts::updated, &RowCounts::unchanged, &RowCounts::deduplicated, &RowCounts::filtered,
        &RowCounts::rejected, &RowCounts::replaced}) {
    whole.rows.*count += part.rows.*count;
  }
  for (const auto& [rule, rows] : part.broken_rules) whole.broken_rules[rule] += rows;
  for (const Reject& reject : part.rejects) {
    if (whole.rejects.size() == Receipt::listed_rejects) break;
    whole.rejects.push_back(reject);
  }
  whole.status = whole.rows.rejected > 0 ? RunState::partial : RunState::succeeded;
  whole.duration_ms += part.duration_ms;
}

ReplayBook::ReplayBook(Session& session, const Clock& clock, const RejectedRun& rejected,
                       std::string dictionary_version, const Receipt& before)
    : session_(session),
      clock_(clock),
      rejected_(rejected),
      dictionary_version_(std::move(dictionary_version)),
      before_(before) {}

Parameter ReplayBook::now() const {
  return duckdb::TimestampValue{clock_.now().time_since_epoch().count()};
}

Result<void> ReplayBook::begin_rows() {
  WEIR_TRY(session_.connection().run(create_rows_sql));
  WEIR_TRY(session_.connection().run(create_bad_sql));
  appender_ = WEIR_TRY(session_.connection().appender("temp", "main", "weir_replay_rows"));
  return {};
}

Result<void> ReplayBook::add_row(const ReplayRow& row) {
  const StoredReject& reject = *row.reject;
  const Parameter values[] = {
      number(++rows_),           reject.id,
      number(reject.element),    reject.line ? number(*reject.line) : Parameter(),
      number(reject.byte_begin), number(reject.byte_end),
      text_or_null(row.mended)};
  return appender_->row(values);
}

Result<void> ReplayBook::end_rows() {
  WEIR_TRY(appender_->close());
  appender_.reset();
  return {};
}

Result<void> ReplayBook::begin_rejects() {
  appender_ = WEIR_TRY(session_.connection().appender("temp", "main", "weir_replay_bad"));
  return {};
}

Result<void> ReplayBook::write_reject(const Input& /*input*/, const Reject& reject) {
  const bool made = !reject.produced.empty();
  ++(made ? new_rejects_ : bad_rows_);
  const Problem& first = reject.problems.front();
  const Parameter values[] = {number(reject.element),
                              text_or_null(first.field),
                              first.rule,
                              text_or_null(first.value),
                              text_or_null(first.message),
                              problems_json(reject.problems),
                              text_or_null(reject.produced),
                              made ? Parameter(int64_t{reject.entry_step}) : Parameter()};
  return appender_->row(values);
}

Result<void> ReplayBook::end_rejects() { return end_rows(); }

/// Rejects whose record is good now.
Result<void> ReplayBook::resolve(const RunId& replay) {
  const Parameter values[] = {rejected_.run.value(), replay.value(), now()};
  const auto resolved = WEIR_TRY(session_.connection().run(
      "UPDATE weir_rejects SET resolution = 'replayed', resolved_by = $2, resolved_at = $3, "
      "mended = coalesce(m.mended, weir_rejects.mended) FROM temp.weir_replay_rows m "
      "WHERE weir_rejects.reject_id = m.reject_id AND weir_rejects.run_id = $1 AND "
      "weir_rejects.resolution IS NULL AND m.ordinal NOT IN "
      "(SELECT ordinal FROM temp.weir_replay_bad WHERE produced IS NULL)",
      values));
  if (static_cast<uint64_t>(resolved.changed()) != rows_ - bad_rows_) {
    return fail(ErrorCode::busy, "rejects of run " + rejected_.run.value() +
                                     " were resolved while they were replayed");
  }
  return {};
}

/// Rejects whose record is still not good: they say why now.
Result<void> ReplayBook::keep_rejected() {
  if (bad_rows_ == 0) return {};
  const Parameter values[] = {rejected_.run.value(), dictionary_version_};
  const auto kept = WEIR_TRY(session_.connection().run(
      "UPDATE weir_rejects SET field = b.field, rule = b.rule, value = b.value, "
      "message = b.message, problems = b.problems, dictionary_version = $2, "
      "mended = coalesce(b.mended, weir_rejects.mended) FROM "
      "(SELECT * FROM temp.weir_replay_bad JOIN temp.weir_replay_rows USING (ordinal) "
      "WHERE produced IS NULL) b "
      "WHERE weir_rejects.reject_id = b.reject_id AND weir_rejects.run_id = $1 AND "
      "weir_rejects.resolution IS NULL",
      values));
  if (static_cast<uint64_t>(kept.changed()) != bad_rows_) {
    return fail(ErrorCode::busy, "rejects of run " + rejected_.run.value() +
                                     " were resolved while they were replayed");
  }
  return {};
}

/// A record is good, and some of the rows it makes are not: rejects of the same record.
Result<void> ReplayBook::add_new_rejects() {
  if (new_rejects_ == 0) return {};
  const Parameter values[] = {dictionary_version_, now()};
  WEIR_TRY(session_.connection().run(
      "INSERT INTO weir_rejects BY NAME SELECT r.run_id, r.pipeline, r.table_name, r.bucket, "
      "r.key, r.version, r.element, r.line, r.byte_begin, r.byte_end, b.field, b.rule, b.value, "
      "b.message, b.problems, r.raw, $2::TIMESTAMPTZ AS rejected_at, "
      "nextval('weir_reject_ids') AS reject_id, r.step, $1::VARCHAR AS dictionary_version, "
      "b.produced, b.entry_step, r.header, FALSE AS rolled_back "
      "FROM temp.weir_replay_bad b JOIN temp.weir_replay_rows m USING (ordinal) "
      "JOIN weir_rejects r ON r.reject_id = m.reject_id WHERE b.produced IS NOT NULL",
      values));
  return {};
}

/// The rows came from records of the run whose rejects these are.
Result<void> ReplayBook::trace_rows(const RunId& replay) {
  const Table& table = *session_.parts().table;
  if (!table.lineage) return {};
  const Parameter values[] = {rejected_.run.value(), replay.value()};
  WEIR_TRY(session_.connection().run(
      fmt::format("UPDATE {} t SET weir_run = $1, weir_element = m.element "
                  "FROM temp.weir_replay_rows m WHERE t.weir_run = $2 AND t.weir_element = "
                  "m.ordinal",
                  target_name(table)),
      values));
  return {};
}

/// Who reads the receipt knows the records of the object, not those of the replay.
Result<void> ReplayBook::name_records(std::vector<Reject>& rejects) {
  if (rejects.empty()) return {};
  std::vector<uint64_t> ordinals;
  for (const Reject& reject : rejects) ordinals.push_back(reject.element);
  const auto rows = WEIR_TRY(session_.connection().run(
      fmt::format("SELECT ordinal, element, line, byte_begin, byte_end FROM temp.weir_replay_rows "
                  "WHERE ordinal IN ({})",
                  fmt::join(ordinals, ", "))));
  for (Reject& reject : rejects) {
    for (size_t row = 0; row < rows.size(); ++row) {
      const auto number = [&](size_t column) {
        return static_cast<uint64_t>(rows.int64(row, column));
      };
      if (number(0) != reject.element) continue;
      reject.element = number(1);
      reject.line = number(2);
      reject.byte_begin = number(3);
      reject.byte_end = number(4);
      break;
    }
  }
  return {};
}

Result<void> ReplayBook::close(std::span<const Input> inputs, std::span<Receipt> receipts) {
  Receipt& receipt = receipts.front();
  const RunId& replay = receipt.run;
  WEIR_TRY(resolve(replay));
  WEIR_TRY(keep_rejected());
  WEIR_TRY(add_new_rejects());
  WEIR_TRY(trace_rows(replay));
  WEIR_TRY(name_records(receipt.rejects));
  receipt.version = rejected_.version;
  Receipt whole = before_;
  add_to_receipt(whole, receipt);
  receipt = std::move(whole);

  NewLoad load;
  load.key = {rejected_.pipeline, rejected_.step, rejected_.object};
  load.version = rejected_.version;
  load.size_bytes = inputs.front().before.size_bytes;
  load.table = rejected_.table;
  load.receipt = &receipt;
  load.committed_at = clock_.now();
  load.replay_of = rejected_.run;
  return session_.ledger().write_loads({&load, 1});
}

}  // namespace weir::pipeline
