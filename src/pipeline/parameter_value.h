#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/data_type.h"
#include "model/project.h"

namespace weir::pipeline {

/// A parameter's value, as a request spells it, for the engine to cast: one spelling of each value
/// that all engines read alike, so that no engine's cast decides what a text means. Errors:
/// invalid_input: "'soon' does not fit date", with a fix.
Result<std::string> parameter_value(const DataType& type, std::string_view text, Engine engine);

/// SQL that makes such a text a value of its type; `argument` is "$1", or "NULL".
std::string parameter_cast(const DataType& type, std::string_view argument, Engine engine);

}  // namespace weir::pipeline
