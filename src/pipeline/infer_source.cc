#include "pipeline/infer_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "duckdb/connection.h"
#include "io/file_stream.h"
#include "text/csv_records.h"
#include "text/record_blocks.h"
#include "text/spelling.h"

namespace weir::pipeline {
namespace {

using config::InferredSource;
using text::Spelling;

constexpr size_t rows_looked_at = 10'000;

DataType type_named(std::string_view name) { return *parse_data_type(name); }

bool is_identifier_like(std::string_view digits) {
  if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) digits.remove_prefix(1);
  return digits.size() > 1 && digits.front() == '0' && digits[1] != '.';
}

/// Candidates from narrow to wide; text is what remains.
struct Candidate {
  const char* type;
  bool (*fits)(std::string_view);
};

constexpr std::array candidates = {
    Candidate{"bigint",
              [](std::string_view text) {
                int64_t value = 0;
                return !is_identifier_like(text) &&
                       text::parse_integer(text, value) == Spelling::ok;
              }},
    Candidate{"double",
              [](std::string_view text) {
                double value = 0;
                return !is_identifier_like(text) && text::parse_double(text, value) == Spelling::ok;
              }},
    Candidate{"boolean",
              [](std::string_view text) {
                bool value = false;
                return text.size() > 3 && text::parse_boolean(text, value) == Spelling::ok;
              }},
    Candidate{"date",
              [](std::string_view text) {
                int32_t value = 0;
                return text::parse_date(text, value) == Spelling::ok;
              }},
    Candidate{"timestamp",
              [](std::string_view text) {
                int64_t value = 0;
                return text::parse_timestamp(text, value) == Spelling::ok;
              }},
    Candidate{"timestamptz",
              [](std::string_view text) {
                int64_t value = 0;
                return text::parse_timestamptz(text, value) == Spelling::ok;
              }},
    Candidate{"uuid",
              [](std::string_view text) {
                uint64_t high = 0, low = 0;
                return text::parse_uuid(text, high, low) == Spelling::ok;
              }},
};

/// What one column's values still can be.
class ColumnGuess {
 public:
  void see(std::string_view value) {
    if (value.empty()) return;
    any_ = true;
    see_digits(value);
    for (size_t i = 0; i < candidates.size(); ++i) {
      possible_[i] = possible_[i] && candidates[i].fits(value);
    }
  }
  DataType type() const {
    for (size_t i = 0; any_ && i < candidates.size(); ++i) {
      if (!possible_[i]) continue;
      // Written without exponents, a number has exact digits: keep them.
      const bool exact = type_named(candidates[i].type).kind == TypeKind::double_ && plain_ &&
                         scale_ <= 18 && whole_ <= 20;
      if (exact)
        return type_named(fmt::format("decimal({},{})", whole_ + scale_ <= 18 ? 18 : 38, scale_));
      return type_named(candidates[i].type);
    }
    return type_named("varchar");
  }

 private:
  void see_digits(std::string_view value) {
    plain_ = plain_ && value.find_first_not_of("+-.0123456789") == std::string_view::npos;
    const size_t point = std::min(value.find('.'), value.size());
    whole_ = std::max(whole_, point);
    scale_ = std::max(scale_, point < value.size() ? value.size() - point - 1 : 0);
  }

  bool any_ = false;
  bool plain_ = true;  // digits and a point only
  size_t whole_ = 0, scale_ = 0;
  std::array<bool, candidates.size()> possible_ = [] {
    std::array<bool, candidates.size()> all{};
    all.fill(true);
    return all;
  }();
};

using Record = std::vector<std::string>;

Result<std::vector<Record>> read_records(const std::filesystem::path& sample, char delimiter) {
  auto stream = WEIR_TRY(io::FileStream::open(sample.string()));
  ReadStep step;
  step.format = Format::csv;
  step.csv.header = false;
  step.csv.delimiter = delimiter;
  text::RecordBlocks blocks(*stream, text::record_options(step, sample.filename().string()));
  std::vector<Record> records;
  text::RecordBlock block;
  std::string scratch;
  while (records.size() < rows_looked_at && WEIR_TRY(blocks.next(block))) {
    text::CsvRecords cursor(block);
    for (text::RecordSlice slice; records.size() < rows_looked_at && cursor.next(slice);) {
      if (slice.broken != nullptr) continue;
      Record record;
      for (const text::CsvField& field : cursor.fields()) {
        record.emplace_back(cursor.value(field, scratch));
      }
      records.push_back(std::move(record));
    }
    blocks.digest(block);
  }
  return records;
}

/// The number of fields most records have, and how many have it.
std::pair<size_t, size_t> usual_width(const std::vector<Record>& records) {
  std::map<size_t, size_t> widths;
  for (const Record& record : records) ++widths[record.size()];
  const auto most =
      std::max_element(widths.begin(), widths.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == widths.end()) return {0, 0};
  return {most->first, most->second};
}

/// A header names its columns: no blanks, nothing twice, nothing that reads as a value.
bool looks_like_header(const Record& record) {
  std::set<std::string> seen;
  return std::all_of(record.begin(), record.end(), [&](const std::string& field) {
    ColumnGuess guess;
    guess.see(field);
    return !field.empty() && seen.insert(field).second && guess.type().kind == TypeKind::varchar;
  });
}

Result<void> infer_csv(const std::filesystem::path& sample, InferredSource& source) {
  std::vector<Record> best;
  size_t best_width = 0;
  size_t best_usual = 0;
  for (const char delimiter : {',', ';', '\t', '|'}) {
    auto records = WEIR_TRY(read_records(sample, delimiter));
    const auto [width, usual] = usual_width(records);
    if (best.empty() || (width > 1 && (best_width == 1 || usual > best_usual))) {
      best = std::move(records);
      best_width = width;
      best_usual = usual;
      source.dialect.delimiter = delimiter;
    }
  }
  if (best.empty()) {
    return fail(ErrorCode::invalid_input, "'" + sample.string() + "' holds no records",
                "give a sample with some rows");
  }
  source.dialect.header = looks_like_header(best.front()) && best.front().size() == best_width;
  std::vector<ColumnGuess> guesses(best_width);
  for (size_t row = source.dialect.header ? 1 : 0; row < best.size(); ++row) {
    if (best[row].size() != best_width) continue;
    for (size_t i = 0; i < best_width; ++i) guesses[i].see(best[row][i]);
  }
  for (size_t i = 0; i < best_width; ++i) {
    const std::string name =
        source.dialect.header ? best.front()[i] : fmt::format("column_{}", i + 1);
    source.columns.push_back({name, guesses[i].type(), {}});
  }
  return {};
}

DataType json_column_type(duckdb::Connection& connection, const std::string& from,
                          const std::string& column, Result<void>& problem) {
  const std::string name = duckdb::quote_identifier(column);
  const auto rows = connection.run(fmt::format(
      "SELECT json_type({0}), {0} ->> '$' FROM {1} WHERE json_type({0}) <> 'NULL'", name, from));
  if (!rows) {
    problem = fail(rows.error());
    return type_named("varchar");
  }
  std::set<std::string> kinds;
  ColumnGuess guess;
  for (size_t i = 0; i < rows->size(); ++i) {
    kinds.insert(rows->text(i, 0));
    guess.see(rows->text(i, 1));
  }
  if (kinds == std::set<std::string>{"ARRAY"}) return type_named("json[]");
  if (kinds.contains("OBJECT") || kinds.contains("ARRAY")) return type_named("json");
  const DataType type = guess.type();
  const bool numeric = type.kind == TypeKind::bigint || type.kind == TypeKind::double_ ||
                       type.kind == TypeKind::decimal;
  // A number in quotes was meant as text.
  return numeric && kinds.contains("VARCHAR") ? type_named("varchar") : type;
}

Result<void> infer_json(const std::filesystem::path& sample, InferredSource& source) {
  duckdb::DatabaseOptions options;
  options.threads = 1;
  const auto database = WEIR_TRY(duckdb::Database::open(options));
  const auto connection = WEIR_TRY(database->connect());
  const std::string rows = fmt::format(
      "(SELECT * FROM read_json({}, maximum_depth = 1, maximum_object_size = 67108864) "
      "LIMIT {})",
      duckdb::quote_literal(sample.string()), rows_looked_at);
  auto columns = connection->describe("SELECT * FROM " + rows);
  if (!columns || columns->empty() || columns->front().type != "JSON") {
    return fail(ErrorCode::invalid_input,
                "'" + sample.string() + "' is no JSON array of objects and no NDJSON",
                columns ? "" : columns.error().message);
  }
  Result<void> problem;
  for (const auto& column : *columns) {
    source.columns.push_back(
        {column.name, json_column_type(*connection, rows, column.name, problem), {}});
  }
  return problem;
}

}  // namespace

Result<InferredSource> infer_source(const std::filesystem::path& sample) {
  WEIR_TRY(io::FileStream::open(sample.string()));
  std::filesystem::path name = sample.filename();
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  InferredSource source;
  source.sample_file_name = sample.filename().string();
  source.table_name = name.stem().string();
  const std::string ending = name.extension().string();
  if (ending == ".csv" || ending == ".tsv" || ending == ".txt") {
    source.format = Format::csv;
    WEIR_TRY(infer_csv(sample, source));
  } else if (ending == ".json" || ending == ".ndjson" || ending == ".jsonl") {
    source.format = Format::json;
    WEIR_TRY(infer_json(sample, source));
  } else {
    return fail(ErrorCode::invalid_input,
                "the name '" + sample.filename().string() + "' does not tell the format",
                "give a .csv, .json or .ndjson file");
  }
  return source;
}

}  // namespace weir::pipeline
