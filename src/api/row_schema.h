#pragma once

#include "model/table.h"
#include "text/json.h"

namespace weir::api {

/// JSON Schema (2020-12) of a table's row as the API takes it: types as docs/reference/types.md
/// spells them, required columns, and the rules that JSON Schema can say. What it refuses weir
/// refuses; the reverse does not hold (keys, references, SQL checks).
text::Json row_schema(const Table& table);

/// Of one value.
text::Json type_schema(const DataType& type);

}  // namespace weir::api
