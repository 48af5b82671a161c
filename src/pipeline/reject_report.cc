#include "pipeline/reject_report.h"

#include <algorithm>
#include <optional>

#include "base/utf8.h"
#include "crypto/digest.h"
#include "text/record_locator.h"
#include "text/spelling.h"

namespace weir::pipeline {
namespace {

/// How many entries are resolved in one second reading of their input.
constexpr size_t entries_per_pass = 200'000;

/// The text as people and databases can hold it: a byte that is no UTF-8 becomes \xHH.
std::string readable(std::string_view bytes) {
  if (text::is_valid_utf8(bytes)) return std::string(bytes);
  std::string out;
  while (!bytes.empty()) {
    const size_t length = utf8_sequence_length(bytes);
    if (length > 0) {
      out += bytes.substr(0, length);
      bytes.remove_prefix(length);
    } else {
      out += "\\x" + crypto::to_hex(bytes.substr(0, 1));
      bytes.remove_prefix(1);
    }
  }
  return out;
}

/// Takes one entry into the reject of its row.
void add_entry(const Session& session, const RejectEntry& entry, Reject& reject) {
  if (entry.rule == RejectEntry::produced_row) {
    reject.produced = readable(entry.value);
    reject.entry_step = entry.entry_step;
    return;
  }
  const RowRule rule = session.rule(entry.rule);
  Problem problem{rule.field, rule.rule, readable(entry.value), rule.message};
  if (!entry.message.empty()) {
    problem.message = readable(entry.message);
  } else if (const size_t at = problem.message.find("{}"); at != std::string::npos) {
    problem.message.replace(at, 2, problem.value);
  }
  reject.problems.push_back(std::move(problem));
}

/// Gathers entries row by row (they come sorted) and hands on whole inputs, or large parts of them.
class Reporter {
 public:
  Reporter(Session& session, std::span<Input> inputs, LoadBook* book)
      : session_(session), inputs_(inputs), book_(book), reports_(inputs.size()) {}

  Result<void> add(const RejectEntry& entry) {
    const uint16_t input = duckdb::input_of(entry.row.record);
    const uint64_t key = duckdb::row_key_of(entry.row.record);
    const bool same_record = !rows_.empty() && input == input_ && rows_.back() == key;
    if (!same_record) {
      if (!rows_.empty() && (input != input_ || entries_.size() >= entries_per_pass)) {
        WEIR_TRY(flush());
      }
      input_ = input;
      rows_.push_back(key);
    }
    entries_.push_back(entry);
    return {};
  }

  Result<void> flush() {
    if (rows_.empty()) return {};
    Input& input = inputs_[input_];
    const auto fresh = WEIR_TRY(input.bucket->open(input.key.object->key));
    size_t next = 0;
    auto entry = entries_.cbegin();
    Result<void> written;
    WEIR_TRY(text::locate_records(*fresh, input.options, input.blocks->index(), rows_,
                                  [&](const text::LocatedRecord& record) {
                                    const int64_t at = duckdb::make_row(input_, rows_[next++]);
                                    while (written && entry != entries_.cend() &&
                                           entry->row.record == at) {
                                      written = take_row(input, record, entry);
                                    }
                                  }));
    WEIR_TRY(std::move(written));
    if (next != rows_.size()) {
      return fail(ErrorCode::input_changed, "rejected rows are not where they were");
    }
    rows_.clear();
    entries_.clear();
    return {};
  }

  std::vector<InputRejects> finish() && { return std::move(reports_); }

 private:
  using Entries = std::vector<RejectEntry>;

  /// The entries of one row, from `entry` on, which moves behind them.
  Result<void> take_row(const Input& input, const text::LocatedRecord& record,
                        Entries::const_iterator& entry) {
    Reject reject;
    reject.element = record.element;
    reject.line = record.line;
    reject.byte_begin = record.byte_begin;
    reject.byte_end = record.byte_end;
    reject.raw = readable(record.raw);
    const duckdb::RowId row = entry->row;
    for (; entry != entries_.cend() && entry->row == row; ++entry) {
      add_entry(session_, *entry, reject);
    }
    return take(input, reject);
  }

  Result<void> take(const Input& input, Reject& reject) {
    session_.sort_by_field(reject.problems);
    reports_[input_].count(reject);
    if (book_ == nullptr) return {};
    return book_->write_reject(input, reject);
  }

  Session& session_;
  std::span<Input> inputs_;
  LoadBook* book_;
  std::vector<InputRejects> reports_;
  uint16_t input_ = 0;
  std::vector<uint64_t> rows_;  // keys of records
  Entries entries_;             // of these records, in their order
};

}  // namespace

Result<std::vector<InputRejects>> report_rejects(Session& session, RejectCollector& collector,
                                                 std::span<Input> inputs, LoadBook* book) {
  Reporter reporter(session, inputs, book);
  if (!collector.any()) return std::move(reporter).finish();
  if (book != nullptr) WEIR_TRY(book->begin_rejects());
  WEIR_TRY(collector.for_each([&](const RejectEntry& entry) { return reporter.add(entry); }));
  WEIR_TRY(reporter.flush());
  if (book != nullptr) WEIR_TRY(book->end_rejects());
  return std::move(reporter).finish();
}

Result<InputRejects> report_query_rejects(Session& session, RejectCollector& collector,
                                          const Input& input, LoadBook* book) {
  InputRejects report;
  if (!collector.any()) return report;
  if (book != nullptr) WEIR_TRY(book->begin_rejects());
  Reject reject;
  std::optional<duckdb::RowId> row;
  const auto take = [&]() -> Result<void> {
    if (reject.problems.empty()) return {};
    session.sort_by_field(reject.problems);
    report.count(reject);
    return book == nullptr ? Result<void>() : book->write_reject(input, reject);
  };
  WEIR_TRY(collector.for_each([&](const RejectEntry& entry) -> Result<void> {
    if (row != entry.row) {
      WEIR_TRY(take());
      reject = Reject{};
      reject.element = static_cast<uint64_t>(entry.row.record);
      row = entry.row;
    }
    add_entry(session, entry, reject);
    return {};
  }));
  WEIR_TRY(take());
  if (book != nullptr) WEIR_TRY(book->end_rejects());
  return report;
}

}  // namespace weir::pipeline
