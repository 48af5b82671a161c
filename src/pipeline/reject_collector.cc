#include "pipeline/reject_collector.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <queue>
#include <tuple>

namespace weir::pipeline {
namespace {

constexpr size_t value_limit = 200;
constexpr size_t message_limit = 500;
constexpr size_t produced_limit = 4096;
/// So many files at most, each of them open.
constexpr size_t most_runs = 32;

bool in_row_order(const RejectEntry& a, const RejectEntry& b) {
  return std::tie(a.row, a.rule) < std::tie(b.row, b.rule);
}

/// Cuts at a character's edge.
std::string_view capped(std::string_view value, size_t limit) {
  if (value.size() <= limit) return value;
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
  return value.substr(0, end);
}

bool write_text(std::FILE* file, const std::string& text) {
  const auto size = static_cast<uint32_t>(text.size());
  return std::fwrite(&size, sizeof size, 1, file) == 1 &&
         std::fwrite(text.data(), 1, size, file) == size;
}

bool read_text(std::FILE* file, std::string& text) {
  uint32_t size = 0;
  if (std::fread(&size, sizeof size, 1, file) != 1) return false;
  text.resize(size);
  return std::fread(text.data(), 1, size, file) == size;
}

bool write_entry(std::FILE* file, const RejectEntry& entry) {
  return std::fwrite(&entry.row.record, sizeof entry.row.record, 1, file) == 1 &&
         std::fwrite(&entry.row.ordinal, sizeof entry.row.ordinal, 1, file) == 1 &&
         std::fwrite(&entry.rule, sizeof entry.rule, 1, file) == 1 &&
         std::fwrite(&entry.entry_step, sizeof entry.entry_step, 1, file) == 1 &&
         write_text(file, entry.value) && write_text(file, entry.message);
}

bool read_entry(std::FILE* file, RejectEntry& entry) {
  return std::fread(&entry.row.record, sizeof entry.row.record, 1, file) == 1 &&
         std::fread(&entry.row.ordinal, sizeof entry.row.ordinal, 1, file) == 1 &&
         std::fread(&entry.rule, sizeof entry.rule, 1, file) == 1 &&
         std::fread(&entry.entry_step, sizeof entry.entry_step, 1, file) == 1 &&
         read_text(file, entry.value) && read_text(file, entry.message);
}

/// A file without a name: it is gone when the process is.
std::FILE* open_unnamed(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return descriptor < 0 ? nullptr : ::fdopen(descriptor, "w+b");
}

}  // namespace

RejectCollector::RejectCollector(size_t inputs, Limits limits, std::filesystem::path spool,
                                 const std::atomic<bool>& cancel,
                                 std::function<void(uint64_t)> on_read)
    : counts_(inputs),
      limits_(limits),
      spool_(std::move(spool)),
      cancel_(cancel),
      on_read_(std::move(on_read)) {}

RejectCollector::~RejectCollector() = default;

void RejectCollector::read(uint16_t input, uint64_t records) {
  if (input < counts_.size()) counts_[input].read += records;
  on_read_(records);
}

void RejectCollector::filtered(duckdb::RowId row) {
  const uint16_t input = duckdb::input_of(row.record);
  if (input < counts_.size()) ++counts_[input].filtered;
}

void RejectCollector::expanded(uint16_t input, uint64_t rows) {
  if (input < counts_.size()) counts_[input].expanded += rows;
}

void RejectCollector::reject(duckdb::RowId row, int rule, std::string_view value,
                             std::string_view message) {
  if (duckdb::input_of(row.record) >= counts_.size()) return;
  const std::lock_guard lock(mutex_);
  any_ = true;
  if (limits_.rejected_rows && !over_limit_) {
    rejected_rows_.insert(row);
    over_limit_ = rejected_rows_.size() > *limits_.rejected_rows;
  }
  add({row, rule, 0, std::string(capped(value, value_limit)),
       std::string(capped(message, message_limit))});
}

std::optional<uint64_t> RejectCollector::room() {
  const std::lock_guard lock(mutex_);
  if (!limits_.rejected_rows) return std::nullopt;
  return over_limit_ ? 0 : *limits_.rejected_rows - rejected_rows_.size();
}

void RejectCollector::produced(duckdb::RowId row, int entry_step, std::string_view json) {
  if (duckdb::input_of(row.record) >= counts_.size()) return;
  const std::lock_guard lock(mutex_);
  add({row, RejectEntry::produced_row, entry_step, std::string(capped(json, produced_limit))});
}

void RejectCollector::add(RejectEntry entry) {
  if (spill_failed_) return;  // the load fails, and the scan stops at the end of its block
  bytes_ += entry.value.size() + entry.message.size();
  entries_.push_back(std::move(entry));
  if (entries_.size() >= limits_.entries_in_memory || bytes_ >= limits_.bytes_in_memory) spill();
}

void RejectCollector::input_failed(uint16_t /*input*/, Error error) {
  const std::lock_guard lock(mutex_);
  if (!input_error_) input_error_ = std::move(error);
}

std::optional<Error> RejectCollector::input_error() {
  const std::lock_guard lock(mutex_);
  if (spill_failed_) return spill_error();
  return input_error_;
}

bool RejectCollector::should_stop() const { return cancel_ || over_limit_ || spill_failed_; }

void RejectCollector::fail_spill() {
  spill_failure_ = std::strerror(errno);
  spill_failed_ = true;
  entries_.clear();
  bytes_ = 0;
}

Error RejectCollector::spill_error() const {
  return {ErrorCode::io,
          "cannot write rejects to '" + spool_.string() + "'" +
              (spill_failure_.empty() ? "" : ": " + spill_failure_),
          "free some space there"};
}

void RejectCollector::spill() {
  std::sort(entries_.begin(), entries_.end(), in_row_order);
  File file(open_unnamed(spool_));
  bool good = file != nullptr;
  for (const RejectEntry& entry : entries_) good = good && write_entry(file.get(), entry);
  if (!good || std::fflush(file.get()) != 0) {
    fail_spill();  // the scan stops, for_each reports it
    return;
  }
  runs_.push_back(std::move(file));
  entries_.clear();
  bytes_ = 0;
  if (runs_.size() == most_runs) join_runs();
}

/// Makes one file of all of them.
void RejectCollector::join_runs() {
  File file(open_unnamed(spool_));
  const bool good = file != nullptr &&
                    merge([&](const RejectEntry& entry) { return write_entry(file.get(), entry); });
  if (!good || std::fflush(file.get()) != 0) {
    fail_spill();
    return;
  }
  runs_.clear();
  runs_.push_back(std::move(file));
}

Result<void> RejectCollector::for_each(
    const std::function<Result<void>(const RejectEntry&)>& visit) {
  const std::lock_guard lock(mutex_);
  Result<void> visited;
  const auto visit_one = [&](const RejectEntry& entry) {
    visited = visit(entry);
    return visited.has_value();
  };
  if (spill_failed_ || (!merge(visit_one) && visited)) {
    return fail(spill_error());
  }
  return visited;
}

/// In row order; false when `visit` says so or a file cannot be read to its end.
bool RejectCollector::merge(const std::function<bool(const RejectEntry&)>& visit) {
  std::sort(entries_.begin(), entries_.end(), in_row_order);
  struct Head {
    RejectEntry entry;
    size_t run;
    bool operator<(const Head& other) const { return in_row_order(other.entry, entry); }
  };
  std::priority_queue<Head> heads;
  const auto push_next = [&](size_t run) {
    Head head{{}, run};
    std::FILE* file = runs_[run].get();
    const int next = std::fgetc(file);
    if (next == EOF) return std::ferror(file) == 0;
    std::ungetc(next, file);
    if (!read_entry(file, head.entry)) return false;
    heads.push(std::move(head));
    return true;
  };
  for (size_t run = 0; run < runs_.size(); ++run) {
    std::rewind(runs_[run].get());
    if (!push_next(run)) return false;
  }
  auto in_memory = entries_.begin();
  while (!heads.empty() || in_memory != entries_.end()) {
    if (heads.empty() ||
        (in_memory != entries_.end() && in_row_order(*in_memory, heads.top().entry))) {
      if (!visit(*in_memory++)) return false;
      continue;
    }
    const Head head = heads.top();
    heads.pop();
    if (!push_next(head.run) || !visit(head.entry)) return false;
  }
  return true;
}

}  // namespace weir::pipeline
