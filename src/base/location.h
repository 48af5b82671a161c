#pragma once

#include <string>

namespace weir {

/// A place in a text file. Lines and columns count from 1; 0 means "unknown".
struct Location {
  std::string file;
  int line = 0;
  int column = 0;

  /// "file:line:column", leaving out what is unknown; empty when nothing is known.
  std::string to_string() const;

  bool operator==(const Location&) const = default;
};

}  // namespace weir
