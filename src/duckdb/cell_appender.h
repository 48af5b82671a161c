#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "model/data_type.h"
#include "server/connection.h"

namespace weir::duckdb {

/// Fills a temporary table with rows of a server's, whose cells are text as
/// server::Connection::stream gives them. Every value is what the server has, or the row is
/// refused. Bounded memory: the table spills. One thread.
class CellAppender {
 public:
  struct Column {
    std::string name;  ///< for messages
    DataType type;
  };
  /// Behind the columns the table has a BIGINT that counts the rows from 1.
  enum class Numbered { no, yes };

  /// `table`, not quoted, is a temporary table of the connection's with these columns. Errors: sql.
  static Result<std::unique_ptr<CellAppender>> open(Connection& connection,
                                                    const std::string& table,
                                                    std::vector<Column> columns,
                                                    Numbered numbered = Numbered::no);
  ~CellAppender();
  CellAppender(const CellAppender&) = delete;
  CellAppender& operator=(const CellAppender&) = delete;

  /// A row, in the order of the columns. Errors: invalid_input: a value that DuckDB cannot hold,
  /// with its column and row; io.
  Result<void> row(std::span<const server::Cell> cells);
  /// All rows so far are in the table when this returns. Errors: io.
  Result<void> flush();
  /// The same; nothing comes behind.
  Result<void> close();
  uint64_t rows() const { return rows_; }

 private:
  struct Native;
  CellAppender(std::unique_ptr<Native> native, std::vector<Column> columns, Numbered numbered);
  void begin_chunk();
  bool put(size_t column, std::string_view text);

  std::unique_ptr<Native> native_;
  std::vector<Column> columns_;
  const Numbered numbered_;
  uint64_t rows_ = 0;
  size_t in_chunk_ = 0;
};

}  // namespace weir::duckdb
