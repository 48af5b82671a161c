#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weir {

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate a writer most likely meant by `word`; none when nothing is close (more than a
/// third of its letters differ).
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

}  // namespace weir
