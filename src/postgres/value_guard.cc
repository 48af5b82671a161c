#include "postgres/value_guard.h"

#include <cstring>

namespace weir::postgres {

using server::ColumnView;
using server::Int128;
using server::ListEntry;

namespace {

/// Postgres allocates a value in one piece of less than 1 GiB.
constexpr size_t most_text_bytes = (size_t{1} << 30) - 64;

constexpr ValueFault fault_of(size_t row, std::string_view reason, std::string_view state) {
  return {row, reason, state};
}

/// Where the first `characters` characters end.
size_t characters_end(std::string_view text, int64_t characters) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool starts = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (starts && characters-- == 0) break;
  }
  return at;
}

/// Whether what stands behind the limit is blanks alone: the server cuts those off silently, and
/// refuses anything else.
bool loses_blanks(std::string_view text, int64_t limit) {
  if (text.size() <= static_cast<size_t>(limit)) return false;
  const std::string_view rest = text.substr(characters_end(text, limit));
  return !rest.empty() && rest.find_first_not_of(' ') == std::string_view::npos;
}

/// Looks at the values of rows [from, to) that are there.
template <typename Broken>
std::optional<ValueFault> find(const ColumnView& column, size_t from, size_t to,
                               std::string_view reason, std::string_view state, Broken broken) {
  for (size_t row = from; row < to; ++row) {
    if (!column.is_null(row) && broken(row)) return fault_of(row, reason, state);
  }
  return std::nullopt;
}

std::optional<ValueFault> find_text(const ColumnView& column, size_t from, size_t to) {
  const auto nul = find(column, from, to, "it holds a NUL character, which Postgres cannot store",
                        "22021", [&](size_t row) {
                          const std::string_view text = column.text(row);
                          return std::memchr(text.data(), 0, text.size()) != nullptr;
                        });
  if (nul) return nul;
  return find(column, from, to, "it is longer than the 1 GiB that Postgres stores in a value",
              "54000", [&](size_t row) { return column.text(row).size() > most_text_bytes; });
}

template <typename Cell>
std::optional<ValueFault> find_multiple(const ColumnView& column, size_t from, size_t to,
                                        __int128 unit) {
  return find(column, from, to, "it has more digits than the column keeps", "22003",
              [&](size_t row) {
                if constexpr (std::is_same_v<Cell, Int128>) {
                  const auto& cell = column.at<Int128>(row);
                  const auto high = static_cast<unsigned __int128>(cell.high) << 64;
                  return static_cast<__int128>(high | cell.low) % unit != 0;
                } else {
                  return column.at<Cell>(row) % unit != 0;
                }
              });
}

std::optional<ValueFault> find_scale(const ColumnView& column, size_t from, size_t to,
                                     int digits_lost) {
  // 38 digits at most are of the value's own; a value of fewer is a multiple only if it is 0.
  __int128 unit = 1;
  for (int i = 0; i < digits_lost && i < 38; ++i) unit *= 10;
  const DataType& type = *column.type;
  switch (type.kind) {
    case TypeKind::tinyint: return find_multiple<int8_t>(column, from, to, unit);
    case TypeKind::smallint: return find_multiple<int16_t>(column, from, to, unit);
    case TypeKind::integer: return find_multiple<int32_t>(column, from, to, unit);
    case TypeKind::bigint: return find_multiple<int64_t>(column, from, to, unit);
    case TypeKind::decimal:
      if (type.precision <= 4) return find_multiple<int16_t>(column, from, to, unit);
      if (type.precision <= 9) return find_multiple<int32_t>(column, from, to, unit);
      if (type.precision <= 18) return find_multiple<int64_t>(column, from, to, unit);
      [[fallthrough]];
    default: return find_multiple<Int128>(column, from, to, unit);
  }
}

std::optional<ValueFault> find_in(const Guard& guard, const ColumnView& column, size_t from,
                                  size_t to) {
  switch (guard.rule) {
    case Guard::Rule::none: return std::nullopt;
    case Guard::Rule::text: return find_text(column, from, to);
    case Guard::Rule::text_length: {
      const auto fault = find_text(column, from, to);
      if (fault) return fault;
      return find(column, from, to, "it ends in blanks for which the column has no room", "22001",
                  [&](size_t row) { return loses_blanks(column.text(row), guard.limit); });
    }
    case Guard::Rule::scale:
      return find_scale(column, from, to, column.type->scale - static_cast<int>(guard.limit));
    case Guard::Rule::micros:
      return find(column, from, to, "it is more precise than the column keeps", "22008",
                  [&](size_t row) {
                    const int64_t value = column.at<int64_t>(row);
                    return value != INT64_MAX && value != -INT64_MAX && value % guard.limit != 0;
                  });
    case Guard::Rule::as_float4:
      return find(
          column, from, to, "the column's 4-byte float does not hold it", "22003", [&](size_t row) {
            const double value = column.at<double>(row);
            return value == value && static_cast<double>(static_cast<float>(value)) != value;
          });
  }
  return std::nullopt;
}

}  // namespace

std::optional<ValueFault> find_fault(const ColumnPlan& plan, const ColumnView& column,
                                     size_t rows) {
  if (plan.guard.rule == Guard::Rule::none) return std::nullopt;
  if (plan.type.kind != TypeKind::list) return find_in(plan.guard, column, 0, rows);
  for (size_t row = 0; row < rows; ++row) {
    if (column.is_null(row)) continue;
    const auto& entry = column.at<ListEntry>(row);
    auto fault = find_in(plan.guard, *column.elements, entry.offset, entry.offset + entry.length);
    if (fault) {
      fault->row = row;
      return fault;
    }
  }
  return std::nullopt;
}

}  // namespace weir::postgres
