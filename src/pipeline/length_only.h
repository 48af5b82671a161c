#pragma once

#include <string_view>

namespace weir::pipeline {

/// Whether `sql` names `column` only as `len(column)`: then its elements need not be kept. Answers
/// false when in doubt: every other place where the name's letters stand, whatever they mean there
/// (a quoted name, a text, `*`, COLUMNS), counts as another use.
bool names_length_only(std::string_view sql, std::string_view column);

}  // namespace weir::pipeline
