#include "pipeline/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "io/spool_file.h"
#include "pipeline/batch_load.h"
#include "pipeline/dictionary_version.h"
#include "pipeline/duckdb_target.h"
#include "pipeline/mended_rows.h"
#include "pipeline/replay_book.h"
#include "pipeline/stored_records.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_literal;

/// The records of a replay, which are no object of any bucket.
class SpoolBucket final : public objects::Bucket {
 public:
  explicit SpoolBucket(const io::SpoolFile& spool) : spool_(spool) {}

  Result<void> list_any(const std::vector<std::string>&,
                        const std::function<bool(const objects::ObjectStat&)>&) override {
    return {};
  }
  Result<objects::ObjectStat> stat(const ObjectKey& key) override {
    objects::ObjectStat stat;
    stat.key = key;
    stat.size_bytes = spool_.size_bytes();
    return stat;
  }
  Result<std::unique_ptr<io::ByteStream>> open(const ObjectKey&) override { return spool_.open(); }

 private:
  const io::SpoolFile& spool_;
};

/// Makes what was read as JSON a value of its SQL type again, if there is such a column.
std::optional<SelectStep> casting(const std::vector<ReadColumn>& columns,
                                  const std::vector<std::string>& casts) {
  SelectStep select;
  bool any = false;
  for (size_t i = 0; i < columns.size(); ++i) {
    const bool cast = i < casts.size() && !casts[i].empty();
    any = any || cast;
    // A name by itself is passed on as it is.
    const std::string& name = columns[i].name;
    const std::string sql =
        cast ? fmt::format("CAST({} AS {})", duckdb::quote_identifier(name), casts[i]) : name;
    select.items.push_back({name, {sql, {}, false}});
  }
  return any ? std::optional(select) : std::nullopt;
}

/// The pipeline as it goes on at `entry_step`, fed with JSON lines.
Pipeline pipeline_from(const PipelineParts& parts, int entry_step,
                       const std::vector<ReadColumn>& columns,
                       const std::vector<std::string>& casts) {
  Pipeline pipeline = *parts.pipeline;
  ReadStep read;
  read.format = Format::json;
  read.layout = JsonLayout::lines;
  read.compression = Compression::none;
  read.columns = columns;
  if (parts.read != nullptr) {
    read.location = parts.read->location;
    // A character may take six in JSON.
    constexpr uint64_t most = 1u << 30;
    read.max_record_bytes = std::min(most, parts.read->max_record_bytes * 6 + (1u << 20));
  }
  pipeline.steps = {read};
  if (auto select = casting(columns, casts)) pipeline.steps.push_back(*std::move(select));
  for (size_t i = static_cast<size_t>(entry_step); i < parts.pipeline->steps.size(); ++i) {
    Step step = parts.pipeline->steps[i];
    if (std::holds_alternative<ReadStep>(step) || std::holds_alternative<SqlStep>(step)) continue;
    // What is in the table stays: the rest of the input is there.
    if (auto* load = std::get_if<LoadStep>(&step); load && load->mode == LoadMode::replace) {
      load->mode = LoadMode::append;
    }
    pipeline.steps.push_back(std::move(step));
  }
  return pipeline;
}

class Replay {
 public:
  Replay(const Project& project, Resources& resources, const Clock& clock, const Run& run,
         const ReplayOrder& order, Progress& progress)
      : project_(project),
        resources_(resources),
        clock_(clock),
        run_(run),
        order_(order),
        rejected_(order.rejected),
        progress_(progress) {}

  Result<Receipt> execute();

 private:
  Result<void> check_pipeline();
  Result<void> read_file();
  Result<std::vector<int>> entry_steps();
  Result<void> replay_from(int entry_step);
  Result<void> spool_records(int entry_step, const std::vector<ReadColumn>& columns,
                             io::SpoolFile& spool, ReplayBook& book);
  Result<void> spool_record(std::span<const std::optional<std::string>> cells,
                            const std::vector<ReadColumn>& columns, std::string& lines,
                            ReplayBook& book);
  Result<void> load(Session& session, io::SpoolFile& spool, ReplayBook& book);
  std::optional<std::string> refusal(const StoredReject& reject) const;
  void refuse(const StoredReject& reject, Problem problem);
  std::string chosen_sql(const std::string& columns) const;

  const Project& project_;
  Resources& resources_;
  const Clock& clock_;
  const Run& run_;
  const ReplayOrder& order_;
  const RejectedRun& rejected_;
  Progress& progress_;
  PipelineParts parts_;
  std::string dictionary_version_;
  std::string load_again_;  // the command
  Target target_;
  std::unique_ptr<DuckdbTarget> rejects_;  // weir_rejects, or the copy of a server's
  std::optional<StoredRecords> records_;
  std::optional<MendedRows> mended_;
  Receipt receipt_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

Result<void> Replay::check_pipeline() {
  load_again_ = rejected_.object
                    ? fmt::format("weir run {} --object {} --force", rejected_.pipeline.value(),
                                  rejected_.object->to_string())
                    : "weir run " + rejected_.pipeline.value();
  if (rejected_.rolled_back) {
    return fail(ErrorCode::invalid_input,
                "run " + rejected_.run.value() +
                    " was stopped and its good rows were rolled back with the others",
                "mend the object or raise the limit, then `" + load_again_ + "`");
  }
  const Pipeline* pipeline = project_.find_pipeline(rejected_.pipeline);
  if (pipeline == nullptr) {
    return fail(ErrorCode::not_found,
                "the run's pipeline '" + rejected_.pipeline.value() + "' is gone from the project");
  }
  parts_ = WEIR_TRY(take_apart(project_, *pipeline));
  dictionary_version_ = dictionary_version(*parts_.table, *pipeline);
  return {};
}

Result<void> Replay::read_file() {
  if (order_.file.empty()) return {};
  std::vector<std::string> names;
  const auto columns = WEIR_TRY(records_->all_columns(
      WEIR_TRY(entry_steps_of(*rejects_, rejected_.run, Rejects::unresolved))));
  for (const ReadColumn& column : columns) names.push_back(column.name);
  const bool csv = parts_.read != nullptr && parts_.read->format == Format::csv;
  mended_.emplace(*target_.connection, *target_.sql, csv ? parts_.read->csv.null_text : "");
  return mended_->read(order_.file.string(), order_.file_name, rejected_, names);
}

/// The rejects that are to be tried.
std::string Replay::chosen_sql(const std::string& columns) const {
  std::string sql = fmt::format(
      "SELECT {} FROM weir_rejects r {} WHERE r.run_id = {} AND "
      "r.resolution IS NULL",
      columns, mended_ ? MendedRows::join_sql : "", quote_literal(rejected_.run.value()));
  if (mended_ && !order_.others) sql += " AND m.reject_id IS NOT NULL";
  return sql;
}

Result<std::vector<int>> Replay::entry_steps() {
  const server::Rows rows = WEIR_TRY(
      rejects_->run(chosen_sql("DISTINCT coalesce(r.entry_step, 0) AS entry") + " ORDER BY entry"));
  std::vector<int> steps;
  for (size_t row = 0; row < rows.size(); ++row) {
    steps.push_back(static_cast<int>(rows.int64(row, 0)));
  }
  return steps;
}

void Replay::refuse(const StoredReject& reject, Problem problem) {
  ++receipt_.rows.read;
  ++receipt_.rows.rejected;
  receipt_.status = RunState::partial;
  ++receipt_.broken_rules[problem.rule];
  if (receipt_.rejects.size() == Receipt::listed_rejects) return;
  Reject shown;
  shown.element = reject.element;
  shown.line = reject.line.value_or(0);
  shown.byte_begin = reject.byte_begin;
  shown.byte_end = reject.byte_end;
  shown.raw = reject.raw;
  shown.problems = {std::move(problem)};
  receipt_.rejects.push_back(std::move(shown));
}

/// Why a row cannot go in by itself.
std::optional<std::string> Replay::refusal(const StoredReject& reject) const {
  const auto& steps = parts_.pipeline->steps;
  for (size_t i = static_cast<size_t>(reject.entry_step); i < steps.size(); ++i) {
    if (!std::holds_alternative<AggregateStep>(steps[i])) continue;
    return "the pipeline folds rows behind this one, and those of its input are folded already: "
           "mend the input, then `" +
           load_again_ + "`";
  }
  if (reject.entry_step == 0 && parts_.read == nullptr) {
    return "a row of a query is not kept: mend what the query reads, then `" + load_again_ + "`";
  }
  if (reject.entry_step > 0 &&
      steps_version(reject.dictionary_version) != steps_version(dictionary_version_)) {
    return "the steps have changed since they made this row: `" + load_again_ + "`";
  }
  return std::nullopt;
}

Result<void> Replay::spool_record(std::span<const std::optional<std::string>> cells,
                                  const std::vector<ReadColumn>& columns, std::string& lines,
                                  ReplayBook& book) {
  const StoredReject reject = WEIR_TRY(parse_stored_reject(cells));
  const Problem first =
      reject.problems.empty() ? Problem{"", "record", "", ""} : reject.problems.front();
  if (const auto why = refusal(reject)) {
    refuse(reject, {first.field, first.rule, first.value, *why});
    return {};
  }
  SourceRecord record = WEIR_TRY(records_->record(reject));
  ReplayRow row{&reject, {}};
  bool mended = false;
  if (mended_) {
    mended = WEIR_TRY(mended_->apply(cells.last(MendedRows::columns_count), columns, record));
  }
  if (!record.broken.empty()) {
    refuse(reject, {first.field, first.rule, first.value,
                    record.broken + ": give the mended record with --with"});
    return {};
  }
  size_t misfit = 0;
  auto line = to_json_line(record, columns, misfit);
  if (!line) {
    const std::string type = columns[misfit].type.to_string();
    const std::string& value = record.values[misfit].text;
    refuse(reject, {columns[misfit].name, type, value.substr(0, 200),
                    fmt::format("'{}' does not fit {}", value.substr(0, 200), type)});
    return {};
  }
  lines += *line + "\n";
  if (mended) row.mended = *std::move(line);
  return book.add_row(row);
}

Result<void> Replay::spool_records(int entry_step, const std::vector<ReadColumn>& columns,
                                   io::SpoolFile& spool, ReplayBook& book) {
  constexpr size_t piece_bytes = 1u << 20;
  std::string lines;
  Result<void> spooled;
  std::string select = stored_reject_columns(*rejects_);
  if (mended_) select += std::string(", ") + MendedRows::columns_sql;
  const std::string order = fmt::format(
      " AND coalesce(r.entry_step, 0) = {} ORDER BY r.element, r.reject_id", entry_step);
  WEIR_TRY(rejects_->stream(chosen_sql(select) + order, [&](const auto& cells) {
    spooled = spool_record(cells, columns, lines, book);
    if (spooled && lines.size() >= piece_bytes) spooled = spool.append(std::exchange(lines, {}));
    return spooled.has_value();
  }));
  WEIR_TRY(std::move(spooled));
  return spool.append(lines);
}

Result<void> Replay::load(Session& session, io::SpoolFile& spool, ReplayBook& book) {
  SpoolBucket bucket(spool);
  Input input;
  input.run = &run_;
  input.bucket = &bucket;
  input.key = {rejected_.pipeline, rejected_.step, rejected_.object};
  // Of a query there is no object, and the rows of a replay are one.
  if (!input.key.object) input.key.object = ObjectRef{BucketName("replay"), ObjectKey("rows")};
  input.before = WEIR_TRY(bucket.stat(input.key.object->key));
  input.options = text::record_options(*session.parts().read, "");
  // Few rows, mostly: waking a second thread would cost more than it saves.
  LoadContext context{project_, clock_, *resources_.table_locks, progress_, 1};
  context.book = &book;
  progress_.bytes_total += spool.size_bytes();
  auto receipts = load_objects(session, {&input, 1}, context);
  if (!receipts) return fail(std::move(receipts).error().error);
  receipt_ = std::move(receipts->front());
  return {};
}

/// Rejects that go in at one step: at the source, or behind an unnest.
Result<void> Replay::replay_from(int entry_step) {
  const auto& columns = *WEIR_TRY(records_->columns(entry_step));
  const Pipeline pipeline = pipeline_from(parts_, entry_step, columns, records_->casts(entry_step));
  SessionOptions options;
  if (target_.server) options.server = WEIR_TRY(resources_.databases->connect(rejected_.database));
  const auto session =
      WEIR_TRY(Session::open(project_, pipeline, *target_.database, std::move(options)));
  const auto folder = project_.state_dir() / "spool";
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  const auto spool = WEIR_TRY(io::SpoolFile::create(folder.string()));
  ReplayBook book(*session, clock_, rejected_, dictionary_version_, receipt_);
  WEIR_TRY(book.begin_rows());
  WEIR_TRY(spool_records(entry_step, columns, *spool, book));
  WEIR_TRY(book.end_rows());
  if (book.rows() == 0) return {};
  return load(*session, *spool, book);
}

Result<Receipt> Replay::execute() {
  receipt_.run = run_.id;
  receipt_.pipeline = rejected_.pipeline;
  receipt_.object = rejected_.object;
  receipt_.version = rejected_.version;
  receipt_.status = RunState::succeeded;
  WEIR_TRY(check_pipeline());
  WEIR_TRY(resources_.databases->open_workshop(rejected_.database));
  target_ = WEIR_TRY(open_target(*resources_.databases, rejected_.database));
  // Tried again: the try before may have committed, and not have heard of it.
  if (auto committed = WEIR_TRY(target_.ledger->receipt_of_replay(run_.id))) {
    return *std::move(committed);
  }
  if (target_.server) {
    WEIR_TRY(copy_unresolved(*target_.sql, rejected_.run, *target_.connection));
  }
  rejects_ = std::make_unique<DuckdbTarget>(*target_.connection);
  records_.emplace(parts_, resources_, target_.database, rejected_);
  WEIR_TRY(read_file());
  for (const int step : WEIR_TRY(entry_steps())) WEIR_TRY(replay_from(step));
  const auto elapsed = std::chrono::steady_clock::now() - started_;
  receipt_.duration_ms = std::chrono::duration<double, std::milli>(elapsed).count();
  return receipt_;
}

}  // namespace

Result<Receipt> replay_rejects(const Project& project, Resources& resources, const Clock& clock,
                               const Run& run, const ReplayOrder& order, Progress& progress) {
  return Replay(project, resources, clock, run, order, progress).execute();
}

Result<Receipt> interrupted_replay(Resources& resources, const RunId& replay) {
  std::optional<Error> not_asked;
  for (const DatabaseName& name : resources.databases->names()) {
    auto target = open_target(*resources.databases, name);
    if (!target) {
      not_asked = std::move(target).error();
      continue;
    }
    if (auto receipt = WEIR_TRY(target->ledger->receipt_of_replay(replay))) {
      return *std::move(receipt);
    }
  }
  // It may have committed there.
  if (not_asked) return fail(*std::move(not_asked));
  return fail(ErrorCode::invalid_input, "the replay was interrupted, and nothing of it is loaded",
              "ask for it again");
}

}  // namespace weir::pipeline
