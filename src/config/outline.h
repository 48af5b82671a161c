#pragma once

#include <string>
#include <vector>

#include "text/json.h"

namespace weir::config {

enum class Need {
  required,
  optional,
  later,  ///< read and kept, but nothing acts on it yet
};

struct KeyOutline;

/// What a value of the project file looks like, for the schema and the reference page.
struct Outline {
  std::string type;                 ///< in words: "text", "a size such as 512MB"
  text::Json schema;                ///< JSON Schema, complete
  std::string title;                ///< of a map with fixed keys: its heading in the reference
  std::string doc;                  ///< of a map with fixed keys: what it is for
  std::vector<KeyOutline> keys;     ///< of a map with fixed keys
  std::vector<std::string> one_of;  ///< exactly one of these keys must be there
  std::vector<Outline> parts;       ///< what lists, maps by name and alternatives are made of
};

/// One key of a map with fixed keys.
struct KeyOutline {
  std::string name;
  std::string doc;
  std::string example;  ///< as YAML in one line; empty = none
  Need need = Need::optional;
  std::string effect;        ///< of a later key: what happens meanwhile
  text::Json default_value;  ///< null = none
  Outline value;
};

}  // namespace weir::config
