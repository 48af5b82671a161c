#pragma once

#include "config/reader.h"

namespace weir::config {

/// Reports two traps of YAML and mends the tree, so that each gives one finding and no echoes: a
/// comma that cuts a value inside { } or [ ], as in `{type: decimal(20,0)}`, and a key written
/// twice (the first stays).
void mend_yaml(YamlNode& root, Reader& reader);

/// Lays `overlay` over `base`: maps merge, lists and scalars replace, null deletes.
void lay_over(YamlNode& base, const YamlNode& overlay, Reader& reader);

}  // namespace weir::config
