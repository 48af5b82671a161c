#include "text/input_start.h"

#include <string>

#include "text/json_blank.h"

namespace weir::text {
namespace {

constexpr uint64_t largest_record_limit = 1u << 30;

struct Signature {
  std::string_view bytes;
  const char* what;
  const char* fix;
};

using std::string_view_literals::operator""sv;

// UTF-32 comes before UTF-16, whose mark it begins with.
constexpr Signature signatures[] = {
    {"\xff\xfe\0\0"sv, "UTF-32", "save it as UTF-8"},
    {"\0\0\xfe\xff"sv, "UTF-32", "save it as UTF-8"},
    {"\xff\xfe"sv, "UTF-16", "save it as UTF-8"},
    {"\xfe\xff"sv, "UTF-16", "save it as UTF-8"},
    {"\x1f\x8b"sv, "gzip data", "set compression: gzip, or name it .gz"},
    {"\x28\xb5\x2f\xfd"sv, "zstd data", "set compression: zstd, or name it .zst"},
};

// A text without a mark whose first characters are ASCII: where its NULs are tells its encoding.
const char* encoding_by_nuls(std::string_view start) {
  if (start.find('\0') == std::string_view::npos) return nullptr;
  std::string pattern;
  for (const char c : start) pattern += c == '\0' ? '0' : 'x';
  if (pattern == "x000" || pattern == "000x") return "UTF-32";
  if (pattern == "x0x0" || pattern == "0x0x" || pattern == "x0" || pattern == "0x") return "UTF-16";
  return "binary data";
}

// Follows the first line's brackets and strings.
class FirstLine {
 public:
  FirstLine(std::string_view start, bool at_end) : start_(start), at_end_(at_end) {}

  std::optional<RecordLayout> layout() {
    for (size_t at = 0; at < start_.size(); ++at) {
      const char c = start_[at];
      if (c == '"') {
        at = string_end(at);
        continue;
      }
      if (c == '\n') return at_line_end(at);
      if (open_.empty() && at > 0 && !is_json_blank(c)) {
        return c == '{' ? RecordLayout::values : RecordLayout::lines;
      }
      if (c == '{' || c == '[') open_ += c;
      if (c == '}' || c == ']') open_.pop_back();
    }
    if (at_end_ || start_.size() >= layout_bytes) return RecordLayout::lines;
    return std::nullopt;
  }

 private:
  // The place of the closing quote; that before a newline, which no string may hold, or the last.
  size_t string_end(size_t at) const {
    for (++at; at < start_.size() && start_[at] != '"'; ++at) {
      if (start_[at] == '\n') return at - 1;
      if (start_[at] == '\\') ++at;
    }
    return std::min(at, start_.size() - 1);
  }

  // A line that ends inside of a value is either one of a value over several lines or a damaged
  // line among whole ones. It is the latter when the next line opens an object where the value
  // could not hold one.
  std::optional<RecordLayout> at_line_end(size_t at) const {
    if (open_.empty()) return RecordLayout::lines;
    size_t next = at;
    while (next < start_.size() && is_json_blank(start_[next])) ++next;
    if (next == start_.size()) {
      if (at_end_ || start_.size() >= layout_bytes) return RecordLayout::lines;
      return std::nullopt;
    }
    const std::string_view before = trim_blanks(start_.substr(0, at));
    const bool may_open = before.back() == '[' || before.back() == ':' ||
                          (before.back() == ',' && open_.back() == '[');
    const bool in_string = inside_string(before);
    if (in_string || (start_[next] == '{' && !may_open)) return RecordLayout::lines;
    return RecordLayout::values;
  }

  static bool inside_string(std::string_view line) {
    bool inside = false;
    for (size_t at = 0; at < line.size(); ++at) {
      if (line[at] == '"') inside = !inside;
      if (line[at] == '\\' && inside) ++at;
    }
    return inside;
  }

  std::string_view start_;
  bool at_end_;
  std::string open_;  // the brackets that are open
};

}  // namespace

Result<size_t> check_encoding(std::string_view start) {
  for (const Signature& signature : signatures) {
    if (start.starts_with(signature.bytes)) {
      return fail(ErrorCode::invalid_input,
                  std::string("the input is ") + signature.what + ", not UTF-8 text",
                  signature.fix);
    }
  }
  if (const char* what = encoding_by_nuls(start)) {
    return fail(ErrorCode::invalid_input, std::string("the input is ") + what + ", not UTF-8 text",
                "save it as UTF-8");
  }
  return start.starts_with("\xef\xbb\xbf") ? 3 : 0;
}

std::optional<RecordLayout> detect_layout(std::string_view start, bool at_end) {
  return FirstLine(start.substr(0, layout_bytes), at_end).layout();
}

Result<void> check_options(const RecordOptions& options) {
  const auto wrong = [](std::string what, std::string fix) {
    return fail(ErrorCode::invalid_project, std::move(what), std::move(fix));
  };
  if (options.max_record_bytes == 0 || options.max_record_bytes > largest_record_limit) {
    return wrong("max_record_bytes is " + std::to_string(options.max_record_bytes),
                 "give 1 to 1073741824 (1 GiB)");
  }
  if (options.chunk_bytes == 0 || options.chunk_bytes > digest_block_bytes) {
    return wrong("chunk_bytes is " + std::to_string(options.chunk_bytes), "give 1 to 4194304");
  }
  if (options.format == Format::parquet) {
    return wrong("Parquet is not made of text records", "read it with DuckDB");
  }
  if (options.format != Format::csv) return {};
  const CsvDialect& csv = options.csv;
  for (const char c : {csv.delimiter, csv.quote, csv.escape}) {
    if (c == '\n' || c == '\r') {
      return wrong("a line end cannot be a delimiter, quote or escape", "give another character");
    }
  }
  if (csv.delimiter == '\0') return wrong("the delimiter is empty", "give one, \",\" say");
  if (csv.delimiter == csv.quote || csv.delimiter == csv.escape) {
    return wrong("the delimiter is the quote or the escape as well", "give different characters");
  }
  if (csv.skip_lines < 0) return wrong("skip_lines is negative", "give 0 or more");
  return {};
}

}  // namespace weir::text
