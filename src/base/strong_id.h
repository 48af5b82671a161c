#pragma once

#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace weir {

/// A string that cannot be mistaken for another kind of string.
template <class Tag>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(std::string value) : value_(std::move(value)) {}

  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const StrongId&) const = default;

 private:
  std::string value_;
};

}  // namespace weir

template <class Tag>
struct std::hash<weir::StrongId<Tag>> {
  size_t operator()(const weir::StrongId<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.value());
  }
};
