#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/yaml.h"

namespace weir::text {

/// Where a value stands in the file's bytes: [begin, end). For a value left out both are where it
/// would begin, behind the ':' or the '-'.
struct YamlSpan {
  size_t begin = 0, end = 0;
  bool alias = false;           ///< `*name`: the value stands elsewhere
  std::vector<YamlSpan> parts;  ///< of a map's values or a sequence's items, in order
  std::vector<size_t> starts;   ///< where each entry begins: its key, or its '-' (flow: the item)
};

/// The spans of a tree that was parsed from this very text (line ends as '\n', no byte order mark).
/// Errors: not_yet where a spelling is beyond it (`? key`, tags on keys).
Result<YamlSpan> yaml_spans(std::string_view text, const YamlNode& root);

}  // namespace weir::text
