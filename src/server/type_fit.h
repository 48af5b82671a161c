#pragma once

namespace weir::server {

/// How a column on a server takes the values of one of weir's types.
enum class TypeFit {
  same,      ///< it has the type that weir gives such a column
  wider,     ///< another one, which holds every value
  narrower,  ///< another one, which refuses some values, and keeps the rest as they are
  lossy,     ///< values could change in it, or it takes none of them
};

}  // namespace weir::server
