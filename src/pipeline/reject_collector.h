#pragma once

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "duckdb/scan.h"

namespace weir::pipeline {

/// One broken rule of one row, before its line and raw text are known.
struct RejectEntry {
  int64_t row = 0;  ///< see duckdb::make_row
  int32_t rule = 0;
  std::string value;  ///< at most 200 bytes
};

/// Counts what becomes of the rows of one load and keeps the rejects, in bounded memory: sorted
/// runs go to unnamed files once there are many, and few files they stay. Filled from several
/// threads, then read by one.
class RejectCollector final : public duckdb::RowObserver {
 public:
  struct Limits {
    std::optional<uint64_t> rejected_rows;  ///< stop as soon as there are more
    size_t entries_in_memory = 100'000;
  };

  /// `cancel` is polled by the scan. Spills go to `spool`. `on_read` is told of records read, from
  /// any thread.
  RejectCollector(size_t inputs, Limits limits, std::filesystem::path spool,
                  const std::atomic<bool>& cancel, std::function<void(uint64_t records)> on_read);
  ~RejectCollector() override;

  void read(uint16_t input, uint64_t records) override;
  void reject(int64_t row, int rule, std::string_view value) override;
  void filtered(int64_t row) override;
  void input_failed(uint16_t input, Error error) override;
  bool should_stop() const override;

  uint64_t rows_read(size_t input) const { return counts_[input].read; }
  uint64_t rows_filtered(size_t input) const { return counts_[input].filtered; }
  bool over_limit() const { return over_limit_; }
  bool any() const { return any_; }
  /// Why an input could not be read on, if one could not.
  std::optional<Error> input_error();

  /// Visits every entry in row order (then in order of the rules). May be called again.
  /// Errors: io; or what `visit` returns.
  Result<void> for_each(const std::function<Result<void>(const RejectEntry&)>& visit);

 private:
  struct Counts {
    std::atomic<uint64_t> read{0};
    std::atomic<uint64_t> filtered{0};
  };
  struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, FileCloser>;

  // With mutex_ held:
  void spill();
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
  std::mutex mutex_;
  std::optional<Error> input_error_;
  std::vector<RejectEntry> entries_;
  std::vector<File> runs_;
  std::unordered_set<int64_t> rejected_rows_;  // at most limit + 1, only when there is a limit
};

}  // namespace weir::pipeline
