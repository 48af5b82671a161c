#pragma once

#include <string>

#include "text/json.h"

namespace weir::text {

/// `json` with every string redacted (base/redaction.h). Names of members and numbers stay, so that
/// the document stays what its readers know.
Json redacted(Json json);
/// The same for a document's text; text that is no JSON is redacted as it is.
std::string redacted_json(std::string text);

}  // namespace weir::text
