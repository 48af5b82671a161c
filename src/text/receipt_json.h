#pragma once

#include "base/result.h"
#include "model/receipt.h"
#include "text/json.h"

namespace weir::text {

/// The receipt in its one published JSON form (docs/reference/receipt.md). Of each reject the first
/// problem stands in the reject itself, the others in `also`.
Json to_json(const Receipt& receipt);
/// Reads back what to_json wrote. Errors: invalid_input.
Result<Receipt> receipt_from_json(const Json& json);

/// {code, message, fix, location: {file, line, column} | null}
Json to_json(const Error& error);
/// Reads back what to_json wrote; a code it does not know becomes `internal`.
/// Errors: invalid_input.
Result<Error> error_from_json(const Json& json);

}  // namespace weir::text
