#include "base/error.h"

namespace weir {

std::string Location::to_string() const {
  std::string out = file;
  if (line > 0) {
    out += (out.empty() ? "" : ":") + std::to_string(line);
    if (column > 0) out += ":" + std::to_string(column);
  }
  return out;
}

ErrorCategory category(ErrorCode code) {
  switch (code) {
#define X(code, category) \
  case ErrorCode::code: return ErrorCategory::category;
    WEIR_ERROR_TABLE(X)
#undef X
  }
  return ErrorCategory::internal;
}

std::string_view name(ErrorCode code) {
  switch (code) {
#define X(code, category) \
  case ErrorCode::code: return #code;
    WEIR_ERROR_TABLE(X)
#undef X
  }
  return "internal";
}

std::string Error::to_string() const {
  std::string out = location.to_string();
  if (!out.empty()) out += ": ";
  out += message;
  if (!fix.empty()) out += "; " + fix;
  return out;
}

}  // namespace weir
