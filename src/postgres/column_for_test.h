#pragma once

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/data_type.h"
#include "server/column_view.h"

namespace weir::postgres {

inline DataType type_of(const std::string& spelling) {
  auto type = parse_data_type(spelling);
  if (!type) std::abort();
  return *type;
}

inline server::Int128 int128(__int128 value) {
  return {static_cast<uint64_t>(value), static_cast<int64_t>(value >> 64)};
}
/// Digits, and a minus before them.
inline server::Int128 int128(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  unsigned __int128 value = 0;
  for (const char digit : digits.substr(negative ? 1 : 0)) {
    value = value * 10 + static_cast<unsigned>(digit - '0');
  }
  return int128(static_cast<__int128>(negative ? -value : value));
}

/// A column of a batch with memory of its own.
class BuiltColumn {
 public:
  explicit BuiltColumn(const std::string& type) : BuiltColumn(type_of(type)) {}
  explicit BuiltColumn(DataType type) : type_(std::move(type)) {
    if (type_.kind == TypeKind::list) elements_ = std::make_unique<BuiltColumn>(*type_.element);
  }

  template <typename Cell>
  BuiltColumn& add(const Cell& cell) {
    cell_bytes_ = sizeof cell;
    append(&cell, sizeof cell, true);
    return *this;
  }
  BuiltColumn& add_text(std::string_view text) {
    server::TextCell cell;
    cell.length = static_cast<uint32_t>(text.size());
    if (text.size() <= sizeof cell.inlined) {
      std::memcpy(cell.inlined, text.data(), text.size());
    } else {
      texts_.emplace_back(text);
      const char* data = texts_.back().data();
      std::memcpy(cell.inlined + 4, &data, sizeof data);
    }
    return add(cell);
  }
  /// After at least one value, which says how wide cells are.
  BuiltColumn& add_null() {
    const char nothing[16] = {};
    append(nothing, cell_bytes_, false);
    return *this;
  }
  /// A list of what `fill` adds to the column of elements.
  BuiltColumn& add_list(const std::function<void(BuiltColumn&)>& fill) {
    const size_t before = elements_->rows_;
    fill(*elements_);
    return add(server::ListEntry{before, elements_->rows_ - before});
  }

  size_t rows() const { return rows_; }
  const DataType& type() const { return type_; }
  server::ColumnView view() const {
    if (elements_) element_view_ = elements_->view();
    return {&type_, data_.data(), has_null_ ? validity_.data() : nullptr,
            elements_ ? &element_view_ : nullptr};
  }

 private:
  void append(const void* cell, size_t bytes, bool there) {
    const auto* begin = static_cast<const char*>(cell);
    data_.insert(data_.end(), begin, begin + bytes);
    if (rows_ % 64 == 0) validity_.push_back(0);
    if (there) validity_.back() |= uint64_t{1} << (rows_ % 64);
    has_null_ |= !there;
    ++rows_;
  }

  DataType type_;
  std::vector<char> data_;
  std::vector<uint64_t> validity_;
  std::deque<std::string> texts_;
  std::unique_ptr<BuiltColumn> elements_;
  mutable server::ColumnView element_view_;
  size_t cell_bytes_ = 16;
  size_t rows_ = 0;
  bool has_null_ = false;
};

/// 2021-06-01T12:34:56.789012 and the like as DuckDB counts.
inline int64_t micros_of(int64_t days, int64_t hour = 0, int64_t minute = 0, int64_t second = 0,
                         int64_t micros = 0) {
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1'000'000 + micros;
}
inline constexpr int32_t first_day = -719'162;  // 0001-01-01
inline constexpr int32_t last_day = 2'932'896;  // 9999-12-31

}  // namespace weir::postgres
