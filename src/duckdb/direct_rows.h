#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "duckdb/scan.h"
#include "server/column_view.h"

namespace weir::duckdb {

/// Rows of JSON texts as columns, without a statement of SQL. The decoder is the one that weir_scan
/// uses, so a value is what it is there; but a text counts as a whole or not at all: what is taken
/// has no record that the scan would reject, and nobody is told of the others.
///
/// Not taken although the scan may like it: a text that does not begin with '[' or '{', outside of
/// an array two objects on one line or one over several, and one in which a column's default stands
/// in. One thread at a time.
class DirectRows {
 public:
  /// So many readable bytes must lie behind a text.
  static constexpr size_t padding = 64;
  /// Of a batch.
  static constexpr size_t batch_rows = 2048;

  /// Rows of the slot's columns, none of which is a list; it must outlive this, and is for nothing
  /// else meanwhile.
  explicit DirectRows(ScanSlot& slot);
  ~DirectRows();
  DirectRows(const DirectRows&) = delete;
  DirectRows& operator=(const DirectRows&) = delete;

  /// Appends the text's rows: an array of objects, one object, or one on each line. Long values
  /// stay where they are: the text is there until clear(). False: nothing was appended.
  bool append(std::string_view text);
  /// Takes the last rows away, until there are so many.
  void drop_to(size_t rows);
  void clear();

  size_t rows() const { return rows_; }
  /// Rows [begin, end) of a batch.
  using Judge =
      std::function<bool(std::span<const server::ColumnView> columns, size_t begin, size_t end)>;
  /// Whether `judge` says so of all rows from `from` on.
  bool all_of(size_t from, const Judge& judge) const;
  /// All rows, batch by batch; valid until the next append or clear().
  std::vector<server::RowBatch> batches();
  /// Puts all of them into a table, inside the connection's transaction. `catalog` and `schema`:
  /// empty for the session's own. Errors: sql, also where the table has other columns.
  Result<void> append_to(Connection& connection, const std::string& catalog,
                         const std::string& schema, const std::string& table);

 private:
  struct Parts;
  bool decode(std::string_view text);
  bool decode_array();
  bool decode_lines(std::string_view text);
  bool decode_row();
  void attach(size_t chunk);

  std::unique_ptr<Parts> parts_;
  size_t rows_ = 0;
};

}  // namespace weir::duckdb
