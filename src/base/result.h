#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace weir {

/// What every fallible function returns: the value, or one Error.
template <class T = void>
using Result = tl::expected<T, Error>;

/// `return fail(ErrorCode::io, "cannot open x", "check its rights");`
inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string fix = {},
                                  Location location = {}) {
  return tl::unexpected<Error>(
      Error{code, std::move(message), std::move(fix), std::move(location)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

namespace detail {
template <class T>
T take(Result<T>&& result) {
  return *std::move(result);
}
inline void take(Result<void>&&) {}
}  // namespace detail

}  // namespace weir

/// Evaluates a Result expression; yields its value, or returns its error from the function.
#define WEIR_TRY(expression) WEIR_TRY_AS_(expression, __COUNTER__)
#define WEIR_TRY_AS_(expression, number) WEIR_TRY_NUMBERED_(expression, number)
#define WEIR_TRY_NUMBERED_(expression, number) WEIR_TRY_NAMED_(expression, weir_try_##number)
#define WEIR_TRY_NAMED_(expression, name)                    \
  ({                                                         \
    auto name = (expression);                                \
    if (!name) return ::weir::fail(std::move(name).error()); \
    ::weir::detail::take(std::move(name));                   \
  })
