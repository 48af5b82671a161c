#pragma once

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/scan.h"

namespace weir::pipeline {

/// One broken rule of one row, before its line and raw text are known; or, with the rule
/// `produced_row`, what the steps had made of the row's record.
struct RejectEntry {
  static constexpr int32_t produced_row = -1;  ///< comes first among a row's entries

  duckdb::RowId row;
  int32_t rule = 0;
  int32_t entry_step = 0;    ///< with produced_row: the step at which the row goes on
  std::string value;         ///< at most 200 bytes; with produced_row a JSON object, at most 4096
  std::string message = {};  ///< at most 500 bytes, instead of the rule's; empty: the rule's
};

/// Counts what becomes of the rows of one load and keeps the rejects, in bounded memory: sorted
/// runs go to unnamed files once there are many, and few files they stay. Filled from several
/// threads, then read by one.
class RejectCollector final : public duckdb::RowObserver {
 public:
  struct Limits {
    std::optional<uint64_t> rejected_rows;  ///< stop as soon as there are more
    size_t entries_in_memory = 100'000;
    size_t bytes_in_memory = 32u << 20;  ///< of values, messages and produced rows
  };

  /// `cancel` is polled by the scan. Spills go to `spool`. `on_read` is told of records read, from
  /// any thread.
  RejectCollector(size_t inputs, Limits limits, std::filesystem::path spool,
                  const std::atomic<bool>& cancel, std::function<void(uint64_t records)> on_read);
  ~RejectCollector() override;

  void read(uint16_t input, uint64_t records) override;
  void reject(duckdb::RowId row, int rule, std::string_view value) override {
    reject(row, rule, value, {});
  }
  void reject(duckdb::RowId row, int rule, std::string_view value, std::string_view message);
  void filtered(duckdb::RowId row) override;
  void expanded(uint16_t input, uint64_t rows) override;
  void produced(duckdb::RowId row, int entry_step, std::string_view json) override;
  void input_failed(uint16_t input, Error error) override;
  bool should_stop() const override;

  uint64_t rows_read(size_t input) const { return counts_[input].read; }
  uint64_t rows_filtered(size_t input) const { return counts_[input].filtered; }
  uint64_t rows_expanded(size_t input) const { return counts_[input].expanded; }
  bool over_limit() const { return over_limit_; }
  /// How many more rows may be rejected; none: no limit.
  std::optional<uint64_t> room();
  bool any() const { return any_; }
  /// Why an input could not be read on, or its rejects not kept, if so.
  std::optional<Error> input_error();

  /// Visits every entry in row order (then in order of the rules). May be called again.
  /// Errors: io; or what `visit` returns.
  Result<void> for_each(const std::function<Result<void>(const RejectEntry&)>& visit);

 private:
  struct Counts {
    std::atomic<uint64_t> read{0};
    std::atomic<uint64_t> filtered{0};
    std::atomic<uint64_t> expanded{0};
  };
  struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, FileCloser>;

  // With mutex_ held:
  void add(RejectEntry entry);
  void spill();
  void fail_spill();
  Error spill_error() const;
  void join_runs();
  bool merge(const std::function<bool(const RejectEntry&)>& visit);

  std::vector<Counts> counts_;
  Limits limits_;
  std::filesystem::path spool_;
  const std::atomic<bool>& cancel_;
  std::function<void(uint64_t)> on_read_;
  std::atomic<bool> over_limit_{false};
  std::atomic<bool> any_{false};
  std::atomic<bool> spill_failed_{false};
  std::string spill_failure_;  // why, in words
  std::mutex mutex_;
  std::optional<Error> input_error_;
  std::vector<RejectEntry> entries_;
  size_t bytes_ = 0;  // of the texts in entries_
  std::vector<File> runs_;
  std::set<duckdb::RowId> rejected_rows_;  // at most limit + 1, only when there is a limit
};

}  // namespace weir::pipeline
