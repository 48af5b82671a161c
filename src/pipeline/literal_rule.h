#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/table.h"

namespace weir::pipeline {

/// A rule that compares a column's value with literals, read back from the SQL that judges it
/// (config/rule.h writes it).
struct LiteralRule {
  enum class Comparison { equal, unequal, less, less_or_equal, greater, greater_or_equal };
  /// As the column's type has it: exactly one is set.
  struct Literal {
    std::optional<std::string> text;    ///< varchar
    std::optional<__int128> scaled;     ///< a number times 10^scale; a moment; 0 or 1
    std::optional<double> approximate;  ///< of a real or double column
  };

  Comparison comparison = Comparison::equal;
  int scale = 0;                  ///< of `scaled`: the most digits behind a literal's point
  std::vector<Literal> literals;  ///< of `in` several, of which one must be equal
};

/// None: the rule is another one, or its literals could compare otherwise than their digits say
/// (floats with many digits, moments with time zone, numbers beyond 18 digits).
std::optional<LiteralRule> read_literal_rule(const Rule& rule, const Column& column);

}  // namespace weir::pipeline
