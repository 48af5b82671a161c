#pragma once

#include <string>
#include <vector>

#include "config/values.h"
#include "model/traces.h"

namespace weir::config {

/// `traces: {url: http://127.0.0.1:4318/v1/traces, headers: {…}, sample: 10%}`
struct TracesEntry {
  Located<std::string> url;
  std::vector<Named<Located<std::string>>> headers;
  Located<double> sample{TracesConfig{}.sample, {}};
  Location location;
};
Value<TracesEntry> traces_value();

}  // namespace weir::config
