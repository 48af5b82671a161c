#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::text {

enum class YamlKind { null, scalar, sequence, map };

/// How a scalar was written. Only plain ones can be numbers, booleans or cut by a comma.
enum class YamlStyle { plain, quoted, block };

/// Whether a collection was written with brackets (`{a: 1}`, `[a]`) or by indentation.
enum class YamlLayout { block, flow };

struct YamlEntry;

/// One value of a YAML file and where it stands. A plain value; copies are deep.
struct YamlNode {
  YamlKind kind = YamlKind::null;
  std::string scalar;  ///< the text; for a null as written: "", "~" or "null"
  YamlStyle style = YamlStyle::plain;
  YamlLayout layout = YamlLayout::block;
  std::vector<YamlEntry> entries;  ///< of a map, in file order, duplicate keys included
  std::vector<YamlNode> items;     ///< of a sequence
  Location location;               ///< the value's first character (its quote, its bracket)
  Location text_location;  ///< the text's first character; of a block scalar, its first line
  /// The scalar stands in the file exactly as in `scalar`, on one line and in ASCII: the byte at
  /// offset n is at column text_location.column + n.
  bool exact = false;

  /// The value of the (first) entry called `key`; null when absent or when this is no map.
  const YamlNode* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  Location location;  ///< the key's first character
  YamlStyle style = YamlStyle::plain;
  YamlNode value;
};

struct YamlDocument {
  YamlNode root;                ///< null for an empty file
  std::vector<Error> problems;  ///< what YAML allows and weir does not; the tree is usable
};

/// Bounds on what is read from one file: a project file is written by hand.
struct YamlLimits {
  size_t size_bytes = 1 << 20;
  size_t nodes = 100'000;  ///< aliases count as what they stand for
  size_t depth = 64;
};

/// Parses one YAML document (UTF-8). `file` goes into every location; columns count characters.
/// Duplicate keys are kept, for the caller to judge.
/// Errors: invalid_project with the place, also where a limit is passed.
Result<YamlDocument> parse_yaml(std::string_view text, const std::string& file,
                                const YamlLimits& limits = {});

/// `text` as a YAML scalar that reads back as the same string, in any place: plain where that is
/// safe, else double-quoted on one line.
std::string yaml_scalar(std::string_view text);

}  // namespace weir::text
