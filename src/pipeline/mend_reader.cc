#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/edit_distance.h"
#include "pipeline/mend_file.h"
#include "text/csv_records.h"
#include "text/json_members.h"
#include "text/json_records.h"
#include "text/line_counter.h"
#include "text/record_blocks.h"

namespace weir::pipeline {
namespace {

using Visit = std::function<Result<void>(MendedRow&)>;

/// A record may have 16 MiB or more, and is longer once it is written as a row.
constexpr uint64_t most_row_bytes = 256u << 20;

constexpr const char* as_written = "leave the columns as `weir rejects` wrote them";

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_own_column(std::string_view name) {
  return name == reject_column || name == line_column || name == problem_column;
}

/// The file's beginning, which has been looked at, and then the rest.
class BegunStream final : public io::ByteStream {
 public:
  BegunStream(std::string begin, io::ByteStream& rest) : begin_(std::move(begin)), rest_(rest) {}

  Result<size_t> read(char* buffer, size_t capacity) override {
    const size_t count = std::min(capacity, begin_.size() - position_);
    std::memcpy(buffer, begin_.data() + position_, count);
    position_ += count;
    if (count == capacity) return count;
    return count + WEIR_TRY(rest_.read(buffer + count, capacity - count));
  }
  uint64_t size_bytes() const override { return 0; }

 private:
  std::string begin_;
  size_t position_ = 0;
  io::ByteStream& rest_;
};

/// What stands beside the id's column in the header, else what the line has.
char delimiter_of(std::string_view begin) {
  const std::string_view line = begin.substr(0, begin.find_first_of("\r\n"));
  constexpr std::string_view delimiters = ",;\t";
  std::string_view behind = line;
  if (const size_t at = line.find(reject_column); at != std::string_view::npos) {
    behind = line.substr(at + std::strlen(reject_column));
  }
  for (const std::string_view part : {behind, line}) {
    if (const size_t at = part.find_first_of(delimiters); at != std::string_view::npos) {
      return part[at];
    }
  }
  return ',';
}

std::optional<int64_t> parse_id(std::string_view text) {
  if (text.empty() || text.size() > 18 ||
      text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::stoll(std::string(text));
}

/// Where a record begins in the file.
struct Place {
  uint64_t line = 0;
  size_t column = 0;  ///< from 0; of lines longer than a block, within the block
};

/// Where in the file a place in a record is.
Location locate(const std::string& name, const Place& begin, std::string_view record,
                size_t offset) {
  const std::string_view before = record.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t line_begin = before.rfind('\n');
  const size_t in_line =
      line_begin == std::string_view::npos ? begin.column + offset : offset - line_begin - 1;
  return {name, static_cast<int>(begin.line + static_cast<uint64_t>(lines)),
          static_cast<int>(in_line) + 1};
}

tl::unexpected<Error> misfit(std::string message, std::string fix, Location at) {
  return fail(ErrorCode::invalid_input, std::move(message), std::move(fix), std::move(at));
}

tl::unexpected<Error> bad_id(std::string_view text, Location at) {
  return misfit(text.empty() ? "the row has no weir_reject"
                             : fmt::format("'{}' is no weir_reject", text.substr(0, 40)),
                "it is the number `weir rejects` gave; take rows out, but add none", std::move(at));
}

tl::unexpected<Error> unknown_column(const std::string& column,
                                     const std::vector<std::string>& columns, Location at) {
  const std::vector<std::string_view> names(columns.begin(), columns.end());
  const auto near = nearest(column, names);
  return misfit(fmt::format("the column '{}' is none of the rejected records'", column),
                near ? fmt::format("did you mean '{}'?", *near) : as_written, std::move(at));
}

/// Visits each record with the place it begins at.
template <class Records>
Result<void> for_each_record(
    text::RecordBlocks& blocks,
    const std::function<Result<void>(Records&, const text::RecordSlice&, const Place&)>& visit) {
  text::RecordBlock block;
  while (WEIR_TRY(blocks.next(block))) {
    Records records(block);
    text::LineCounter lines;
    size_t counted = 0;
    text::RecordSlice record;
    while (records.next(record)) {
      const auto begin = static_cast<size_t>(record.offset - block.offset());
      lines.add(block.data().substr(counted, begin - counted));
      counted = begin;
      const size_t line_end = block.data().substr(0, begin).find_last_of("\r\n");
      const size_t passed = block.first_line() == 1 ? static_cast<size_t>(block.offset()) : 0;
      const size_t column =
          line_end == std::string_view::npos ? passed + begin : begin - line_end - 1;
      WEIR_TRY(visit(records, record, {block.first_line() + lines.lines(), column}));
    }
  }
  return {};
}

/// The rows of a mended CSV.
class CsvRows {
 public:
  CsvRows(const std::string& name, const std::vector<std::string>& columns,
          std::vector<std::string>& cell_columns, const Visit& visit)
      : name_(name), columns_(columns), cell_columns_(cell_columns), visit_(visit) {}

  Result<void> take(text::CsvRecords& records, const text::RecordSlice& record,
                    const Place& place) {
    if (record.broken != nullptr) {
      return misfit(fmt::format("the row cannot be read: {}", record.broken),
                    "a cell with a quote in it is written \"with \"\"two\"\" of them\"",
                    locate(name_, place, record.text, 0));
    }
    record_ = record;
    place_ = place;
    if (!std::exchange(header_read_, true)) return take_header(records);
    return take_row(records);
  }
  Result<void> end() const {
    if (header_read_) return {};
    return misfit("the file is empty", "write it with `weir rejects RUN --format csv`",
                  {name_, 1, 1});
  }

 private:
  Location at(const text::CsvField& field) const {
    const auto offset = static_cast<size_t>(field.text.data() - record_.text.data());
    return locate(name_, place_, record_.text, field.quoted ? offset - 1 : offset);
  }

  Result<void> take_header(text::CsvRecords& records) {
    for (const text::CsvField& field : records.fields()) {
      const std::string column(records.value(field, scratch_));
      if (contains(header_, column)) {
        return misfit(fmt::format("the column '{}' is there twice", column), as_written, at(field));
      }
      if (!is_own_column(column) && !contains(columns_, column)) {
        return unknown_column(column, columns_, at(field));
      }
      if (column == reject_column) id_ = header_.size();
      if (!is_own_column(column)) cell_columns_.push_back(column);
      header_.push_back(column);
    }
    if (!contains(header_, reject_column)) return missing(reject_column);
    for (const std::string& column : columns_) {
      if (!contains(header_, column)) return missing(column);
    }
    return {};
  }
  tl::unexpected<Error> missing(const std::string& column) const {
    return misfit(fmt::format("the file has no column '{}'", column), as_written, {name_, 1, 1});
  }

  Result<void> take_row(text::CsvRecords& records) {
    const auto fields = records.fields();
    // Spreadsheets leave empty rows behind.
    if (std::all_of(fields.begin(), fields.end(),
                    [](const text::CsvField& field) { return field.text.empty(); })) {
      return {};
    }
    if (fields.size() != header_.size()) {
      return misfit(
          fmt::format("the row has {} cells and the header {}", fields.size(), header_.size()),
          "a cell with a comma in it is written in quotes", locate(name_, place_, record_.text, 0));
    }
    row_.cells.clear();
    for (size_t i = 0; i < fields.size(); ++i) {
      const std::string_view value = records.value(fields[i], scratch_);
      if (i == id_) {
        const auto id = parse_id(value);
        if (!id) return bad_id(value, at(fields[i]));
        row_.reject = *id;
        row_.location = at(fields[i]);
      } else if (!is_own_column(header_[i])) {
        const bool none = value.empty() && !fields[i].quoted;
        row_.cells.push_back(none ? std::nullopt : std::optional<std::string>(value));
      }
    }
    return visit_(row_);
  }

  const std::string& name_;
  const std::vector<std::string>& columns_;
  std::vector<std::string>& cell_columns_;
  const Visit& visit_;
  std::vector<std::string> header_;
  size_t id_ = 0;
  bool header_read_ = false;
  text::RecordSlice record_;
  Place place_;
  MendedRow row_;
  std::string scratch_;
};

}  // namespace

MendReader::MendReader(io::ByteStream& stream, std::string name)
    : stream_(stream), name_(std::move(name)) {}

Result<void> MendReader::read(const std::vector<std::string>& columns, const Visit& visit) {
  std::string begin(64 << 10, '\0');
  begin.resize(WEIR_TRY(stream_.read(begin.data(), begin.size())));
  std::string_view text = begin;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && (text[first] == '[' || text[first] == '{');
  const char delimiter = delimiter_of(text);
  BegunStream whole(std::move(begin), stream_);
  auto done = json ? read_json(whole, columns, visit) : read_csv(whole, delimiter, columns, visit);
  if (!done && done.error().location.file.empty()) done.error().location.file = name_;
  return done;
}

Result<void> MendReader::read_csv(io::ByteStream& stream, char delimiter,
                                  const std::vector<std::string>& columns, const Visit& visit) {
  text::RecordOptions options;
  options.format = Format::csv;
  options.csv.header = false;
  options.csv.delimiter = delimiter;
  options.max_record_bytes = most_row_bytes;
  options.digest = false;
  options.count_lines = true;
  text::RecordBlocks blocks(stream, options);
  CsvRows rows(name_, columns, cell_columns_, visit);
  WEIR_TRY(for_each_record<text::CsvRecords>(
      blocks, [&](text::CsvRecords& records, const text::RecordSlice& record, const Place& place) {
        return rows.take(records, record, place);
      }));
  return rows.end();
}

Result<void> MendReader::read_json(io::ByteStream& stream, const std::vector<std::string>& columns,
                                   const Visit& visit) {
  text::RecordOptions options;
  options.max_record_bytes = most_row_bytes;
  options.digest = false;
  options.count_lines = true;
  text::RecordBlocks blocks(stream, options);
  MendedRow row;
  const auto take = [&](text::JsonRecords&, const text::RecordSlice& record,
                        const Place& place) -> Result<void> {
    const Location begin = locate(name_, place, record.text, 0);
    if (record.broken != nullptr) return misfit(record.broken, "see what is there", begin);
    const auto members = text::json_members(record.text);
    if (!members) return misfit(members.error().message, "write one object per row", begin);
    bool found = false;
    std::vector<std::string_view> seen;
    for (const text::JsonMember& member : *members) {
      const Location at = locate(name_, place, record.text, member.offset);
      if (std::find(seen.begin(), seen.end(), member.name) != seen.end()) {
        return misfit(fmt::format("the member '{}' is there twice", member.name), "keep one", at);
      }
      seen.push_back(member.name);
      if (member.name == reject_column) {
        const bool quoted = member.value.front() == '"';
        const std::string text =
            quoted ? text::json_string(member.value) : std::string(member.value);
        const auto id = parse_id(text);
        if (!id) return bad_id(text, at);
        row.reject = *id;
        row.location = at;
        found = true;
      } else if (!is_own_column(member.name) && !contains(columns, member.name)) {
        return unknown_column(member.name, columns, at);
      }
    }
    if (!found) return bad_id("", begin);
    row.object = std::string(record.text);
    return visit(row);
  };
  return for_each_record<text::JsonRecords>(blocks, take);
}

}  // namespace weir::pipeline
