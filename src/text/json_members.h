#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::text {

/// A member of a JSON object, its value as it is spelled: no number passes through a double.
struct JsonMember {
  std::string name;        ///< escapes resolved
  std::string_view value;  ///< one JSON value, no blanks around it
  size_t offset = 0;       ///< of the name's quote in the text
};

/// The members of the one object `text` is, in its order; a name may come twice. The values point
/// into `text`. Errors: invalid_input (no valid JSON, or no object).
Result<std::vector<JsonMember>> json_members(std::string_view text);

/// What a JSON string says. `token` is a valid one, with its quotes.
std::string json_string(std::string_view token);

}  // namespace weir::text
