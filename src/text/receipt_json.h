#pragma once

#include "base/result.h"
#include "model/receipt.h"
#include "text/json.h"

namespace weir::text {

/// The receipt in its one published JSON form (docs/reference/receipt.md).
Json to_json(const Receipt& receipt);
/// Reads back what to_json wrote. Errors: invalid_input.
Result<Receipt> receipt_from_json(const Json& json);

Json to_json(const Error& error);

}  // namespace weir::text
