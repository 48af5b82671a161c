#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/byte_stream.h"
#include "pipeline/source_record.h"

namespace weir::pipeline {

/// The file people mend: weir_reject (the reject's id), weir_line and weir_problem (to read only),
/// then the columns of the record. `weir rejects` writes it, `weir replay --with` reads it.
inline constexpr const char* reject_column = "weir_reject";
inline constexpr const char* line_column = "weir_line";
inline constexpr const char* problem_column = "weir_problem";

enum class MendFormat { csv, json };

/// What a rejected row shows of itself.
struct MendRow {
  int64_t reject = 0;
  int64_t line = 0;  ///< or the element, where lines mean nothing
  std::string problem;
  SourceRecord record;
};

/// Writes rows, piece by piece, to `write`, which gives false when nobody reads any more.
class MendWriter {
 public:
  using Write = std::function<bool(const std::string& text)>;

  MendWriter(MendFormat format, std::vector<ReadColumn> columns, Write write)
      : format_(format), columns_(std::move(columns)), write_(std::move(write)) {}

  bool begin();
  bool add(const MendRow& row);
  bool end();

 private:
  std::string csv_row(const MendRow& row) const;
  std::string json_row(const MendRow& row) const;

  MendFormat format_;
  std::vector<ReadColumn> columns_;
  Write write_;
  bool first_ = true;
};

/// A row as it stands in the file.
struct MendedRow {
  int64_t reject = 0;
  Location location;  ///< of the id
  /// Of a CSV row, by column name: its cells (nullopt = empty and unquoted).
  std::vector<std::optional<std::string>> cells;
  /// Of a JSON row: the object.
  std::string object;
};

/// Reads a mended file: CSV (a comma, semicolon or tab between the cells), a JSON array, or JSON
/// lines; told apart by how it begins. Bounded memory. `name` is what errors call the file.
class MendReader {
 public:
  MendReader(io::ByteStream& stream, std::string name);

  /// `columns`: those a row may have. Visits every row. Errors: invalid_input with file:line:column
  /// (an id that is none, an unknown or missing column); those of the stream and of `visit`.
  Result<void> read(const std::vector<std::string>& columns,
                    const std::function<Result<void>(MendedRow&)>& visit);

  /// After read() of a CSV: which column each of MendedRow::cells is; empty for JSON.
  const std::vector<std::string>& cell_columns() const { return cell_columns_; }

 private:
  Result<void> read_csv(io::ByteStream& stream, char delimiter,
                        const std::vector<std::string>& columns,
                        const std::function<Result<void>(MendedRow&)>& visit);
  Result<void> read_json(io::ByteStream& stream, const std::vector<std::string>& columns,
                         const std::function<Result<void>(MendedRow&)>& visit);

  io::ByteStream& stream_;
  std::string name_;
  std::vector<std::string> cell_columns_;
};

}  // namespace weir::pipeline
