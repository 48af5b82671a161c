#include "mysql/type_fit.h"

#include <algorithm>
#include <array>

namespace weir::mysql {

using server::TypeFit;

namespace {

/// Digits before the point that every value has room in, and those that any value may need.
struct Digits {
  int held = 0;
  int needed = 0;
};

std::optional<Digits> integer_digits(TypeKind kind) {
  switch (kind) {
    case TypeKind::boolean: return Digits{0, 1};
    case TypeKind::tinyint: return Digits{2, 3};
    case TypeKind::smallint: return Digits{4, 5};
    case TypeKind::integer: return Digits{9, 10};
    case TypeKind::bigint: return Digits{18, 19};
    case TypeKind::hugeint: return Digits{39, 39};  // as decimal(39,0)
    default: return std::nullopt;
  }
}

bool is_exact(TypeKind kind) { return integer_digits(kind) || kind == TypeKind::decimal; }

/// Both exact numbers.
TypeFit number_fit(const DataType& type, const DataType& found) {
  const auto wanted = integer_digits(type.kind);
  const auto held = integer_digits(found.kind);
  bool all = false;
  if (wanted && held) {
    all = wanted->needed <= held->needed;
  } else if (wanted) {
    all = wanted->needed <= found.precision - found.scale;
  } else if (held) {
    all = type.scale == 0 && type.precision <= held->held;
  } else {
    all = type.precision - type.scale <= found.precision - found.scale && type.scale <= found.scale;
  }
  return all ? TypeFit::wider : TypeFit::narrower;
}

/// As text: what a value is spelled with fits, or is refused.
TypeFit text_fit(const DataType& type, const DataType& found) {
  if (found.length == 0) return TypeFit::wider;
  const bool text = type.kind == TypeKind::varchar;
  return text && type.length > 0 && type.length <= found.length ? TypeFit::wider
                                                                : TypeFit::narrower;
}

/// Numbers that a float holds are looked at by loses_digits.
bool is_float(TypeKind kind) { return kind == TypeKind::real || kind == TypeKind::double_; }

bool is_moment(TypeKind kind) {
  return kind == TypeKind::timestamp || kind == TypeKind::timestamptz;
}

TypeFit fit_in(const DataType& type, const DataType& found) {
  if (is_exact(type.kind) && is_exact(found.kind)) return number_fit(type, found);
  if (is_float(found.kind) && is_number(type.kind)) {
    return type.kind == TypeKind::double_ ? TypeFit::narrower : TypeFit::wider;
  }
  if (found.kind == TypeKind::varchar && type.kind != TypeKind::bytes) {
    return text_fit(type, found);
  }
  if (type.kind == TypeKind::bytes && found.kind == TypeKind::bytes) return TypeFit::narrower;
  if (type.kind == found.kind) return TypeFit::narrower;  // of a moment's digits, a text's checks
  const bool moment = is_moment(type.kind) || type.kind == TypeKind::date;
  return moment && is_moment(found.kind) ? TypeFit::narrower : TypeFit::lossy;
}

/// Of its kind, and yet with fewer values.
bool is_cut_short(const ColumnFacts& column) {
  static constexpr std::array<std::string_view, 3> words = {"mediumint", "year", "bit"};
  return column.column_type.find("unsigned") != std::string::npos ||
         std::ranges::any_of(
             words, [&](std::string_view word) { return column.column_type.starts_with(word); });
}

bool is_fractional(const DataType& type) {
  return is_float(type.kind) || (type.kind == TypeKind::decimal && type.scale > 0);
}

}  // namespace

bool loses_digits(const DataType& type, std::string_view column_type) {
  const TypeKind kind = type.kind;
  if (is_fractional(type)) {
    const std::string_view word = column_type.substr(0, column_type.find_first_of("( "));
    if (word.ends_with("int") || word == "bit") return true;
  }
  if (column_type.starts_with("year")) return is_number(kind);  // 5 would be 2005
  if (column_type.starts_with("float")) {
    return is_number(kind) && kind != TypeKind::real && kind != TypeKind::tinyint &&
           kind != TypeKind::smallint;
  }
  if (column_type.starts_with("double")) {
    return kind == TypeKind::bigint || kind == TypeKind::hugeint || kind == TypeKind::decimal;
  }
  return false;
}

TypeFit fit_of(const DataType& type, const ColumnFacts& column) {
  if (column.generated || loses_digits(type, column.column_type)) return TypeFit::lossy;
  ColumnFacts exact = column;
  if (!exact.character_set.empty()) exact.collation = "utf8mb4_0900_bin";
  if (exact.holds(type)) return TypeFit::same;
  const auto found = column.data_type();
  if (!found) {
    const bool listed =
        column.column_type.starts_with("enum") || column.column_type.starts_with("set");
    return listed && type.kind == TypeKind::varchar ? TypeFit::narrower : TypeFit::lossy;
  }
  const TypeFit fit = fit_in(type, *found);
  const bool other_characters = !column.character_set.empty() && column.character_set != "utf8mb4";
  if (fit == TypeFit::wider && (is_cut_short(column) || other_characters)) {
    return TypeFit::narrower;
  }
  return fit;
}

}  // namespace weir::mysql
