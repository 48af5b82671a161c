#pragma once

#include "base/log.h"
#include "config/values.h"

namespace weir::config {

/// `log: {level: info, format: text, file: weir.log, rotate: {size: 64MB, keep: 5}}`
struct RotateEntry {
  Located<uint64_t> size_bytes{log::Settings{}.rotate_bytes, {}};
  Located<int64_t> keep{log::Settings{}.keep, {}};
};
struct LogEntry {
  Located<log::Level> level{log::Settings{}.level, {}};
  Located<log::Format> format{log::Settings{}.format, {}};
  Located<std::string> file;
  RotateEntry rotate;
};
Value<LogEntry> log_value();

/// `admin: 9464` or `admin: {listen: 127.0.0.1:9464}`
struct AdminEntry {
  Located<std::string> listen;
};
Value<AdminEntry> admin_value();

}  // namespace weir::config
