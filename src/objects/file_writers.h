#pragma once

#include <string>

namespace weir::objects {

enum class Writers {
  none,      ///< nobody has it open for writing
  some,      ///< somebody has
  unknown,   ///< the file system or our rights do not let us know
  not_file,  ///< it is no regular file, or it is gone
};

/// Asks the kernel who writes a file: a read lease is granted only on a file that nobody has open
/// for writing. It is given back at once. Follows links.
Writers find_writers(const std::string& path);

}  // namespace weir::objects
