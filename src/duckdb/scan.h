#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "duckdb/database.h"
#include "model/data_type.h"
#include "model/pipeline.h"
#include "text/record_blocks.h"

namespace weir::duckdb {

/// A row's name inside one query: which input (from 0), and where in it. Grows in input order.
/// 16 bits input, 48 bits the input's own row key (text/record_blocks.h).
inline int64_t make_row(uint16_t input, uint64_t row_key) {
  return static_cast<int64_t>(uint64_t{input} << 48 | row_key);
}
inline uint16_t input_of(int64_t row) { return static_cast<uint16_t>(uint64_t(row) >> 48); }
inline uint64_t row_key_of(int64_t row) { return uint64_t(row) & ((uint64_t{1} << 48) - 1); }

/// A row of a query: its record, and which of the rows that unnest made of it. In SQL a BIGINT
/// (make_row) as long as rows are records, behind an unnest a HUGEINT: record << 64 | ordinal.
/// Either grows in input order.
struct RowId {
  int64_t record = 0;    ///< see make_row
  uint64_t ordinal = 0;  ///< from 1 behind an unnest; 0 = the record itself

  // NOLINTNEXTLINE(google-explicit-constructor): a record is a row
  RowId(int64_t of_record = 0, uint64_t of_ordinal = 0) : record(of_record), ordinal(of_ordinal) {}
  auto operator<=>(const RowId&) const = default;
};
/// The bits of a HUGEINT identity below the record.
constexpr int ordinal_bits = 64;
/// The identity as a result cell shows it, in decimal; `ordinals`: it is a HUGEINT.
RowId parse_row_id(std::string_view text, bool ordinals);

/// Rules the scan itself decides come before the rules of the SQL (which begin at `first_sql_rule`
/// of the slot): 0..count-1 below, then one per kind of ColumnRule and source column.
enum class ScanRule : int {
  broken,            ///< the record cannot be read at all; the value is the reason
  not_an_object,     ///< JSON: the element is no object
  duplicate_member,  ///< JSON: a member is there twice; the value is its name
  field_count,       ///< CSV: too few or too many fields; the value is their number
  encoding,          ///< not UTF-8
  count,
};

enum class ColumnRule : int {
  type,      ///< the value does not have the column's type
  required,  ///< told of rows that are rejected for something else
  absent,    ///< MissingValues says reject
  null,
  empty,
  count,
};

/// Told what becomes of every record. Called from several threads at once.
class RowObserver {
 public:
  virtual ~RowObserver() = default;
  virtual void read(uint16_t input, uint64_t records) = 0;
  /// Several calls for one row name several problems of it.
  virtual void reject(RowId row, int rule, std::string_view value) = 0;
  virtual void filtered(RowId row) = 0;
  /// `rows` more than there were records: made of records of this input by unnest.
  virtual void expanded(uint16_t input, uint64_t rows) = 0;
  /// Of a rejected row: what the steps had made of its record, as a JSON object, where it goes on
  /// at the pipeline's step `entry_step`.
  virtual void produced(RowId row, int entry_step, std::string_view json) = 0;
  /// The input cannot be read on; the execution ends with an error.
  virtual void input_failed(uint16_t input, Error error) = 0;
  /// Polled between blocks: true stops the scan with the error `cancelled`.
  virtual bool should_stop() const = 0;
};

/// The scan's column that says whether the default stands in for a source column's value.
inline std::string default_flag(size_t column) { return "weir_default_" + std::to_string(column); }

/// What `weir_scan(<id>)` reads. The columns are fixed; the inputs are set before each execution.
/// The function gives the source columns, `weir_row` (BIGINT, see make_row) and a BOOLEAN for each
/// of set_defaults.
class ScanSlot {
 public:
  ScanSlot(Database& database, Format format, std::vector<ReadColumn> columns, CsvDialect dialect);
  ~ScanSlot();
  ScanSlot(const ScanSlot&) = delete;
  ScanSlot& operator=(const ScanSlot&) = delete;

  int64_t id() const { return id_; }
  Format format() const { return format_; }
  const CsvDialect& dialect() const { return dialect_; }
  const std::vector<ReadColumn>& columns() const { return columns_; }
  int column_rule(size_t column, ColumnRule rule = ColumnRule::type) const {
    return static_cast<int>(ScanRule::count) +
           static_cast<int>(static_cast<size_t>(rule) * columns_.size() + column);
  }
  int first_sql_rule() const { return column_rule(0, ColumnRule::count); }

  /// Source columns whose NULL the contract will reject; by position in columns().
  void set_required(std::vector<size_t> columns) { required_ = std::move(columns); }
  const std::vector<size_t>& required() const { return required_; }

  /// Source columns for which a default may stand in: `weir_default_<position>` says of each row
  /// whether it does. Before a statement names the scan.
  void set_defaults(std::vector<size_t> columns) { defaults_ = std::move(columns); }
  const std::vector<size_t>& defaults() const { return defaults_; }

  /// List columns of which the query uses the length alone: their elements are checked, not kept.
  void set_lengths_only(std::vector<size_t> columns) { lengths_only_ = std::move(columns); }
  const std::vector<size_t>& lengths_only() const { return lengths_only_; }

  /// Before an execution; the blocks and the observer live until it has ended.
  void set_inputs(std::vector<text::RecordBlocks*> inputs, RowObserver& observer, int threads);
  /// After the execution: nothing can be read or reported until set_inputs is called again.
  void clear_inputs();
  const std::vector<text::RecordBlocks*>& inputs() const { return inputs_; }
  RowObserver* observer() const { return observer_; }
  int threads() const { return threads_; }

 private:
  Database& database_;
  int64_t id_;
  Format format_;
  CsvDialect dialect_;
  std::vector<ReadColumn> columns_;
  std::vector<size_t> required_;
  std::vector<size_t> defaults_;
  std::vector<size_t> lengths_only_;
  std::vector<text::RecordBlocks*> inputs_;
  RowObserver* observer_ = nullptr;
  int threads_ = 1;
};

}  // namespace weir::duckdb
