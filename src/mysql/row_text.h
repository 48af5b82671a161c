#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "mysql/text_buffer.h"
#include "mysql/value_text.h"
#include "server/column_view.h"

namespace weir::mysql {

/// What the rows are text of: lines for LOAD DATA (tabs between fields, \N for NULL, backslash
/// escapes, bytes in hexadecimal for UNHEX), or the tuples behind INSERT … VALUES.
enum class RowForm { lines, tuples };

struct RowColumn {
  std::string name;
  DataType type;     ///< of the batches
  int fraction = 6;  ///< digits of a second that the server's column keeps, of times and timestamps
  /// What the server's column does to texts and bytes without a warning: char(n) drops blanks at
  /// the end, binary(n) fills up with zeros, enum takes 'A' for its 'a'.
  enum class Bends { nothing, drops_blanks, fills_up, respells };
  Bends bends = Bends::nothing;
  size_t size = 0;                          ///< of binary(n)
  std::vector<std::string> spellings = {};  ///< of enum
};

/// A value that must not be sent.
struct RowFault {
  size_t row = 0;      ///< of the batch, from 0
  std::string column;  ///< its name
  std::string state;   ///< the SQLSTATE of a server that would refuse it
  std::string reason;  ///< what the column would do to it
};

/// Rows as text.
class RowText {
 public:
  /// Each chunk begins with `prefix`.
  RowText(std::span<const RowColumn> columns, RowForm form, std::string prefix = {});

  struct Limit {
    size_t enough = 0;  ///< a chunk is full once it holds so many bytes
    size_t most = 0;    ///< and never holds more
  };
  /// Writes rows of `batch` from `first` on behind what `out` holds, until the chunk is full or the
  /// batch ends; gives the row to go on with, batch.rows at its end. `first` itself comes back when
  /// `out` has no room for that row.
  /// Errors: invalid_input (a value that the server's type cannot hold, a row above `most` alone).
  Result<size_t> append(const server::RowBatch& batch, size_t first, Limit limit, TextBuffer& out);
  /// The value behind the last error; none: it was the row's length.
  const std::optional<RowFault>& fault() const { return fault_; }

 private:
  enum class Style { bare, quoted, text, bytes, list };
  struct Column {
    RowColumn given;
    Style style = Style::bare;
    WriteValue write = nullptr;
    int64_t step = 1;  ///< microseconds that the server's column tells apart
  };
  tl::unexpected<Error> unfit(const Column& column, size_t row);
  static bool is_bent(const RowColumn& column, std::string_view value);
  template <RowForm form>
  bool write_cell(const Column& column, const server::ColumnView& view, size_t row,
                  TextBuffer& out);
  template <RowForm form>
  Result<void> write_row(const server::RowBatch& batch, size_t row, TextBuffer& out);

  std::vector<Column> columns_;
  RowForm form_;
  std::string prefix_;
  TextBuffer scratch_;  ///< a list's JSON before its escaping
  std::optional<RowFault> fault_;
};

}  // namespace weir::mysql
