#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weir {

/// A letter, then letters, digits, '_' and '-', at most 100. "key" is none: its variable would be
/// the one that holds the sealing key. Errors: usage.
Result<void> check_secret_name(std::string_view name);

/// The environment variable that comes before the sealed file: WEIR_SECRET_ and the name in
/// capitals, '-' as '_'. `a-b` and `a_b` share one.
std::string secret_variable(std::string_view name);

/// The sealing key's own variable.
inline constexpr const char* sealing_key_variable = "WEIR_SECRET_KEY";

}  // namespace weir
