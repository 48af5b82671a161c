#pragma once

// Inside src/duckdb only.

#include <duckdb.h>

#include <memory>
#include <string>
#include <string_view>

#include "model/data_type.h"

namespace weir::duckdb {

/// How long a text handed to a ColumnWriter stays where it is.
enum class TextLife {
  chunk,  ///< at least as long as the chunk is used: long texts are referred to, not copied
  call,   ///< copied
};

/// Writes values of one dictionary type into one DuckDB vector, from weir's own spelling. Without a
/// vector it only checks. A row may be written again (its record was rejected half-way).
class ColumnWriter {
 public:
  explicit ColumnWriter(const DataType& type);

  /// `vector` may be null: nobody wants the column.
  void attach(duckdb_vector vector);

  const DataType& type() const { return type_; }

  /// Lists: nobody looks at the elements, only at how many there are. They are checked and left
  /// NULL.
  void keep_lengths_only() { lengths_only_ = true; }

  void put_null(idx_t row);
  bool last_was_null() const { return last_was_null_; }
  /// Parses `text` as the type spells it; varchar takes it as it is. False: it does not fit. Not
  /// for json and lists.
  bool put_text(idx_t row, std::string_view text, TextLife life);
  /// json: text that is known to be valid JSON.
  void put_json(idx_t row, std::string_view text, TextLife life) {
    last_was_null_ = false;
    put_string(row, text, life);
  }
  /// Parses `text` as servers spell it (server_spelling.h), and copies it; a list is an array of
  /// Postgres's. JSON is taken as it is. False: it does not fit, or is not UTF-8.
  bool put_cell(idx_t row, std::string_view text);
  /// The value does not fit, and is not NULL.
  void put_nothing() { last_was_null_ = false; }

  /// Lists: begins the row's list; then every element goes to `element()` at the row that
  /// add_element gives; end_list sets the length. drop_list instead of it when an element was not
  /// written: casts of a list column look at all elements up to the vector's size, and must not
  /// meet one that was never set.
  void begin_list(idx_t row);
  idx_t add_element();
  void end_list(idx_t row);
  void drop_list();
  ColumnWriter& element() { return *element_; }

 private:
  template <class T>
  void put(idx_t row, T value);
  bool put_number(idx_t row, std::string_view text);
  bool put_decimal(idx_t row, std::string_view text);
  bool put_moment(idx_t row, std::string_view text);
  bool put_array(idx_t row, std::string_view text);
  void end_length(idx_t row);
  void put_string(idx_t row, std::string_view text, TextLife life);
  void set_valid(idx_t row);
  void point_at(duckdb_vector vector);

  DataType type_;
  duckdb_vector vector_ = nullptr;
  void* data_ = nullptr;
  uint64_t* validity_ = nullptr;
  std::unique_ptr<ColumnWriter> element_;
  idx_t elements_ = 0;  // in the child vector
  idx_t element_capacity_ = 0;
  idx_t list_begin_ = 0;
  bool lengths_only_ = false;
  bool last_was_null_ = false;
};

}  // namespace weir::duckdb
