#include "pipeline/stored_records.h"

#include <fmt/format.h>

#include <algorithm>

#include "duckdb/connection.h"

namespace weir::pipeline {
namespace {

objects::Bucket* bucket_of(Resources& resources, const RejectedRun& run) {
  if (!run.object) return nullptr;
  const auto found = resources.buckets.find(run.object->bucket);
  return found == resources.buckets.end() ? nullptr : found->second.get();
}

/// A record whose bytes say nothing: it could not be cut out, or is not text.
const Problem* unreadable(const StoredReject& reject) {
  const auto found = std::find_if(
      reject.problems.begin(), reject.problems.end(),
      [](const Problem& problem) { return problem.rule == "record" || problem.rule == "utf-8"; });
  return found == reject.problems.end() ? nullptr : &*found;
}

}  // namespace

StoredRecords::StoredRecords(const PipelineParts& parts, Resources& resources,
                             Databases::Pointer database, const RejectedRun& run)
    : parts_(parts),
      database_(std::move(database)),
      run_(run),
      ranges_(bucket_of(resources, run), run.object ? run.object->key : ObjectKey(), run.version,
              parts.read != nullptr ? parts.read->compression : Compression::none) {
  if (parts.read != nullptr) columns_[0] = parts.source_columns;
}

Result<const std::vector<ReadColumn>*> StoredRecords::columns(int entry_step) {
  const auto known = columns_.find(entry_step);
  if (known != columns_.end()) return &known->second;
  // A connection of its own: compiling may make temporary tables.
  const auto connection = WEIR_TRY(database_->connect());
  std::vector<ReadColumn> columns;
  std::vector<std::string> casts;
  for (const auto& column : WEIR_TRY(columns_before(parts_, *database_, *connection, entry_step))) {
    const auto type = parse_data_type(column.type);
    casts.push_back(type ? "" : column.type);
    ReadColumn& made = columns.emplace_back();
    made.name = column.name;
    made.type.kind = TypeKind::json;
    if (type) made.type = *type;
  }
  casts_[entry_step] = std::move(casts);
  return &(columns_[entry_step] = std::move(columns));
}

Result<std::vector<ReadColumn>> StoredRecords::all_columns(const std::vector<int>& entry_steps) {
  std::vector<ReadColumn> all;
  for (const int step : entry_steps) {
    for (const ReadColumn& column : *WEIR_TRY(columns(step))) {
      const bool there = std::any_of(all.begin(), all.end(), [&](const ReadColumn& other) {
        return other.name == column.name;
      });
      if (!there) all.push_back(column);
    }
  }
  if (all.empty()) return *WEIR_TRY(columns(0));
  return all;
}

Result<std::string> StoredRecords::whole_raw(const StoredReject& reject) {
  const uint64_t bytes = reject.byte_end - reject.byte_begin;
  // See TargetSql::storable: where this symbol is not the record's own, the bytes do not add up.
  const bool without_nul =
      reject.raw.find("\u2400") != std::string::npos && reject.raw.size() != bytes;
  if (bytes <= text::raw_text_limit && !without_nul) return reject.raw;
  auto whole = ranges_.read(reject.byte_begin, reject.byte_end);
  if (whole) return whole;
  if (whole.error().code == ErrorCode::io) return whole;
  if (without_nul) {
    return fail(
        whole.error().code,
        "the record holds a NUL, which its database cannot keep, and it cannot be fetched: " +
            whole.error().message);
  }
  return fail(whole.error().code,
              fmt::format("the record has {} bytes, of which {} were kept, and the rest cannot be "
                          "fetched: {}",
                          bytes, text::raw_text_limit, whole.error().message));
}

SourceRecord StoredRecords::rejected_record(const StoredReject& reject,
                                            const std::vector<ReadColumn>& columns) {
  if (!reject.produced.empty()) {
    auto record = record_of_json(reject.produced, columns);
    if (!record.broken.empty()) record.broken = "the row is too long: only a part of it was kept";
    return record;
  }
  if (parts_.read == nullptr) {
    return {std::vector<SourceValue>(columns.size()), "a row of a query is not kept"};
  }
  const auto raw = whole_raw(reject);
  if (!raw) return {std::vector<SourceValue>(columns.size()), raw.error().message};
  SourceRecord record = parts_.read->format == Format::csv
                            ? record_of_csv(*raw, parts_.read->csv, reject.header, columns)
                            : record_of_json(*raw, columns);
  if (const Problem* problem = unreadable(reject)) {
    record.broken = problem->message.empty() ? problem->rule : problem->message;
  }
  return record;
}

Result<SourceRecord> StoredRecords::record(const StoredReject& reject) {
  const auto& columns = *WEIR_TRY(this->columns(reject.entry_step));
  if (!reject.mended.empty()) return record_of_json(reject.mended, columns);
  return rejected_record(reject, columns);
}

Result<SourceRecord> StoredRecords::record_by(const std::vector<ReadColumn>& columns,
                                              const StoredReject& reject) {
  SourceRecord own = WEIR_TRY(record(reject));
  const auto& own_columns = *WEIR_TRY(this->columns(reject.entry_step));
  SourceRecord by;
  by.broken = std::move(own.broken);
  by.values.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto at = std::find_if(own_columns.begin(), own_columns.end(), [&](const auto& column) {
      return column.name == columns[i].name;
    });
    if (at != own_columns.end()) {
      by.values[i] = std::move(own.values[static_cast<size_t>(at - own_columns.begin())]);
    }
  }
  return by;
}

}  // namespace weir::pipeline
