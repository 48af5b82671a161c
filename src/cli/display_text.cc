#include "cli/display_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "base/utf8.h"

namespace weir::cli {
namespace {

struct Range {
  uint32_t first, last;
};

// Blocks of marks and formats that take no column (Unicode 15: general categories Mn, Me, Cf).
constexpr Range zero_width[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x05bf, 0x05c7},   {0x0610, 0x061a},
    {0x064b, 0x065f}, {0x0670, 0x0670}, {0x06d6, 0x06dc}, {0x06df, 0x06e4},   {0x093c, 0x093c},
    {0x0941, 0x0948}, {0x094d, 0x094d}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a},   {0x0e47, 0x0e4e},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200d}, {0x2060, 0x2064},   {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};

// East Asian Width W and F (Unicode 15, EastAsianWidth.txt), whole blocks.
constexpr Range double_width[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff},
    {0x20000, 0x3fffd},
};

// What reorders the text around it.
constexpr Range bidirectional[] = {{0x200e, 0x200f}, {0x202a, 0x202e}, {0x2066, 0x2069}};

template <size_t size>
bool contains(const Range (&ranges)[size], uint32_t point) {
  const auto range = std::lower_bound(std::begin(ranges), std::end(ranges), point,
                                      [](const Range& r, uint32_t p) { return r.last < p; });
  return range != std::end(ranges) && range->first <= point;
}

uint32_t decode(std::string_view sequence) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(sequence[i]));
  };
  switch (sequence.size()) {
    case 1: return byte(0);
    case 2: return (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
    case 3: return (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 |
             (byte(3) & 0x3f);
  }
}

size_t point_width(uint32_t point) {
  if (contains(zero_width, point)) return 0;
  return contains(double_width, point) ? 2 : 1;
}

/// The next character of `text`, taken off its front; a broken byte counts as one.
std::string_view take_character(std::string_view& text) {
  const size_t length = std::max<size_t>(utf8_sequence_length(text), 1);
  const std::string_view character = text.substr(0, length);
  text.remove_prefix(length);
  return character;
}

std::string spelled_out(uint32_t point) {
  switch (point) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default:
      return point < 0x80 ? fmt::format("\\x{:02x}", point) : fmt::format("\\u{{{:x}}}", point);
  }
}

}  // namespace

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) width += point_width(decode(take_character(text)));
  return width;
}

std::string visible(std::string_view text, LineBreaks line_breaks) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (utf8_sequence_length(text) == 0) {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    const std::string_view character = take_character(text);
    const uint32_t point = decode(character);
    const bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
    const bool stays = line_breaks == LineBreaks::keep && (point == '\n' || point == '\t');
    if ((control && !stays) || contains(bidirectional, point)) {
      out += spelled_out(point);
    } else {
      out += character;
    }
  }
  return out;
}

std::string cut_to_width(std::string_view text, size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const std::string_view character = take_character(text);
    const size_t more = point_width(decode(character));
    if (used + more > width - 1) break;
    out += character;
    used += more;
  }
  return out + "…";
}

}  // namespace weir::cli
