#include "postgres/binary_column.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "postgres/big_endian.h"
#include "postgres/numeric.h"

namespace weir::postgres {

using server::ColumnView;
using server::Int128;
using server::ListEntry;

namespace {

constexpr uint32_t null_length = UINT32_MAX;  // -1
constexpr size_t length_bytes = sizeof(uint32_t);

/// 2000-01-01, from which Postgres counts, after 1970-01-01.
constexpr int64_t epoch_days = 10'957;
constexpr int64_t epoch_micros = epoch_days * 86'400'000'000;

template <typename Source, typename Wire>
struct IntegerCodec {
  static constexpr size_t bytes = sizeof(Wire);
  static void write(char* to, const ColumnView& column, size_t row) {
    put(to, static_cast<std::make_unsigned_t<Wire>>(static_cast<Wire>(column.at<Source>(row))));
  }
};

struct BooleanCodec {
  static constexpr size_t bytes = 1;
  static void write(char* to, const ColumnView& column, size_t row) {
    *to = column.at<uint8_t>(row) != 0 ? 1 : 0;
  }
};

template <typename Source, typename Wire>
struct FloatCodec {
  static constexpr size_t bytes = sizeof(Wire);
  using Bits = std::conditional_t<sizeof(Wire) == 4, uint32_t, uint64_t>;
  static void write(char* to, const ColumnView& column, size_t row) {
    put(to, std::bit_cast<Bits>(static_cast<Wire>(column.at<Source>(row))));
  }
};

/// A day or a moment. DuckDB's infinities are the type's largest value and its negative; Postgres's
/// are the largest and the smallest. What the other epoch cannot count becomes a value that the
/// server refuses as out of range.
template <typename Value, int64_t epoch>
struct MomentCodec {
  static constexpr size_t bytes = sizeof(Value);
  static void write(char* to, const ColumnView& column, size_t row) {
    constexpr Value largest = std::numeric_limits<Value>::max();
    constexpr Value smallest = std::numeric_limits<Value>::min();
    const Value value = column.at<Value>(row);
    Value moved = 0;
    if (value == largest) {
      moved = largest;
    } else if (value == -largest) {
      moved = smallest;
    } else if (__builtin_sub_overflow(value, static_cast<Value>(epoch), &moved) ||
               moved == smallest) {
      moved = smallest + 1;
    }
    put(to, static_cast<std::make_unsigned_t<Value>>(moved));
  }
};

struct UuidCodec {
  static constexpr size_t bytes = 16;
  static void write(char* to, const ColumnView& column, size_t row) {
    const auto& value = column.at<Int128>(row);
    put(put(to, static_cast<uint64_t>(value.high) ^ (uint64_t{1} << 63)), value.low);
  }
};

template <typename Codec>
class FixedColumn final : public BinaryColumn {
 public:
  void measure(const ColumnView& column, size_t from, size_t count, size_t* sizes) override {
    for (size_t i = 0; i < count; ++i) sizes[i] += length_bytes + Codec::bytes;
    if (column.validity == nullptr) return;
    for (size_t i = 0; i < count; ++i) sizes[i] -= column.is_null(from + i) ? Codec::bytes : 0;
  }

  void write(const ColumnView& column, size_t from, size_t count, char** cursors) override {
    if (column.validity == nullptr) {
      for (size_t i = 0; i < count; ++i) cursors[i] = there(column, from + i, cursors[i]);
      return;
    }
    for (size_t i = 0; i < count; ++i) {
      cursors[i] = column.is_null(from + i) ? put(cursors[i], null_length)
                                            : there(column, from + i, cursors[i]);
    }
  }

 private:
  static char* there(const ColumnView& column, size_t row, char* to) {
    to = put(to, static_cast<uint32_t>(Codec::bytes));
    Codec::write(to, column, row);
    return to + Codec::bytes;
  }
};

/// Texts and bytes as they are; jsonb has a version before its text.
template <bool with_version>
class TextColumn final : public BinaryColumn {
 public:
  void measure(const ColumnView& column, size_t from, size_t count, size_t* sizes) override {
    for (size_t i = 0; i < count; ++i) {
      sizes[i] += length_bytes;
      if (!column.is_null(from + i)) sizes[i] += column.text(from + i).size() + with_version;
    }
  }

  void write(const ColumnView& column, size_t from, size_t count, char** cursors) override {
    for (size_t i = 0; i < count; ++i) {
      char* to = cursors[i];
      if (column.is_null(from + i)) {
        cursors[i] = put(to, null_length);
        continue;
      }
      const std::string_view text = column.text(from + i);
      to = put(to, static_cast<uint32_t>(text.size() + with_version));
      if constexpr (with_version) *to++ = 1;
      std::memcpy(to, text.data(), text.size());
      cursors[i] = to + text.size();
    }
  }
};

template <typename Source>
__int128 wide(const Source& value) {
  if constexpr (std::is_same_v<Source, Int128>) {
    return static_cast<__int128>(static_cast<unsigned __int128>(value.high) << 64 | value.low);
  } else {
    return value;
  }
}

/// Numerics are as long as their digits: they are made when they are measured.
template <typename Source>
class NumericColumn final : public BinaryColumn {
 public:
  void measure(const ColumnView& column, size_t from, size_t count, size_t* sizes) override {
    scratch_.resize(count * stride);
    for (size_t i = 0; i < count; ++i) {
      char* made = scratch_.data() + i * stride;
      size_t bytes = 0;
      if (column.is_null(from + i)) {
        put(made, null_length);
      } else {
        bytes = Numeric::write(made + length_bytes, wide(column.at<Source>(from + i)),
                               column.type->scale);
        put(made, static_cast<uint32_t>(bytes));
      }
      made[stride - 1] = static_cast<char>(length_bytes + bytes);
      sizes[i] += length_bytes + bytes;
    }
  }

  void write(const ColumnView&, size_t, size_t count, char** cursors) override {
    for (size_t i = 0; i < count; ++i) {
      const char* made = scratch_.data() + i * stride;
      const auto bytes = static_cast<size_t>(made[stride - 1]);
      std::memcpy(cursors[i], made, bytes);
      cursors[i] += bytes;
    }
  }

 private:
  static constexpr size_t stride = length_bytes + Numeric::most_bytes + 1;
  std::vector<char> scratch_;
};

/// One-dimensional arrays, counted from 1; an empty one has no dimension.
class ListColumn final : public BinaryColumn {
 public:
  ListColumn(uint32_t element_oid, std::unique_ptr<BinaryColumn> elements)
      : element_oid_(element_oid), elements_(std::move(elements)) {}

  void measure(const ColumnView& column, size_t from, size_t count, size_t* sizes) override {
    for (size_t i = 0; i < count; ++i) {
      sizes[i] += length_bytes;
      if (!column.is_null(from + i)) sizes[i] += value_bytes(column, from + i);
    }
  }

  void write(const ColumnView& column, size_t from, size_t count, char** cursors) override {
    for (size_t i = 0; i < count; ++i) {
      cursors[i] = column.is_null(from + i) ? put(cursors[i], null_length)
                                            : write_value(column, from + i, cursors[i]);
    }
  }

 private:
  static constexpr size_t empty_bytes = 3 * sizeof(uint32_t);
  static constexpr size_t dimension_bytes = 2 * sizeof(uint32_t);

  /// Leaves the elements' sizes in sizes_.
  size_t value_bytes(const ColumnView& column, size_t row) {
    const auto& entry = column.at<ListEntry>(row);
    if (entry.length == 0) return empty_bytes;
    sizes_.assign(entry.length, 0);
    elements_->measure(*column.elements, entry.offset, entry.length, sizes_.data());
    size_t bytes = empty_bytes + dimension_bytes;
    for (const size_t size : sizes_) bytes += size;
    return bytes;
  }

  char* write_value(const ColumnView& column, size_t row, char* to) {
    const auto& entry = column.at<ListEntry>(row);
    const size_t bytes = value_bytes(column, row);
    to = put(to, static_cast<uint32_t>(bytes));
    bool with_null = false;
    for (size_t i = 0; i < entry.length; ++i) {
      with_null |= column.elements->is_null(entry.offset + i);
    }
    to = put(to, uint32_t{entry.length == 0 ? 0u : 1u});
    to = put(to, uint32_t{with_null});
    to = put(to, element_oid_);
    if (entry.length == 0) return to;
    to = put(to, static_cast<uint32_t>(entry.length));
    to = put(to, uint32_t{1});
    cursors_.resize(entry.length);
    for (size_t i = 0; i < entry.length; ++i) {
      cursors_[i] = to;
      to += sizes_[i];
    }
    elements_->write(*column.elements, entry.offset, entry.length, cursors_.data());
    return to;
  }

  uint32_t element_oid_;
  std::unique_ptr<BinaryColumn> elements_;
  std::vector<size_t> sizes_;
  std::vector<char*> cursors_;
};

template <typename Column>
std::unique_ptr<BinaryColumn> make() {
  return std::make_unique<Column>();
}

template <typename Source>
std::unique_ptr<BinaryColumn> make_integer(uint32_t target) {
  if (target == oid::numeric) return make<NumericColumn<Source>>();
  if constexpr (sizeof(Source) <= 2) {
    if (target == oid::int2) return make<FixedColumn<IntegerCodec<Source, int16_t>>>();
  }
  if constexpr (sizeof(Source) <= 4) {
    if (target == oid::int4) return make<FixedColumn<IntegerCodec<Source, int32_t>>>();
  }
  WEIR_CHECK(target == oid::int8, "the column's plan is not straight");
  return make<FixedColumn<IntegerCodec<Source, int64_t>>>();
}

std::unique_ptr<BinaryColumn> make_decimal(int precision) {
  if (precision <= 4) return make<NumericColumn<int16_t>>();
  if (precision <= 9) return make<NumericColumn<int32_t>>();
  if (precision <= 18) return make<NumericColumn<int64_t>>();
  return make<NumericColumn<Int128>>();
}

template <typename Source>
std::unique_ptr<BinaryColumn> make_float(uint32_t target) {
  if (target == oid::float4) return make<FixedColumn<FloatCodec<Source, float>>>();
  return make<FixedColumn<FloatCodec<Source, double>>>();
}

}  // namespace

std::unique_ptr<BinaryColumn> make_binary_column(const DataType& type, const TargetType& target) {
  switch (type.kind) {
    case TypeKind::boolean: return make<FixedColumn<BooleanCodec>>();
    case TypeKind::tinyint: return make_integer<int8_t>(target.oid);
    case TypeKind::smallint: return make_integer<int16_t>(target.oid);
    case TypeKind::integer: return make_integer<int32_t>(target.oid);
    case TypeKind::bigint: return make_integer<int64_t>(target.oid);
    case TypeKind::hugeint: return make<NumericColumn<Int128>>();
    case TypeKind::decimal: return make_decimal(type.precision);
    case TypeKind::real: return make_float<float>(target.oid);
    case TypeKind::double_: return make_float<double>(target.oid);
    case TypeKind::varchar:
    case TypeKind::json:
    case TypeKind::bytes:
      if (target.oid == oid::jsonb) return make<TextColumn<true>>();
      return make<TextColumn<false>>();
    case TypeKind::date: return make<FixedColumn<MomentCodec<int32_t, epoch_days>>>();
    case TypeKind::time: return make<FixedColumn<IntegerCodec<int64_t, int64_t>>>();
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return make<FixedColumn<MomentCodec<int64_t, epoch_micros>>>();
    case TypeKind::uuid: return make<FixedColumn<UuidCodec>>();
    case TypeKind::list: {
      TargetType element = target;
      element.oid = target.element_oid;
      return std::make_unique<ListColumn>(element.oid, make_binary_column(*type.element, element));
    }
  }
  return nullptr;
}

}  // namespace weir::postgres
