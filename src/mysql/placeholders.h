#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::mysql {

/// A statement as the server prepares it.
struct PreparedText {
  std::string sql;                ///< with ? for each $n
  std::vector<size_t> arguments;  ///< which parameter, from 0, each ? stands for
};

/// $1, $2, … become ?, except in strings, quoted names, comments and behind the letters of a name
/// (`a$1` is a name). A $n may come twice. `given` parameters must all be used, and no more.
/// Errors: sql.
Result<PreparedText> prepared_text(std::string_view sql, size_t given);

}  // namespace weir::mysql
