#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/data_type.h"

namespace weir::text {

/// A value as a person writes it into a project file or a fixture, in its type's own spelling
/// (text/spelling.h): `1.0` is the integer 1, a date alone is a timestamp's midnight. Whatever
/// would lose something is refused. Errors: invalid_input: "'1.7' does not fit integer", with a
/// fix.
Result<std::string> written_value(const DataType& type, std::string_view text);

}  // namespace weir::text
