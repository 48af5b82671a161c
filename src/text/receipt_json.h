#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "model/receipt.h"
#include "text/json.h"

namespace weir::text {

/// The receipt in its one published JSON form (docs/reference/receipt.md). Of each reject the first
/// problem stands in the reject itself, the others in `also`.
Json to_json(const Receipt& receipt);
/// Its member `rejects` alone.
Json to_json(std::span<const Reject> rejects);
/// Reads back what to_json wrote. Errors: invalid_input.
Result<Receipt> receipt_from_json(const Json& json);
Result<std::vector<Reject>> rejects_from_json(const Json& json);

/// {code, message, fix, location: {file, line, column} | null}
Json to_json(const Error& error);
/// Reads back what to_json wrote; a code it does not know becomes `internal`.
/// Errors: invalid_input.
Result<Error> error_from_json(const Json& json);

}  // namespace weir::text
