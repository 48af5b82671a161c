#pragma once

// Inside src/duckdb only.

#include <duckdb.h>

#include <memory>
#include <string>
#include <vector>

#include "duckdb/column_writer.h"
#include "duckdb/scan.h"
#include "text/record_block.h"

namespace weir::duckdb {

/// Turns the records of blocks into typed columns; one per thread of a scan.
class Decoder {
 public:
  explicit Decoder(const ScanSlot& slot);
  virtual ~Decoder() = default;

  /// Before each chunk: where the columns go (null = not wanted), by source column.
  void attach(const std::vector<duckdb_vector>& vectors);

  /// Begins the block's records. The block stays until they are all decoded. Errors: invalid_input
  /// (the header lacks a declared column).
  virtual Result<void> begin(uint16_t input, const text::RecordBlock& block,
                             text::RecordBlocks& blocks) = 0;
  /// Decodes records until `capacity` rows are good or the block ends; tells the observer of the
  /// bad ones. `rows[i]` becomes the row key of the i-th good one. Returns how many are good.
  virtual idx_t decode(idx_t capacity, int64_t* rows) = 0;
  /// Whether the block still has records.
  virtual bool pending() const = 0;
  virtual uint32_t records() const = 0;

 protected:
  void reject(int64_t row, ScanRule rule, std::string_view value) {
    slot_.observer()->reject(row, static_cast<int>(rule), value);
  }
  void reject_column(int64_t row, size_t column, std::string_view value) {
    slot_.observer()->reject(row, slot_.column_rule(column), value);
  }

  /// A row that is rejected anyway: its missing values are told with its other problems.
  void reject_missing(int64_t row) {
    for (const size_t column : slot_.required()) {
      if (writers_[column].last_was_null()) {
        slot_.observer()->reject(row, slot_.required_rule(column), "");
      }
    }
  }

  const ScanSlot& slot_;
  std::vector<ColumnWriter> writers_;
};

std::unique_ptr<Decoder> make_json_decoder(const ScanSlot& slot);
std::unique_ptr<Decoder> make_csv_decoder(const ScanSlot& slot);

}  // namespace weir::duckdb
