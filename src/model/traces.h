#pragma once

#include <string>
#include <vector>

#include "base/location.h"
#include "model/pipeline.h"

namespace weir {

/// Where weir tells what it does, span by span: an OpenTelemetry collector.
struct TracesConfig {
  std::string url;                     ///< as written; may hold `${secret:…}`
  std::vector<HeaderSetting> headers;  ///< of each request to it; likewise
  double sample = 1;                   ///< the share of traces begun here that are kept, 0 to 1
  Location location;
};

}  // namespace weir
