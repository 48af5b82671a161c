#include "pipeline/replay_book.h"

#include <fmt/format.h>

#include <algorithm>

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

std::vector<Column> columns(
    std::initializer_list<std::pair<const char*, const char*>> names_and_types) {
  std::vector<Column> made;
  for (const auto& [name, type] : names_and_types) {
    Column& column = made.emplace_back();
    column.name = name;
    column.type = *parse_data_type(type);
  }
  return made;
}

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
      target_(make_target_sql(session.connection(), session.server(), session.engine())),
      clock_(clock),
      rejected_(rejected),
      dictionary_version_(std::move(dictionary_version)),
      before_(before) {}

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
  const auto storable = [&](const std::string& text) {
    return text_or_null(target_->storable(text));
  };
  const Parameter values[] = {number(reject.element),
                              text_or_null(first.field),
                              first.rule,
                              storable(first.value),
                              storable(first.message),
                              problems_json(reject.problems),
                              text_or_null(reject.produced),
                              made ? Parameter(int64_t{reject.entry_step}) : Parameter()};
  return appender_->row(values);
}

Result<void> ReplayBook::end_rejects() { return end_rows(); }

/// What is unresolved of the run's rejects and among `rows`, which are so many.
Result<void> ReplayBook::update_rejects(const TargetSql::Assignments& assignments,
                                        const std::string& rows, uint64_t expected) {
  const std::string condition =
      "t.reject_id = u.reject_id AND t.resolution IS NULL AND t.run_id = " +
      target_->literal(rejected_.run.value());
  const auto updated =
      WEIR_TRY(target_->run(target_->update("weir_rejects", assignments, rows, condition)));
  if (updated.changed == expected) return {};
  return fail(ErrorCode::busy, "rejects of run " + rejected_.run.value() +
                                   " were resolved while they were replayed");
}

/// Rejects whose record is good now.
Result<void> ReplayBook::resolve(const RunId& replay) {
  const uint64_t good = rows_ - bad_rows_;
  if (good == 0) return {};
  const std::string rows = WEIR_TRY(
      target_->lend("weir_replay_good",
                    "SELECT reject_id, mended FROM temp.weir_replay_rows WHERE ordinal NOT IN "
                    "(SELECT ordinal FROM temp.weir_replay_bad WHERE produced IS NULL)",
                    columns({{"reject_id", "bigint"}, {"mended", "varchar"}}),
                    "SELECT reject_id, mended FROM weir_rejects"));
  return update_rejects({{"resolution", "'replayed'"},
                         {"resolved_by", target_->literal(replay.value())},
                         {"resolved_at", target_->moment(clock_.now())},
                         {"mended", "coalesce(u.mended, t.mended)"}},
                        rows, good);
}

/// Rejects whose record is still not good: they say why now.
Result<void> ReplayBook::keep_rejected() {
  if (bad_rows_ == 0) return {};
  const std::string rows = WEIR_TRY(target_->lend(
      "weir_replay_kept",
      "SELECT reject_id, field, rule, value, message, problems, mended FROM temp.weir_replay_bad "
      "JOIN temp.weir_replay_rows USING (ordinal) WHERE produced IS NULL",
      columns({{"reject_id", "bigint"},
               {"field", "varchar"},
               {"rule", "varchar"},
               {"value", "varchar"},
               {"message", "varchar"},
               {"problems", "varchar"},
               {"mended", "varchar"}}),
      "SELECT reject_id, field, rule, value, message, problems, mended FROM weir_rejects"));
  return update_rejects({{"field", "u.field"},
                         {"rule", "u.rule"},
                         {"value", "u.value"},
                         {"message", "u.message"},
                         {"problems", "u.problems"},
                         {"dictionary_version", target_->literal(dictionary_version_)},
                         {"mended", "coalesce(u.mended, t.mended)"}},
                        rows, bad_rows_);
}

/// A record is good, and some of the rows it makes are not: rejects of the same record.
Result<void> ReplayBook::add_new_rejects() {
  if (new_rejects_ == 0) return {};
  const std::string rows = WEIR_TRY(target_->lend(
      "weir_replay_made",
      "SELECT reject_id, field, rule, value, message, problems, produced, entry_step FROM "
      "temp.weir_replay_bad JOIN temp.weir_replay_rows USING (ordinal) WHERE produced IS NOT NULL",
      columns({{"reject_id", "bigint"},
               {"field", "varchar"},
               {"rule", "varchar"},
               {"value", "varchar"},
               {"message", "varchar"},
               {"problems", "varchar"},
               {"produced", "varchar"},
               {"entry_step", "integer"}}),
      "SELECT reject_id, field, rule, value, message, problems, produced, entry_step "
      "FROM weir_rejects"));
  const std::string key = target_->identifier("key");
  const std::string id = target_->new_reject_id();
  const auto inserted = WEIR_TRY(target_->run(fmt::format(
      "INSERT INTO weir_rejects ({}run_id, pipeline, step, table_name, bucket, {}, version, "
      "element, line, byte_begin, byte_end, raw, header, field, rule, value, message, problems, "
      "produced, entry_step, dictionary_version, rejected_at, rolled_back) "
      "SELECT {}r.run_id, r.pipeline, r.step, r.table_name, r.bucket, r.{}, r.version, r.element, "
      "r.line, r.byte_begin, r.byte_end, r.raw, r.header, u.field, u.rule, u.value, u.message, "
      "u.problems, u.produced, u.entry_step, {}, {}, FALSE "
      "FROM {} u JOIN weir_rejects r ON r.reject_id = u.reject_id",
      id.empty() ? "" : "reject_id, ", key, id.empty() ? "" : id + ", ", key,
      target_->literal(dictionary_version_), target_->moment(clock_.now()), rows)));
  if (inserted.changed == new_rejects_) return {};
  return fail(ErrorCode::internal, "the rejects written are not the rejects found");
}

/// The rows came from records of the run whose rejects these are.
Result<void> ReplayBook::trace_rows(const RunId& replay) {
  const Table& table = *session_.parts().table;
  if (!table.lineage) return {};
  const std::string rows = WEIR_TRY(
      target_->lend("weir_replay_records", "SELECT ordinal, element FROM temp.weir_replay_rows",
                    columns({{"ordinal", "bigint"}, {"element", "bigint"}}),
                    "SELECT element AS ordinal, element FROM weir_rejects"));
  const std::string condition =
      "t.weir_element = u.ordinal AND t.weir_run = " + target_->literal(replay.value());
  WEIR_TRY(target_->run(target_->update(
      target_->table(table),
      {{"weir_run", target_->literal(rejected_.run.value())}, {"weir_element", "u.element"}}, rows,
      condition)));
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
