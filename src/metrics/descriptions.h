#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace weir::metrics {

/// What the reference page says of a metric.
struct Description {
  std::string_view name;
  std::string_view type;    ///< counter, gauge or histogram
  std::string_view labels;  ///< "pipeline, state"; empty = none
  std::string_view help;
};

/// Every metric there is, in the order of the reference page.
std::span<const Description> descriptions();
/// Of a metric that is there.
const Description& description_of(std::string_view name);

using Families = std::vector<prometheus::MetricFamily>;
/// A family without series, as its description has it.
prometheus::MetricFamily& add_family(Families& families, std::string_view name);

}  // namespace weir::metrics
