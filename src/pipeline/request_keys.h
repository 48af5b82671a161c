#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

namespace weir::pipeline {

/// Which idempotency keys may be in weir_requests of a DuckDB file, where no index tells and a look
/// reads the whole table. A key that was never added is certainly not there: weir is the only one
/// who writes. One thread at a time.
class RequestKeys {
 public:
  /// Some 40 bytes for each; beyond, nothing is certain any more.
  static constexpr size_t most_keys = 1'000'000;

  void add(std::string_view key) {
    if (hashes_.size() < most_keys) {
      hashes_.insert(std::hash<std::string_view>()(key));
    } else {
      all_ = true;
    }
  }
  bool may_hold_any(std::span<const std::string> keys) const {
    if (all_) return true;
    for (const std::string& key : keys) {
      if (hashes_.contains(std::hash<std::string_view>()(key))) return true;
    }
    return false;
  }

 private:
  std::unordered_set<uint64_t> hashes_;
  bool all_ = false;  // any key may be there
};

}  // namespace weir::pipeline
