#include "duckdb/column_writer.h"

#include <algorithm>
#include <cstring>

#include "duckdb/server_spelling.h"
#include "text/spelling.h"

namespace weir::duckdb {
namespace {

using text::parse_double;
using text::parse_integer;
using text::parse_real;
using text::Spelling;

/// As deep as a JSON record of JsonTokens::depth_limit levels can hold one.
constexpr int deepest_json_value = 999;

duckdb_hugeint to_hugeint(__int128 value) {
  return {static_cast<uint64_t>(value), static_cast<int64_t>(value >> 64)};
}

}  // namespace

ColumnWriter::ColumnWriter(const DataType& type) : type_(type) {
  if (type.kind == TypeKind::list) element_ = std::make_unique<ColumnWriter>(*type.element);
}

void ColumnWriter::attach(duckdb_vector vector) {
  elements_ = 0;
  element_capacity_ = 0;
  // Elements are attached again with the first one: until then their vectors are unknown.
  if (element_ != nullptr) element_->attach(nullptr);
  point_at(vector);
}

void ColumnWriter::point_at(duckdb_vector vector) {
  vector_ = vector;
  data_ = nullptr;
  validity_ = nullptr;
  if (vector == nullptr) return;
  duckdb_vector_ensure_validity_writable(vector);
  data_ = duckdb_vector_get_data(vector);
  validity_ = duckdb_vector_get_validity(vector);
}

void ColumnWriter::set_valid(idx_t row) { validity_[row / 64] |= uint64_t{1} << (row % 64); }

void ColumnWriter::put_null(idx_t row) {
  last_was_null_ = true;
  if (vector_ == nullptr) return;
  validity_[row / 64] &= ~(uint64_t{1} << (row % 64));
  if (type_.kind == TypeKind::list) static_cast<duckdb_list_entry*>(data_)[row] = {0, 0};
}

template <class T>
void ColumnWriter::put(idx_t row, T value) {
  if (vector_ == nullptr) return;
  set_valid(row);
  static_cast<T*>(data_)[row] = value;
}

void ColumnWriter::put_string(idx_t row, std::string_view text, TextLife life) {
  if (vector_ == nullptr) return;
  set_valid(row);
  if (text.size() > sizeof(duckdb_string_t{}.value.inlined.inlined) && life == TextLife::call) {
    duckdb_vector_assign_string_element_len(vector_, row, text.data(), text.size());
    return;
  }
  duckdb_string_t string{};
  string.value.inlined.length = static_cast<uint32_t>(text.size());
  if (text.size() <= sizeof string.value.inlined.inlined) {
    std::memcpy(string.value.inlined.inlined, text.data(), text.size());
  } else {
    std::memcpy(string.value.pointer.prefix, text.data(), sizeof string.value.pointer.prefix);
    string.value.pointer.ptr = const_cast<char*>(text.data());
  }
  static_cast<duckdb_string_t*>(data_)[row] = string;
}

bool ColumnWriter::put_number(idx_t row, std::string_view text) {
  const auto integer = [&](auto value) {
    if (parse_integer(text, value) != Spelling::ok) return false;
    put(row, value);
    return true;
  };
  switch (type_.kind) {
    case TypeKind::tinyint: return integer(int8_t{});
    case TypeKind::smallint: return integer(int16_t{});
    case TypeKind::integer: return integer(int32_t{});
    case TypeKind::bigint: return integer(int64_t{});
    case TypeKind::hugeint: {
      __int128 value = 0;
      if (parse_integer(text, value) != Spelling::ok) return false;
      put(row, to_hugeint(value));
      return true;
    }
    case TypeKind::real: {
      float value = 0;
      if (parse_real(text, value) != Spelling::ok) return false;
      put(row, value);
      return true;
    }
    case TypeKind::double_: {
      double value = 0;
      if (parse_double(text, value) != Spelling::ok) return false;
      put(row, value);
      return true;
    }
    default: return put_decimal(row, text);
  }
}

bool ColumnWriter::put_decimal(idx_t row, std::string_view text) {
  __int128 value = 0;
  if (text::parse_decimal(text, type_.precision, type_.scale, value) != Spelling::ok) return false;
  // DuckDB's storage by precision
  if (type_.precision <= 4) {
    put(row, static_cast<int16_t>(value));
  } else if (type_.precision <= 9) {
    put(row, static_cast<int32_t>(value));
  } else if (type_.precision <= 18) {
    put(row, static_cast<int64_t>(value));
  } else {
    put(row, to_hugeint(value));
  }
  return true;
}

bool ColumnWriter::put_moment(idx_t row, std::string_view text) {
  if (type_.kind == TypeKind::date) {
    int32_t days = 0;
    if (text::parse_date(text, days) != Spelling::ok) return false;
    put(row, days);
    return true;
  }
  int64_t micros = 0;
  const Spelling spelling = type_.kind == TypeKind::time ? text::parse_time(text, micros)
                            : type_.kind == TypeKind::timestamp
                                ? text::parse_timestamp(text, micros)
                                : text::parse_timestamptz(text, micros);
  if (spelling != Spelling::ok) return false;
  put(row, micros);
  return true;
}

bool ColumnWriter::put_text(idx_t row, std::string_view text, TextLife life) {
  last_was_null_ = false;
  switch (type_.kind) {
    case TypeKind::varchar: put_string(row, text, life); return true;
    case TypeKind::boolean: {
      bool value = false;
      if (text::parse_boolean(text, value) != Spelling::ok) return false;
      put(row, value);
      return true;
    }
    case TypeKind::date:
    case TypeKind::time:
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return put_moment(row, text);
    case TypeKind::uuid: {
      uint64_t high = 0, low = 0;
      if (text::parse_uuid(text, high, low) != Spelling::ok) return false;
      // DuckDB flips the top bit so that the order of the signed number is that of the text.
      put(row, duckdb_hugeint{low, static_cast<int64_t>(high ^ (uint64_t{1} << 63))});
      return true;
    }
    case TypeKind::bytes: {
      std::string bytes;
      if (text::parse_bytes(text, bytes) != Spelling::ok) return false;
      put_string(row, bytes, TextLife::call);
      return true;
    }
    case TypeKind::json:
      if (!text::is_valid_json(text, deepest_json_value)) return false;
      put_string(row, text, life);
      return true;
    case TypeKind::list: return false;
    default: return put_number(row, text);
  }
}

bool ColumnWriter::put_array(idx_t row, std::string_view text) {
  std::vector<ArrayElement> elements;
  if (!parse_server_array(text, elements)) return false;
  begin_list(row);
  for (const ArrayElement& element : elements) {
    const idx_t at = add_element();
    if (element.is_null) {
      element_->put_null(at);
    } else if (!element_->put_cell(at, element.text)) {
      drop_list();
      return false;
    }
  }
  end_list(row);
  return true;
}

bool ColumnWriter::put_cell(idx_t row, std::string_view text) {
  last_was_null_ = false;
  const auto value = [&](auto parse, auto parsed) {
    if (!parse(text, parsed)) return false;
    put(row, parsed);
    return true;
  };
  switch (type_.kind) {
    case TypeKind::real:
      return value([](auto of, float& to) { return parse_server_float(of, to); }, float{});
    case TypeKind::double_:
      return value([](auto of, double& to) { return parse_server_float(of, to); }, double{});
    case TypeKind::date: return value(parse_server_date, int32_t{});
    case TypeKind::time: return value(parse_server_time, int64_t{});
    case TypeKind::timestamp: return value(parse_server_timestamp, int64_t{});
    case TypeKind::timestamptz: return value(parse_server_timestamptz, int64_t{});
    case TypeKind::varchar:
    case TypeKind::json:
      if (!text::is_valid_utf8(text)) return false;
      put_string(row, text, TextLife::call);
      return true;
    case TypeKind::list: return put_array(row, text);
    default: return put_text(row, text, TextLife::call);
  }
}

void ColumnWriter::begin_list(idx_t) {
  last_was_null_ = false;
  list_begin_ = elements_;
}

idx_t ColumnWriter::add_element() {
  if (vector_ == nullptr) return 0;
  if (lengths_only_) {
    ++elements_;
    return 0;
  }
  if (elements_ == element_capacity_) {
    element_capacity_ = element_capacity_ == 0 ? 2048 : element_capacity_ * 2;
    duckdb_list_vector_reserve(vector_, element_capacity_);
    duckdb_list_vector_set_size(vector_, elements_);
    // The child's memory may have moved. A list in a list keeps its own elements and room.
    element_->point_at(duckdb_list_vector_get_child(vector_));
  }
  return elements_++;
}

void ColumnWriter::drop_list() {
  elements_ = list_begin_;
  if (lengths_only_) return;
  if (vector_ != nullptr && element_capacity_ > 0) duckdb_list_vector_set_size(vector_, elements_);
}

/// All lists of a chunk share the same NULL elements.
void ColumnWriter::end_length(idx_t row) {
  const idx_t length = elements_ - list_begin_;
  elements_ = list_begin_;
  if (length > element_capacity_) {
    element_capacity_ = length * 2;
    duckdb_list_vector_reserve(vector_, element_capacity_);
    duckdb_list_vector_set_size(vector_, element_capacity_);
    duckdb_vector child = duckdb_list_vector_get_child(vector_);
    duckdb_vector_ensure_validity_writable(child);
    std::fill_n(duckdb_vector_get_validity(child), (element_capacity_ + 63) / 64, 0);
  }
  static_cast<duckdb_list_entry*>(data_)[row] = {0, length};
}

void ColumnWriter::end_list(idx_t row) {
  if (vector_ == nullptr) return;
  if (lengths_only_) {
    set_valid(row);
    return end_length(row);
  }
  set_valid(row);
  static_cast<duckdb_list_entry*>(data_)[row] = {list_begin_, elements_ - list_begin_};
  duckdb_list_vector_set_size(vector_, elements_);
}

}  // namespace weir::duckdb
