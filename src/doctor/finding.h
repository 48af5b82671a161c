#pragma once

#include <string>
#include <vector>

namespace weir::doctor {

enum class Verdict {
  ok,
  warning,  ///< works now, and may not for long
  problem,  ///< something will fail
};

/// "ok", "warning", "problem": part of the output's stable form.
constexpr const char* name(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::warning: return "warning";
    case Verdict::problem: return "problem";
  }
  return "problem";
}

/// One line of `weir doctor`.
struct Finding {
  std::string check;  ///< what was looked at: "disk", "bucket landing"
  Verdict verdict = Verdict::ok;
  std::string found;
  std::string fix;  ///< empty when nothing needs one
};

using Findings = std::vector<Finding>;

}  // namespace weir::doctor
