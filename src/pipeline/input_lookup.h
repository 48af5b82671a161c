#pragma once

#include <optional>

#include "base/result.h"
#include "model/receipt.h"
#include "pipeline/input.h"
#include "pipeline/resources.h"
#include "pipeline/session.h"

namespace weir::pipeline {

/// A receipt that says only that, and why.
Receipt failed_receipt(const Run& run, Error error);

/// Finds the object of `input.run` in its bucket; fills in all but what the ledger knows.
/// Errors: usage (the run names no object), not_found, io.
Result<void> find_input(Session& session, Resources& resources, Input& input);

/// Decides by the ledger's latest entry. Returns the receipt when there is nothing to load: this
/// version is in, or this very run has committed it.
Result<std::optional<Receipt>> judge_input(Session& session, Input& input);

}  // namespace weir::pipeline
