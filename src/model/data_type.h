#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir {

enum class TypeKind {
  boolean,
  tinyint,
  smallint,
  integer,
  bigint,
  hugeint,
  real,
  double_,
  decimal,
  varchar,
  bytes,
  date,
  time,
  timestamp,
  timestamptz,
  uuid,
  json,
  list,
};

/// Integers, decimals and floats.
bool is_number(TypeKind kind);

/// A column's type as the dictionary spells it. A plain value.
struct DataType {
  TypeKind kind = TypeKind::varchar;
  int precision = 0;  ///< decimal: 1..38 digits in all
  int scale = 0;      ///< decimal: digits after the point, 0..precision
  int length = 0;     ///< varchar: most characters (code points); 0 = no limit
  std::shared_ptr<const DataType> element;  ///< list: what it holds; immutable, so shared

  /// The dictionary's own spelling: "decimal(20,0)", "varchar(255)", "json[]".
  std::string to_string() const;
  bool operator==(const DataType& other) const;
};

/// Parses "bigint", "decimal(20,0)", "varchar(255)", "timestamptz", "json[]", …; case does not
/// matter; int, int4, int8, text, string, bool, float, float8, bytea, blob, numeric, "timestamp
/// with time zone" and the like are accepted spellings of the same types.
/// Errors: invalid_project, with a did-you-mean in `fix`.
Result<DataType> parse_data_type(std::string_view text);

}  // namespace weir
