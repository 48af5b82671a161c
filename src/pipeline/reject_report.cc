#include "pipeline/reject_report.h"

#include <algorithm>

#include "crypto/digest.h"
#include "text/record_locator.h"
#include "text/spelling.h"
#include "text/utf8.h"

namespace weir::pipeline {
namespace {

/// How many entries are resolved in one second reading of their input.
constexpr size_t entries_per_pass = 200'000;

/// The text as people and databases can hold it: a byte that is no UTF-8 becomes \xHH.
std::string readable(std::string_view bytes) {
  if (text::is_valid_utf8(bytes)) return std::string(bytes);
  std::string out;
  while (!bytes.empty()) {
    const size_t length = text::utf8_sequence_length(bytes);
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

Problem make_problem(const Session& session, const RejectEntry& entry) {
  const RowRule rule = session.rule(entry.rule);
  Problem problem{rule.field, rule.rule, readable(entry.value), rule.message};
  if (const size_t at = problem.message.find("{}"); at != std::string::npos) {
    problem.message.replace(at, 2, problem.value);
  }
  return problem;
}

/// Gathers entries row by row (they come sorted) and hands on whole inputs, or large parts of them.
class Reporter {
 public:
  Reporter(Session& session, std::span<Input> inputs, LoadBook* book)
      : session_(session), inputs_(inputs), book_(book), reports_(inputs.size()) {}

  Result<void> add(const RejectEntry& entry) {
    const uint16_t input = duckdb::input_of(entry.row);
    const uint64_t key = duckdb::row_key_of(entry.row);
    const bool same_row = !rows_.empty() && input == input_ && rows_.back() == key;
    if (!same_row) {
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
                                    Reject reject;
                                    const int64_t row = duckdb::make_row(input_, rows_[next++]);
                                    for (; entry != entries_.cend() && entry->row == row; ++entry) {
                                      reject.problems.push_back(make_problem(session_, *entry));
                                    }
                                    reject.element = record.element;
                                    reject.line = record.line;
                                    reject.byte_begin = record.byte_begin;
                                    reject.byte_end = record.byte_end;
                                    reject.raw = readable(record.raw);
                                    if (written) written = take(input, reject);
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
  Result<void> take(const Input& input, Reject& reject) {
    session_.sort_by_field(reject.problems);
    InputRejects& report = reports_[input_];
    ++report.rows;
    if (report.listed.size() < Receipt::listed_rejects) report.listed.push_back(reject);
    if (book_ == nullptr) return {};
    return book_->write_reject(input, reject);
  }

  Session& session_;
  std::span<Input> inputs_;
  LoadBook* book_;
  std::vector<InputRejects> reports_;
  uint16_t input_ = 0;
  std::vector<uint64_t> rows_;
  std::vector<RejectEntry> entries_;  // of these rows, in their order
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
                                          const Input& input, LoadBook& book) {
  InputRejects report;
  if (!collector.any()) return report;
  WEIR_TRY(book.begin_rejects());
  Reject reject;
  const auto take = [&]() -> Result<void> {
    if (reject.problems.empty()) return {};
    session.sort_by_field(reject.problems);
    ++report.rows;
    if (report.listed.size() < Receipt::listed_rejects) report.listed.push_back(reject);
    return book.write_reject(input, reject);
  };
  WEIR_TRY(collector.for_each([&](const RejectEntry& entry) -> Result<void> {
    if (reject.problems.empty() || reject.element != static_cast<uint64_t>(entry.row)) {
      WEIR_TRY(take());
      reject = Reject{};
      reject.element = static_cast<uint64_t>(entry.row);
    }
    reject.problems.push_back(make_problem(session, entry));
    return {};
  }));
  WEIR_TRY(take());
  WEIR_TRY(book.end_rejects());
  return report;
}

}  // namespace weir::pipeline
