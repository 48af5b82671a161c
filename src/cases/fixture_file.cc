#include "cases/fixture_file.h"

#include <algorithm>

#include "base/edit_distance.h"
#include "base/utf8.h"
#include "io/atomic_file.h"
#include "io/memory_stream.h"
#include "text/csv_records.h"
#include "text/json_members.h"
#include "text/json_records.h"
#include "text/record_blocks.h"
#include "text/written_value.h"

namespace weir::cases {
namespace {

constexpr size_t most_bytes = 256u << 20;

/// Reads rows and says where they are.
class FixtureReader {
 public:
  FixtureReader(const std::string& name, std::string_view bytes, const Table& table)
      : name_(name), bytes_(bytes), table_(table) {}

  Result<TextRows> read() {
    text::RecordOptions options;
    const bool json = holds_json(bytes_);
    options.format = json ? Format::json : Format::csv;
    options.digest = false;
    options.max_record_bytes = most_bytes;
    io::MemoryStream stream(bytes_);
    text::RecordBlocks blocks(stream, options);
    if (auto opened = blocks.open(); !opened) return fail(in_file(opened.error()));
    if (!json) WEIR_TRY(take_header(blocks.header()));
    text::RecordBlock block;
    while (true) {
      auto more = blocks.next(block);
      if (!more) return fail(in_file(more.error()));
      if (!*more) break;
      WEIR_TRY(json ? take_all<text::JsonRecords>(block) : take_all<text::CsvRecords>(block));
    }
    if (json) fill_up();
    return std::move(rows_);
  }

 private:
  Error in_file(Error error) const {
    if (error.location.file.empty()) error.location.file = name_;
    return error;
  }

  template <class Records>
  Result<void> take_all(const text::RecordBlock& block) {
    Records records(block);
    for (text::RecordSlice record; records.next(record);) {
      const Location at = place(record.offset);
      if (record.broken != nullptr) {
        return fail(ErrorCode::invalid_input,
                    "the row cannot be read: " + std::string(record.broken), "", at);
      }
      WEIR_TRY(take(records, record, at));
    }
    return {};
  }

  /// Rows come in order, so that lines are counted once.
  Location place(uint64_t offset) {
    const auto end = std::min<size_t>(offset, bytes_.size());
    for (; counted_ < end; ++counted_) line_ += bytes_[counted_] == '\n' ? 1 : 0;
    return {name_, line_, 1};
  }

  Result<size_t> column(const std::string& name, const Location& at) {
    for (size_t i = 0; i < rows_.columns.size(); ++i) {
      if (same_name(rows_.columns[i]->name, name)) return i;
    }
    std::vector<std::string_view> known;
    for (const Column& each : table_.columns) {
      known.push_back(each.name);
      if (!same_name(each.name, name)) continue;
      rows_.columns.push_back(&each);
      return rows_.columns.size() - 1;
    }
    const auto near = nearest(name, known);
    std::string fix = "its columns are";
    for (const auto& each : known) fix += (each == known.front() ? " " : ", ") + std::string(each);
    if (near) fix = "did you mean '" + std::string(*near) + "'?";
    return fail(ErrorCode::invalid_input,
                "unknown column '" + name + "' of table '" + table_.name.value() + "'",
                std::move(fix), at);
  }

  static bool same_name(const std::string& a, const std::string& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      return std::tolower(static_cast<unsigned char>(x)) ==
             std::tolower(static_cast<unsigned char>(y));
    });
  }

  Result<void> take_header(const std::vector<std::string>& header) {
    for (const std::string& name : header) {
      if (WEIR_TRY(column(name, {name_, 1, 1})) + 1 != rows_.columns.size()) {
        return fail(ErrorCode::invalid_input, "the column '" + name + "' is there twice",
                    "leave one out", {name_, 1, 1});
      }
    }
    return {};
  }

  Result<std::string> value(size_t column, std::string_view text, const Location& at) const {
    auto written = text::written_value(rows_.columns[column]->type, text);
    if (written) return written;
    return fail(ErrorCode::invalid_input,
                written.error().message + " (column '" + rows_.columns[column]->name + "')",
                written.error().fix, at);
  }

  Result<void> take(text::CsvRecords& records, const text::RecordSlice&, const Location& at) {
    const auto fields = records.fields();
    if (fields.size() != rows_.columns.size()) {
      return fail(ErrorCode::invalid_input,
                  "the row has " + std::to_string(fields.size()) + " cells and the header " +
                      std::to_string(rows_.columns.size()),
                  "a cell with a comma in it is written in quotes", at);
    }
    TextRow row;
    std::string scratch;
    for (size_t i = 0; i < fields.size(); ++i) {
      const std::string_view text = records.value(fields[i], scratch);
      if (text.empty() && !fields[i].quoted) {
        row.emplace_back();
      } else {
        row.emplace_back(WEIR_TRY(value(i, text, at)));
      }
    }
    rows_.rows.push_back(std::move(row));
    rows_.places.push_back(at);
    return {};
  }

  Result<void> take(text::JsonRecords&, const text::RecordSlice& record, const Location& at) {
    const auto members = text::json_members(record.text);
    if (!members) {
      return fail(ErrorCode::invalid_input, members.error().message, "write one object per row",
                  at);
    }
    TextRow row;
    for (const text::JsonMember& member : *members) {
      const size_t index = WEIR_TRY(column(member.name, at));
      row.resize(std::max(row.size(), index + 1));
      if (member.value == "null") continue;
      const TypeKind kind = rows_.columns[index]->type.kind;
      const bool text =
          member.value.front() == '"' && kind != TypeKind::json && kind != TypeKind::list;
      row[index] = WEIR_TRY(
          value(index, text ? text::json_string(member.value) : std::string(member.value), at));
    }
    rows_.rows.push_back(std::move(row));
    rows_.places.push_back(at);
    return {};
  }

  /// Members that an object lacks are NULL.
  void fill_up() {
    for (TextRow& row : rows_.rows) row.resize(rows_.columns.size());
  }

  const std::string& name_;
  std::string_view bytes_;
  const Table& table_;
  TextRows rows_;
  size_t counted_ = 0;
  int line_ = 1;
};

Error no_such_file(const CaseFile& file) {
  return {ErrorCode::not_found, "there is no file " + file.path,
          "paths are relative to the project's folder", file.location};
}

/// Every file that a case names.
std::vector<const CaseFile*> files_of(const TestCase& test) {
  std::vector<const CaseFile*> files;
  const auto take = [&](const std::optional<CaseFile>& file) {
    if (file) files.push_back(&*file);
  };
  for (const GivenObject& object : test.objects) take(object.file);
  for (const GivenTable& table : test.tables) take(table.rows.file);
  for (const ExpectedTable& table : test.expected_tables) take(table.rows.file);
  return files;
}

}  // namespace

std::vector<Error> missing_fixtures(const Project& project) {
  std::vector<Error> missing;
  for (const TestCase& test : project.tests) {
    for (const CaseFile* file : files_of(test)) {
      std::error_code problem;
      if (std::filesystem::is_regular_file(project.root / file->path, problem)) continue;
      missing.push_back(no_such_file(*file));
      missing.back().message += ", which test '" + test.name + "' names";
    }
  }
  return missing;
}

Result<std::string> read_fixture(const CaseFile& file, const std::filesystem::path& root) {
  auto bytes = io::read_small_file((root / file.path).string(), most_bytes);
  if (bytes) return bytes;
  Error error = bytes.error();
  if (error.code == ErrorCode::not_found) return fail(no_such_file(file));
  error.location = file.location;
  return fail(std::move(error));
}

bool holds_json(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (bytes[first] == '[' || bytes[first] == '{');
}

Result<TextRows> read_fixture_file(const CaseFile& file, const Table& table,
                                   const std::filesystem::path& root) {
  const std::string bytes = WEIR_TRY(read_fixture(file, root));
  return FixtureReader(file.path, bytes, table).read();
}

}  // namespace weir::cases
