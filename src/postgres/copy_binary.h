#pragma once

#include <memory>
#include <span>

#include "postgres/row_encoder.h"

namespace weir::postgres {

/// For COPY … (FORMAT binary), when every plan is `straight`.
///
/// Column by column in blocks of rows: first how long each row gets, then every column writes its
/// values where each row stands. What a column does is chosen once, not per value.
std::unique_ptr<RowEncoder> make_binary_encoder(std::span<const ColumnPlan> plans);

}  // namespace weir::postgres
