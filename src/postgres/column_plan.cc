#include "postgres/column_plan.h"

#include <fmt/format.h>

namespace weir::postgres {

namespace {

/// How a value travels: `binary` as COPY BINARY spells it; `text` where the server's own reading
/// of text keeps the value or refuses it; `no` where it would change it silently.
enum class Way { binary, text, no };

bool holds_text(uint32_t type) {
  return type == oid::text || type == oid::varchar || type == oid::bpchar;
}

constexpr uint32_t char_oid = 18, name_oid = 19;  // both cut texts off silently
constexpr uint32_t first_user_oid = 16384;

/// Types that take a text for what it is or refuse it: other texts, enumerations, addresses, uuids,
/// what users define. Numbers, truths, moments and intervals would be read out of it, and rounded.
bool takes_text(const TargetType& target) {
  if (target.category == 'U') return target.oid == oid::uuid || target.oid >= first_user_oid;
  return target.category == 'S' || target.category == 'E' || target.category == 'I';
}

Way integer_way(int bits, const TargetType& target) {
  switch (target.oid) {
    case oid::int2: return bits <= 16 ? Way::binary : Way::text;
    case oid::int4: return bits <= 32 ? Way::binary : Way::text;
    case oid::int8: return bits <= 64 ? Way::binary : Way::text;
    case oid::numeric: return Way::binary;
    case oid::float4: return bits <= 16 ? Way::text : Way::no;  // 24 bits of mantissa
    case oid::float8: return bits <= 32 ? Way::text : Way::no;  // 53
  }
  return Way::no;
}

Way same(bool binary) { return binary ? Way::binary : Way::no; }

Way typed_way(const DataType& type, const TargetType& target) {
  const uint32_t to = target.oid;
  switch (type.kind) {
    case TypeKind::boolean: return same(to == oid::boolean);
    case TypeKind::tinyint: return integer_way(8, target);
    case TypeKind::smallint: return integer_way(16, target);
    case TypeKind::integer: return integer_way(32, target);
    case TypeKind::bigint: return integer_way(64, target);
    case TypeKind::hugeint: return integer_way(128, target);
    case TypeKind::decimal:
      if (to == oid::numeric) return Way::binary;
      // The server refuses a point where it wants an integer; so only whole decimals get there.
      return to == oid::int2 || to == oid::int4 || to == oid::int8 ? Way::text : Way::no;
    case TypeKind::real: return same(to == oid::float4 || to == oid::float8);
    case TypeKind::double_: return same(to == oid::float4 || to == oid::float8);
    case TypeKind::varchar: return same(to == oid::json || to == oid::jsonb);
    case TypeKind::json: return same(to == oid::json || to == oid::jsonb);
    case TypeKind::bytes: return same(to == oid::bytea);
    case TypeKind::date:
      return to == oid::date ? Way::binary : to == oid::timestamp ? Way::text : Way::no;
    case TypeKind::time: return same(to == oid::time);
    case TypeKind::timestamp: return same(to == oid::timestamp);
    case TypeKind::timestamptz: return same(to == oid::timestamptz);
    case TypeKind::uuid: return same(to == oid::uuid);
    case TypeKind::list: return Way::no;
  }
  return Way::no;
}

bool is_text(TypeKind kind) { return kind == TypeKind::varchar || kind == TypeKind::json; }

Way way_of(const DataType& type, const TargetType& target) {
  if (type.kind == TypeKind::list) return Way::no;
  if (is_text(type.kind) && holds_text(target.oid)) return Way::binary;
  const Way typed = typed_way(type, target);
  if (typed != Way::no) return typed;
  if (target.oid == char_oid || target.oid == name_oid) return Way::no;
  if (target.category == 'S') return Way::text;  // any value may be kept as its text
  return is_text(type.kind) && takes_text(target) ? Way::text : Way::no;
}

Guard text_guard(const TargetType& target) {
  const bool limited = target.oid == oid::varchar || target.oid == oid::bpchar;
  if (!limited || target.modifier < 4) return {Guard::Rule::text, 0};
  return {Guard::Rule::text_length, target.modifier - 4};
}

Guard moment_guard(const TargetType& target) {
  if (target.modifier < 0 || target.modifier >= 6) return {};
  int64_t unit = 1;
  for (int digits = target.modifier; digits < 6; ++digits) unit *= 10;
  return {Guard::Rule::micros, unit};
}

Guard guard_of(const DataType& type, const TargetType& target) {
  switch (target.oid) {
    case oid::numeric: {
      const auto scale = numeric_scale(target.modifier);
      if (!scale || *scale >= type.scale) return {};
      return {Guard::Rule::scale, *scale};
    }
    case oid::time:
    case oid::timestamp:
    case oid::timestamptz: return moment_guard(target);
    case oid::float4:
      if (type.kind == TypeKind::double_) return {Guard::Rule::as_float4, 0};
      return {};
    default: return is_text(type.kind) ? text_guard(target) : Guard{};
  }
}

}  // namespace

std::optional<int> numeric_scale(int modifier) {
  if (modifier < 4) return std::nullopt;
  // Eleven bits, signed since Postgres 15: numeric(5,-2) rounds to hundreds.
  return (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
}

Result<ColumnPlan> plan_column(std::string name, DataType type, TargetType target) {
  if (target.generated) {
    return fail(ErrorCode::invalid_input,
                fmt::format("column {} is generated by the database", name),
                "take the column out of the table's columns");
  }
  const bool list = type.kind == TypeKind::list;
  const DataType& value = list ? *type.element : type;
  TargetType place = target;
  if (list) {
    place.oid = target.element_oid;
    place.category = target.element_category;
  }
  const Way way = list && target.element_oid == 0 ? Way::no : way_of(value, place);
  if (way == Way::no) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("column {} is loaded with {}, and is {} in the database, which would not "
                    "keep every value",
                    name, type.to_string(), target.name),
        "change the column in the database, or declare its type, and convert in a select step");
  }
  return ColumnPlan{.name = std::move(name),
                    .type = type,
                    .target = std::move(target),
                    .guard = guard_of(value, place),
                    .straight = way == Way::binary};
}

}  // namespace weir::postgres
