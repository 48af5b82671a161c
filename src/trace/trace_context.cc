#include "trace/trace_context.h"

#include <algorithm>
#include <span>

#include "crypto/digest.h"

namespace weir::trace {
namespace {

constexpr size_t version_00_length = 55;
constexpr unsigned char sampled_flag = 1;

/// Of a lower case digit, for the standard knows no others; -1 of anything else.
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool decode(std::string_view digits, std::span<unsigned char> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(digits[2 * i]), low = hex_digit(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return true;
}

bool all_zeros(std::span<const unsigned char> bytes) {
  return std::ranges::all_of(bytes, [](unsigned char byte) { return byte == 0; });
}

std::string_view text_of(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view header) {
  if (header.size() < version_00_length) return std::nullopt;
  if (header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  std::array<unsigned char, 1> version{}, flags{};
  TraceContext context;
  const bool decoded =
      decode(header.substr(0, 2), version) && decode(header.substr(3, 32), context.trace) &&
      decode(header.substr(36, 16), context.span) && decode(header.substr(53, 2), flags);
  if (!decoded || version[0] == 0xFF) return std::nullopt;
  const bool longer = header.size() > version_00_length;
  // A later version may have more behind a '-'.
  if (longer && (version[0] == 0 || header[version_00_length] != '-')) return std::nullopt;
  if (all_zeros(context.trace) || all_zeros(context.span)) return std::nullopt;
  context.sampled = (flags[0] & sampled_flag) != 0;
  return context;
}

std::string to_traceparent(const TraceContext& context) {
  return "00-" + to_hex(context.trace) + "-" + to_hex(context.span) +
         (context.sampled ? "-01" : "-00");
}

std::string to_hex(const TraceId& id) { return crypto::to_hex(text_of(id)); }
std::string to_hex(const SpanId& id) { return crypto::to_hex(text_of(id)); }

}  // namespace weir::trace
