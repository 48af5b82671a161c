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

  /// Before each chunk: where the columns and the default flags go (null = not wanted), by source
  /// column.
  void attach(const std::vector<duckdb_vector>& vectors, const std::vector<bool*>& flags);

  /// Begins the block's records. The block stays until they are all decoded. Errors: invalid_input
  /// (the header lacks a declared column).
  virtual Result<void> begin(uint16_t input, const text::RecordBlock& block,
                             text::RecordBlocks& blocks) = 0;
  /// The input has no more blocks, and perhaps had none. Errors: as of `begin`: what an input says
  /// of its columns is judged even when it has no records.
  virtual Result<void> end(uint16_t input, text::RecordBlocks& blocks) = 0;
  /// Decodes records until `capacity` rows are good or the block ends; tells the observer of the
  /// bad ones. `rows[i]` becomes the row key of the i-th good one. Returns how many are good.
  virtual idx_t decode(idx_t capacity, int64_t* rows) = 0;
  /// Whether the block still has records.
  virtual bool pending() const = 0;
  virtual uint32_t records() const = 0;

 protected:
  void reject(int64_t row, ScanRule rule, std::string_view value) {
    tell(row, static_cast<int>(rule), value);
  }
  void reject_column(int64_t row, size_t column, std::string_view value) {
    tell(row, slot_.column_rule(column), value);
  }

  /// A row that is rejected anyway: its missing values are told with its other problems.
  void reject_missing(int64_t row);

  /// Whether a column's value is missing, and how.
  enum class Missing { absent, null, empty };
  /// Whether columns have settings for it other than the usual ones: NULL for what is absent or
  /// null, the text itself for what is empty. If not, nothing below is needed.
  bool any_settings() const { return any_settings_; }
  /// Before a row's values are put.
  void begin_flags(idx_t index) {
    for (const size_t column : slot_.defaults()) {
      if (flags_[column] != nullptr) flags_[column][index] = false;
    }
  }
  enum class Put { done, rejected, keep };
  /// Puts what stands for the missing value, or tells of it. keep: the empty text is a value.
  Put put_missing(Missing missing, size_t column, idx_t index, int64_t row);

  const ScanSlot& slot_;
  std::vector<ColumnWriter> writers_;

 private:
  /// A record can name a member a million times; nobody reads that many problems of one row.
  static constexpr size_t most_problems_of_a_row = 1000;
  void tell(int64_t row, int rule, std::string_view value);

  int64_t told_row_ = -1;
  size_t told_problems_ = 0;
  std::vector<bool> has_default_;
  std::vector<bool*> flags_;
  bool any_settings_ = false;
};

std::unique_ptr<Decoder> make_json_decoder(const ScanSlot& slot);
std::unique_ptr<Decoder> make_csv_decoder(const ScanSlot& slot);

}  // namespace weir::duckdb
