#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/data_type.h"

namespace weir::postgres {

/// Types of pg_type that weir knows how to write; these numbers never change.
namespace oid {
inline constexpr uint32_t boolean = 16, bytea = 17, int8 = 20, int2 = 21, int4 = 23, text = 25;
inline constexpr uint32_t json = 114, float4 = 700, float8 = 701, bpchar = 1042, varchar = 1043;
inline constexpr uint32_t date = 1082, time = 1083, timestamp = 1114, timestamptz = 1184;
inline constexpr uint32_t numeric = 1700, uuid = 2950, jsonb = 3802;
}  // namespace oid

/// A column's type in the catalog; of a domain, the type below it.
struct TargetType {
  uint32_t oid = 0;
  int modifier = -1;          ///< atttypmod: varchar's length, numeric's digits, a time's precision
  char category = 'U';        ///< pg_type.typcategory: 'N' numeric, 'D' date or time, …
  uint32_t element_oid = 0;   ///< of an array, else 0
  char element_category = 0;  ///< likewise
  bool generated = false;     ///< its value is computed by the server
  std::string name = {};      ///< "numeric(5,2)", for people
};

/// What has to be looked at in each value, because the server would change it without a word.
struct Guard {
  enum class Rule {
    none,
    text,         ///< no NUL, not longer than Postgres takes
    text_length,  ///< the same; and blanks beyond `limit` characters, which the server would cut
                  ///< off
    scale,        ///< digits behind the `limit`th after the point, which it would round away
    micros,       ///< a moment's digits below `limit` microseconds, likewise
    as_float4,    ///< a double that a float4 does not hold
  };
  Rule rule = Rule::none;
  int64_t limit = 0;
};

struct ColumnPlan {
  std::string name;
  DataType type;  ///< of the batches
  TargetType target;
  Guard guard;           ///< of a list: for its elements
  bool straight = true;  ///< has an exact form in COPY BINARY; else the server reads text
};

/// How values of `type` come into a column of that type without being changed. Errors:
/// invalid_input, for a pair where a value could be: "column day holds timestamp, …".
Result<ColumnPlan> plan_column(std::string name, DataType type, TargetType target);

/// The digits behind the point that a numeric's modifier leaves; nullopt: all.
std::optional<int> numeric_scale(int modifier);

}  // namespace weir::postgres
