#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/result.h"

namespace weir::pipeline {

/// What a server said of some rows that were offered to it together.
struct OfferAnswer {
  bool taken = false;
  /// Not taken: the row it names, where it names one.
  std::optional<uint64_t> named = {};
};

/// Offers rows [begin, end): when it is not taken, the server is as if it had not been made.
using OfferRows = std::function<Result<OfferAnswer>(uint64_t begin, uint64_t end)>;

/// The row that was just offered was refused. Gives false to end the search.
using RowRefused = std::function<Result<bool>(uint64_t row)>;

/// Offers rows [0, rows) in their order until each was taken, or refused when it was offered alone
/// behind those that were taken before it. What a server names is a hint, which is tried first.
///
/// A refused row costs a number of offers that grows with the logarithm of how many rows were taken
/// since the one before it, and all offers together hold a small multiple of `rows`. `first`: how
/// many rows to begin with, at least 1. Gives how many rows were taken. Errors: those of the two.
Result<uint64_t> find_refused_rows(uint64_t rows, uint64_t first, const OfferRows& offer,
                                   const RowRefused& refused);

}  // namespace weir::pipeline
