#pragma once

#include <mysql.h>

#include "model/data_type.h"

namespace weir::mysql {

/// Whether the field's text is bytes rather than characters.
bool holds_bytes(const MYSQL_FIELD& field);

/// weir's type for a column of a result, as ColumnFacts::data_type has it for a table's: a
/// TIMESTAMP is timestamptz, tinyint(1) boolean, and what weir has no type for (enum, a decimal of
/// more than 38 digits) varchar. A text's length is left out.
DataType query_type(const MYSQL_FIELD& field);

}  // namespace weir::mysql
