#pragma once

#include <chrono>
#include <string>

namespace weir {

/// A point on the UTC time line, microseconds since 1970-01-01T00:00:00Z.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// Where code that must be testable gets the time from.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
};

/// "2026-11-20T12:00:00.000000Z": UTC, always six decimals, sorts as text.
std::string format_timestamp(Timestamp time);

}  // namespace weir
