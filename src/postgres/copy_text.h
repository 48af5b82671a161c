#pragma once

#include <memory>
#include <span>

#include "postgres/row_encoder.h"

namespace weir::postgres {

/// For COPY … (FORMAT text): where a column's type reads its values from text alone. A row at a
/// time, and several times slower than the binary form.
std::unique_ptr<RowEncoder> make_text_encoder(std::span<const ColumnPlan> plans);

}  // namespace weir::postgres
