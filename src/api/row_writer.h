#pragma once

#include <memory>
#include <string>
#include <vector>

#include "duckdb/database.h"
#include "server/column_view.h"

namespace weir::api {

/// The forms in which rows are answered.
enum class RowsForm { json, csv, ndjson };

/// Writes rows, whose values are spelled as text, in one of the forms, at the end of `out`. A
/// number is one in JSON too as long as a reader's double keeps all its digits (15), else a string
/// with all of them; what JSON has no number for (NaN, infinity) is a string.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  virtual void begin(const std::vector<duckdb::ResultColumn>& columns, std::string& out) = 0;
  /// Every column is a varchar.
  virtual void add(const server::RowBatch& rows, std::string& out) = 0;
  virtual void end(std::string& out) = 0;
};

std::unique_ptr<RowWriter> make_row_writer(RowsForm form);

}  // namespace weir::api
