#pragma once

#include "mysql/types.h"
#include "server/type_fit.h"

namespace weir::mysql {

/// Whether the column would leave out digits of such values, or round them away, without a warning.
bool loses_digits(const DataType& type, std::string_view column_type);

/// What becomes of values of `type` in such a column. Its collation is left out: how the server
/// compares texts is no matter of what it keeps.
server::TypeFit fit_of(const DataType& type, const ColumnFacts& column);

}  // namespace weir::mysql
