#pragma once

// For tests: reads texts through weir_scan in a database in memory and tells what became of them.

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "duckdb/connection.h"
#include "duckdb/scan.h"
#include "io/memory_stream.h"

namespace weir::duckdb {

struct SeenReject {
  int64_t row = 0;
  int rule = 0;
  std::string value;
  auto operator<=>(const SeenReject&) const = default;
};

/// Writes down what it is told.
class RecordingObserver final : public RowObserver {
 public:
  void read(uint16_t input, uint64_t records) override {
    const std::lock_guard lock(mutex_);
    read_[input] += records;
  }
  void reject(RowId row, int rule, std::string_view value) override {
    const std::lock_guard lock(mutex_);
    rejects_.push_back({row.record, rule, std::string(value)});
  }
  void filtered(RowId row) override {
    const std::lock_guard lock(mutex_);
    filtered_.push_back(row);
  }
  void expanded(uint16_t input, uint64_t rows) override {
    const std::lock_guard lock(mutex_);
    expanded_[input] += rows;
  }
  void produced(RowId row, int entry_step, std::string_view json) override {
    const std::lock_guard lock(mutex_);
    produced_[row] = {entry_step, std::string(json)};
  }
  void input_failed(uint16_t input, Error error) override {
    const std::lock_guard lock(mutex_);
    failed_.emplace(input, std::move(error));
  }
  bool should_stop() const override { return stop; }

  uint64_t records() const {
    uint64_t all = 0;
    for (const auto& [input, count] : read_) all += count;
    return all;
  }
  uint64_t rejected_rows() const {
    std::vector<int64_t> rows;
    for (const SeenReject& reject : rejects_) rows.push_back(reject.row);
    std::sort(rows.begin(), rows.end());
    return static_cast<uint64_t>(std::unique(rows.begin(), rows.end()) - rows.begin());
  }
  /// In row order.
  std::vector<SeenReject> rejects() const {
    std::vector<SeenReject> sorted = rejects_;
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }

  std::atomic<bool> stop{false};
  std::mutex mutex_;
  std::map<uint16_t, uint64_t> read_;
  std::vector<SeenReject> rejects_;
  std::vector<RowId> filtered_;
  std::map<uint16_t, uint64_t> expanded_;
  std::map<RowId, std::pair<int, std::string>> produced_;
  std::map<uint16_t, Error> failed_;
};

/// What to read and how.
struct ScanRequest {
  Format format = Format::json;
  std::vector<std::pair<std::string, std::string>>
      columns;  ///< name, type as the project spells it
  std::vector<std::string> inputs;
  std::string select = "*";  ///< what is asked of the scan's rows
  CsvDialect csv = {};
  int threads = 1;
  size_t chunk_bytes = 4u << 20;
  std::map<std::string, MissingValues> missing = {};  ///< by column, where not the usual
  std::vector<size_t> defaults = {};                  ///< as ScanSlot::set_defaults
};

struct Scanned {
  std::vector<std::string> rows;  ///< cells as text, "a|b", NULL as "NULL"; in input order
  std::vector<SeenReject> rejects;
  uint64_t records = 0;
  uint64_t rejected_rows = 0;
  std::string error;  ///< of the statement, or empty

  /// "rule: value" per reject.
  std::vector<std::string> problems() const {
    std::vector<std::string> all;
    for (const SeenReject& reject : rejects) {
      all.push_back(std::to_string(reject.rule) + ": " + reject.value);
    }
    return all;
  }
};

inline std::vector<ReadColumn> read_columns(const ScanRequest& request) {
  std::vector<ReadColumn> columns;
  for (const auto& [name, type] : request.columns) {
    const auto missing = request.missing.find(name);
    columns.push_back({name,
                       *parse_data_type(type),
                       {},
                       missing == request.missing.end() ? MissingValues{} : missing->second});
  }
  return columns;
}

inline std::string joined(const std::vector<std::optional<std::string>>& cells) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) line += (i == 0 ? "" : "|") + cells[i].value_or("NULL");
  return line;
}

/// The inputs of a request as the slot takes them.
class OpenInputs {
 public:
  /// The request must outlive the inputs.
  explicit OpenInputs(const ScanRequest& request) {
    text::RecordOptions options;
    options.format = request.format;
    options.csv = request.csv;
    options.columns = request.columns.size();
    options.chunk_bytes = request.chunk_bytes;
    for (const std::string& input : request.inputs) {
      streams_.push_back(std::make_unique<io::MemoryStream>(input));
      blocks_.push_back(std::make_unique<text::RecordBlocks>(*streams_.back(), options));
    }
  }
  std::vector<text::RecordBlocks*> pointers() const {
    std::vector<text::RecordBlocks*> all;
    for (const auto& blocks : blocks_) all.push_back(blocks.get());
    return all;
  }

 private:
  std::vector<std::unique_ptr<io::MemoryStream>> streams_;
  std::vector<std::unique_ptr<text::RecordBlocks>> blocks_;
};

inline std::unique_ptr<Database> open_in_memory(int threads = 1) {
  auto database = Database::open({"", "", 512u << 20, threads});
  WEIR_CHECK(database.has_value(), "a database in memory opens");
  return *std::move(database);
}

/// `sql` with "{scan}" for the scan; rows in the order it gives.
inline Scanned scan_with(Database& database, const ScanRequest& request, std::string sql) {
  Scanned seen;
  const OpenInputs inputs(request);
  RecordingObserver observer;
  ScanSlot slot(database, request.format, read_columns(request), request.csv);
  slot.set_defaults(request.defaults);
  slot.set_inputs(inputs.pointers(), observer, request.threads);
  const std::string scan = "weir_scan(" + std::to_string(slot.id()) + ")";
  for (size_t at = sql.find("{scan}"); at != std::string::npos; at = sql.find("{scan}")) {
    sql.replace(at, 6, scan);
  }
  const auto connection = *database.connect();
  const RowSink sink{nullptr, [&](const auto& cells) {
                       seen.rows.push_back(joined(cells));
                       return true;
                     }};
  const auto done = connection->stream(sql, sink);
  if (!done) seen.error = done.error().message;
  seen.rejects = observer.rejects();
  seen.records = observer.records();
  seen.rejected_rows = observer.rejected_rows();
  return seen;
}

inline Scanned scan(Database& database, const ScanRequest& request) {
  return scan_with(database, request,
                   "SELECT " + request.select +
                       " FROM (SELECT * EXCLUDE (weir_row) FROM (SELECT * FROM {scan} "
                       "ORDER BY weir_row))");
}

}  // namespace weir::duckdb
