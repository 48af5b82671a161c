#pragma once

#include <string>

#include "text/yaml.h"

namespace weir::config {

/// A YAML value as JSON text. Plain scalars that JSON has too (numbers, true, false) are those, all
/// other scalars are strings.
std::string written_json(const text::YamlNode& node);

}  // namespace weir::config
