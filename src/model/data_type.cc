#include "model/data_type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/edit_distance.h"

namespace weir {
namespace {

struct Spelling {
  std::string_view text;
  TypeKind kind;
};

/// The first spelling of a kind is the dictionary's own.
constexpr std::array spellings = {
    Spelling{"boolean", TypeKind::boolean},
    Spelling{"bool", TypeKind::boolean},
    Spelling{"tinyint", TypeKind::tinyint},
    Spelling{"smallint", TypeKind::smallint},
    Spelling{"int2", TypeKind::smallint},
    Spelling{"integer", TypeKind::integer},
    Spelling{"int", TypeKind::integer},
    Spelling{"int4", TypeKind::integer},
    Spelling{"bigint", TypeKind::bigint},
    Spelling{"int8", TypeKind::bigint},
    Spelling{"long", TypeKind::bigint},
    Spelling{"hugeint", TypeKind::hugeint},
    Spelling{"real", TypeKind::real},
    Spelling{"float4", TypeKind::real},
    Spelling{"float", TypeKind::real},
    Spelling{"double", TypeKind::double_},
    Spelling{"double precision", TypeKind::double_},
    Spelling{"float8", TypeKind::double_},
    Spelling{"decimal", TypeKind::decimal},
    Spelling{"numeric", TypeKind::decimal},
    Spelling{"varchar", TypeKind::varchar},
    Spelling{"character varying", TypeKind::varchar},
    Spelling{"text", TypeKind::varchar},
    Spelling{"string", TypeKind::varchar},
    Spelling{"bytes", TypeKind::bytes},
    Spelling{"bytea", TypeKind::bytes},
    Spelling{"blob", TypeKind::bytes},
    Spelling{"date", TypeKind::date},
    Spelling{"time", TypeKind::time},
    Spelling{"timestamp", TypeKind::timestamp},
    Spelling{"datetime", TypeKind::timestamp},
    Spelling{"timestamp without time zone", TypeKind::timestamp},
    Spelling{"timestamptz", TypeKind::timestamptz},
    Spelling{"timestamp with time zone", TypeKind::timestamptz},
    Spelling{"uuid", TypeKind::uuid},
    Spelling{"json", TypeKind::json},
    Spelling{"jsonb", TypeKind::json},
};

std::string normalized(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// "(20, 0)" → up to two numbers; false when it is anything else.
bool parse_arguments(std::string_view text, std::array<int, 2>& numbers, int& count) {
  if (text.size() < 3 || text.front() != '(' || text.back() != ')') return false;
  text = text.substr(1, text.size() - 2);
  count = 0;
  while (true) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    if (count == 2) return false;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), numbers[count]);
    if (error != std::errc{}) return false;
    ++count;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    if (text.empty()) return true;
    if (text.front() != ',') return false;
    text.remove_prefix(1);
  }
}

std::string suggestion(std::string_view word) {
  std::vector<std::string_view> known;
  for (const Spelling& spelling : spellings) known.push_back(spelling.text);
  const auto near = nearest(word, known);
  return near ? "did you mean '" + std::string(*near) + "'?"
              : "use one of boolean, tinyint, smallint, integer, bigint, hugeint, real, double, "
                "decimal(p,s), varchar(n), bytes, date, time, timestamp, timestamptz, uuid, json, "
                "or "
                "any of them with [] behind";
}

}  // namespace

std::string DataType::to_string() const {
  if (kind == TypeKind::list) return element->to_string() + "[]";
  std::string text;
  for (const Spelling& spelling : spellings) {
    if (spelling.kind == kind) {
      text = spelling.text;
      break;
    }
  }
  if (kind == TypeKind::decimal) {
    text += "(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
  }
  if (kind == TypeKind::varchar && length > 0) text += "(" + std::to_string(length) + ")";
  return text;
}

bool DataType::operator==(const DataType& other) const {
  if (kind != other.kind) return false;
  if (kind == TypeKind::list) return *element == *other.element;
  return precision == other.precision && scale == other.scale && length == other.length;
}

Result<DataType> parse_data_type(std::string_view given) {
  const std::string text = normalized(given);
  const auto bad = [&](std::string why, std::string fix) {
    return fail(ErrorCode::invalid_project, std::move(why), std::move(fix));
  };
  if (text.size() > 2 && text.ends_with("[]")) {
    DataType list;
    list.kind = TypeKind::list;
    list.element = std::make_shared<DataType>(
        WEIR_TRY(parse_data_type(std::string_view(text).substr(0, text.size() - 2))));
    return list;
  }
  const size_t open = text.find('(');
  std::string word = text.substr(0, open);
  while (!word.empty() && word.back() == ' ') word.pop_back();

  const auto* found = std::find_if(spellings.begin(), spellings.end(),
                                   [&](const Spelling& spelling) { return spelling.text == word; });
  if (found == spellings.end()) {
    return bad("unknown type '" + std::string(given) + "'", suggestion(word));
  }
  DataType type;
  type.kind = found->kind;
  std::array<int, 2> numbers{};
  int count = 0;
  if (open != std::string::npos &&
      !parse_arguments(std::string_view(text).substr(open), numbers, count)) {
    return bad("cannot read the arguments of type '" + std::string(given) + "'",
               "write decimal(p,s) or varchar(n)");
  }
  if (type.kind == TypeKind::decimal) {
    if (count == 0) {
      return bad("decimal needs its precision and scale", "write decimal(18,2), say");
    }
    type.precision = numbers[0];
    type.scale = numbers[1];
    if (type.precision < 1 || type.precision > 38 || type.scale < 0 ||
        type.scale > type.precision) {
      return bad("'" + std::string(given) + "' is out of range",
                 "precision goes from 1 to 38 and scale from 0 to the precision");
    }
  } else if (type.kind == TypeKind::varchar) {
    if (count > 1 || (count == 1 && numbers[0] < 1)) {
      return bad("'" + std::string(given) + "' is out of range", "write varchar(n) with n ≥ 1");
    }
    type.length = count == 1 ? numbers[0] : 0;
  } else if (count > 0) {
    return bad("type '" + word + "' takes no arguments", "write '" + word + "'");
  }
  return type;
}

bool is_number(TypeKind kind) {
  switch (kind) {
    case TypeKind::tinyint:
    case TypeKind::smallint:
    case TypeKind::integer:
    case TypeKind::bigint:
    case TypeKind::hugeint:
    case TypeKind::real:
    case TypeKind::double_:
    case TypeKind::decimal: return true;
    default: return false;
  }
}

}  // namespace weir
