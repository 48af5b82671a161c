#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "text/yaml.h"

namespace weir::text {

/// From the root to a value: keys of maps, indexes of sequences.
using YamlPath = std::vector<std::variant<std::string, size_t>>;

/// Changes of one value in a YAML text; all the rest stays byte for byte: comments, quotes, layout.
/// Each looks afterwards whether the text now says what it said before, with that one change, and
/// refuses otherwise (the value is an alias, or an anchor others repeat).
/// Errors: not_found (no such path), not_yet (it cannot be done without touching more),
/// invalid_project (no YAML).

/// Puts another value in the place of the one at `path`.
Result<std::string> set_yaml_value(std::string_view text, const YamlPath& path,
                                   const YamlNode& value);
/// Takes an item out of a sequence that has others.
Result<std::string> remove_yaml_item(std::string_view text, const YamlPath& item);
/// Adds an item to a sequence, written like those that are there.
Result<std::string> append_yaml_item(std::string_view text, const YamlPath& sequence,
                                     const YamlNode& item);

YamlNode yaml_text(std::string scalar);
YamlNode yaml_null();
/// Same values, whatever their spelling and place.
bool same_value(const YamlNode& a, const YamlNode& b);
/// The value at a path; null when there is none.
const YamlNode* yaml_at(const YamlNode& root, const YamlPath& path);

}  // namespace weir::text
