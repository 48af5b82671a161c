#pragma once

#include <string>

#include "config/bind.h"

namespace weir::config {

/// A cron expression, checked: its text as it stands.
Value<Located<std::string>> cron_value();
/// The name of a time zone that this machine knows.
Value<Located<std::string>> zone_value();

}  // namespace weir::config
