#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::calendar {

/// A piece of an expression and where it begins in it.
struct CronWord {
  std::string_view text;
  size_t offset = 0;

  CronWord part(size_t from, size_t count = std::string_view::npos) const {
    return {text.substr(from, count), offset + from};
  }
};

/// What one field may hold.
struct CronField {
  const char* name;
  int low, high;
  std::span<const std::string_view> names = {};  ///< the values from `first_name` on
  int first_name = 0;
  bool open_steps = false;  ///< AWS: `5/10` is from 5 to the end
};

struct CronRange {
  int low = 0, high = 0, step = 1;
};

/// "invalid_project", pointing at the word.
Error cron_error(const CronWord& at, std::string message, std::string fix = {});

/// One number or name.
Result<int> parse_cron_value(const CronField& field, const CronWord& word);
/// `*`, `a`, `a-b`, each perhaps with `/n`.
Result<CronRange> parse_cron_range(const CronField& field, const CronWord& word);
/// A comma-separated list of them, as bits.
Result<uint64_t> parse_cron_bits(const CronField& field, const CronWord& word);

/// The items of a comma-separated list; none is empty.
Result<std::vector<CronWord>> cron_items(const CronField& field, const CronWord& word);

}  // namespace weir::calendar
