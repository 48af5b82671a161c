#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/records_for_test.h"

namespace weir::text {

/// What RecordBlocks and CsvRecords must find, the slow and obvious way: the whole input in memory,
/// one byte at a time, straight from the rules in record_blocks.h. `begin` is behind the header.
class SlowCsv {
 public:
  SlowCsv(std::string_view text, CsvDialect dialect, uint64_t max_record_bytes,
          bool blank_line_is_record)
      : text_(text),
        dialect_(dialect),
        max_(max_record_bytes),
        blank_line_is_record_(blank_line_is_record) {}

  std::vector<SeenRecord> records(size_t begin) {
    std::vector<SeenRecord> all;
    size_t at = begin;
    while (at < text_.size()) {
      Parsed parsed = parse(at);
      if (parsed.unterminated) parsed = break_quote(at);
      const size_t length = parsed.end - at;
      if (!parsed.unterminated && length > max_) parsed.broken = broken::too_long;
      if (length > 0 || blank_line_is_record_ || !parsed.broken.empty()) {
        SeenRecord record{at, length, std::string(text_.substr(at, length)), parsed.broken,
                          parsed.fields};
        if (!parsed.broken.empty()) {
          record.text = record.text.substr(0, raw_text_limit);
          record.fields.clear();
        }
        all.push_back(record);
      }
      at = behind_line_end(parsed.end);
    }
    return all;
  }

 private:
  struct Parsed {
    size_t end = 0;  // the record's, before its line end
    std::string broken;
    bool unterminated = false;
    std::vector<std::string> fields;
  };

  bool line_ends_at(size_t at) const {
    return at >= text_.size() || text_[at] == '\n' || text_[at] == '\r';
  }
  size_t line_end(size_t at) const {
    while (!line_ends_at(at)) ++at;
    return std::min(at, text_.size());
  }
  size_t behind_line_end(size_t at) const {
    if (at >= text_.size()) return at;
    return at + (text_.substr(at, 2) == "\r\n" ? 2 : 1);
  }

  Parsed parse(size_t begin) const {
    Parsed parsed;
    size_t at = begin;
    while (true) {
      std::string field;
      const bool quoted = at < text_.size() && dialect_.quote != '\0' &&
                          text_[at] == dialect_.quote && at - begin <= max_;
      if (quoted) {
        ++at;
        while (at < text_.size()) {
          const char c = text_[at];
          const char next = at + 1 < text_.size() ? text_[at + 1] : '\n';
          if (c == dialect_.escape && dialect_.escape != '\0' &&
              (next == dialect_.quote || next == dialect_.escape)) {
            field += next;
            at += 2;
          } else if (c == dialect_.quote) {
            break;
          } else {
            field += c;
            ++at;
          }
        }
        if (at >= text_.size() || at - begin >= max_) {
          parsed.unterminated = true;
          return parsed;
        }
        ++at;
        if (!line_ends_at(at) && text_[at] != dialect_.delimiter) {
          parsed.broken = broken::text_after_quote;
          parsed.end = line_end(at);
          return parsed;
        }
      } else {
        while (!line_ends_at(at) && text_[at] != dialect_.delimiter) field += text_[at++];
      }
      parsed.fields.push_back(field);
      if (line_ends_at(at)) break;
      ++at;
    }
    parsed.end = std::min(at, text_.size());
    return parsed;
  }

  Parsed break_quote(size_t begin) {
    size_t from = begin;
    if (begin >= window_end_) {
      window_end_ = begin + max_;
      failures_ = 0;
    }
    if (++failures_ > 16) from = std::min<size_t>(window_end_, text_.size());
    Parsed parsed;
    parsed.unterminated = true;
    parsed.end = line_end(from);
    parsed.broken = broken::unterminated_quote;
    return parsed;
  }

  std::string_view text_;
  CsvDialect dialect_;
  uint64_t max_;
  bool blank_line_is_record_;
  uint64_t window_end_ = 0;
  int failures_ = 0;
};

}  // namespace weir::text
